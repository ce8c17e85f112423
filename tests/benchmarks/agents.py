"""How good each agent's adapter is against the base model, on a running vLLM server.

    python -m tests.benchmarks.agents --engine-url http://localhost:8081 --misses 3 \\
        --json agents.json

The highest version of every adapter the server lists is judged on its agent's hand-written
evaluation rows; the base gets the same system prompt, rows and settings.
"""

import argparse
import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.catalog import Catalog, load_catalog
from agents.config import GenerationConfig
from agents.data import Message
from agents.settings import Settings
from training.evaluate import CONCURRENCY, Comparison, Complete, Evaluation, compare, gate

VERSION = re.compile(r"(?:\w+:)?(?P<agent>[^@:]+)@(?P<number>\d+)")


async def served_models(client: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    """The base model's name and, by agent, that of its highest served version."""
    response = await client.get("/v1/models")
    response.raise_for_status()
    base, newest = "", dict[str, tuple[int, str]]()
    for model in response.json()["data"]:
        version = VERSION.fullmatch(model["id"])
        if model["parent"] is None:
            base = model["id"]
        elif version:
            agent, number = version["agent"], int(version["number"])
            newest[agent] = max(newest.get(agent, (0, "")), (number, model["id"]))
    return base, {agent: name for agent, (_, name) in newest.items()}


def completing(client: httpx.AsyncClient) -> Complete:
    """Ask the server for one whole answer."""

    async def complete(
        model: str, messages: Sequence[Message], generation: GenerationConfig
    ) -> str:
        body = {
            "model": model,
            "messages": [message.as_dict() for message in messages],
            **generation.model_dump(),
        }
        response = await client.post("/v1/chat/completions", json=body)
        response.raise_for_status()
        return str(response.json()["choices"][0]["message"]["content"] or "")

    return complete


async def compare_all(url: str, catalog: Catalog) -> dict[str, Comparison]:
    """Judge every agent that the server has an adapter of, by name."""
    limits = httpx.Limits(max_connections=CONCURRENCY)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        base, adapters = await served_models(client)
        return {
            name: await compare(
                completing(client), agent.config, agent.eval_examples(), adapters[name], base
            )
            for name, agent in catalog.items()
            if name in adapters
        }


def render(comparisons: Mapping[str, Comparison], catalog: Catalog) -> Table:
    """One line for each agent, and one for each field of those that answer with JSON."""
    table = Table("agent", "rows", "adapter", "95 % interval", "base", "gain", "gate")
    for column in table.columns[1:-1]:
        column.justify = "right"
    for name, comparison in comparisons.items():
        adapter, base = comparison.adapter, comparison.base
        table.add_row(
            name,
            str(adapter.rows),
            percent(adapter.score),
            " to ".join(percent(bound) for bound in adapter.interval),
            percent(base.score),
            f"{comparison.gain * 100:+.1f}",
            "; ".join(gate(catalog[name].config.gate, base, adapter)) or "passed",
        )
        for field, score in adapter.fields.items():
            of_base = base.fields[field]
            gain = f"{(score - of_base) * 100:+.1f}"
            table.add_row(f"  {field}", "", percent(score), "", percent(of_base), gain, "")
        table.add_section()
    return table


def percent(share: float) -> str:
    """A share as the tables write it."""
    return f"{share * 100:.1f}"


def print_misses(console: Console, evaluation: Evaluation, count: int) -> None:
    """The worst ``count`` answers: what was asked last, what was expected, what came."""
    for miss in evaluation.misses[:count]:
        console.print(f"[bold]{evaluation.model}[/] row {miss.row}: ", end="")
        console.print(escape(miss.messages[-1].content))
        console.print(f"  expected [green]{escape(miss.expected)}[/]")
        console.print(f"  answered [red]{escape(miss.answer)}[/]")


def main() -> None:
    """Evaluate, print table and misses, write the JSON file if one is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--engine-url", required=True, help="root of the server, without /v1")
    parser.add_argument("--misses", type=int, default=0, help="worst answers to show per agent")
    parser.add_argument("--json", type=Path, help="file to write all results to")
    options = parser.parse_args()
    catalog = load_catalog(Settings().agents_dir)
    comparisons = asyncio.run(compare_all(options.engine_url, catalog))
    console = Console()
    console.print(render(comparisons, catalog))
    for comparison in comparisons.values():
        print_misses(console, comparison.adapter, options.misses)
    if options.json:
        results = {name: asdict(comparison) for name, comparison in comparisons.items()}
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
