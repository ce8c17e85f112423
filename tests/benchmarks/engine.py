"""Output tokens per second of a running vLLM server, by model mix and concurrency.

    python -m tests.benchmarks.engine --url http://localhost:8000 --base BASE --adapter sql@1 \\
        --adapter cron@1 --json engine.json

Every request asks for exactly 64 greedy tokens; each one has a prompt of its own, so that the
prefix cache does not answer for the engine.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

TOKENS = 64
CONCURRENCY = (1, 8, 32)
MIN_REQUESTS = 4


@dataclass(frozen=True)
class Measurement:
    """One row of the report: a mix of models at one concurrency."""

    mix: str
    concurrency: int
    requests: int
    seconds: float
    tokens_per_second: float


async def answer(client: httpx.AsyncClient, model: str, tag: str) -> int:
    """Ask for one answer; return the number of tokens it has."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": f"[{tag}] Tell me about the number {tag}."}],
        "max_tokens": TOKENS,
        "temperature": 0,
        "ignore_eos": True,
    }
    response = await client.post("/v1/chat/completions", json=body)
    response.raise_for_status()
    return int(response.json()["usage"]["completion_tokens"])


async def measure(
    client: httpx.AsyncClient, mix: str, models: Sequence[str], concurrency: int
) -> Measurement:
    """Keep `concurrency` requests open until all are answered, the models in turn."""
    count = max(concurrency * 2, MIN_REQUESTS)
    pending = iter(list(enumerate(islice(cycle(models), count))))

    async def worker() -> int:
        return sum([await answer(client, model, f"{time.time_ns()}-{i}") for i, model in pending])

    start = time.perf_counter()
    tokens = sum(await asyncio.gather(*(worker() for _ in range(concurrency))))
    seconds = time.perf_counter() - start
    return Measurement(mix, concurrency, count, round(seconds, 2), round(tokens / seconds, 1))


async def measure_all(url: str, base: str, adapters: Sequence[str]) -> list[Measurement]:
    """The base model, the first adapter, and all adapters mixed, at every concurrency."""
    mixes: dict[str, Sequence[str]] = {"base": [base]}
    if adapters:
        mixes["one adapter"] = adapters[:1]
    if len(adapters) > 1:
        mixes["all adapters"] = adapters
    limits = httpx.Limits(max_connections=max(CONCURRENCY))
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        # The first request per model pays for loading and for kernels compiled on first use.
        for model in (base, *adapters):
            await answer(client, model, "warm-up")
        return [
            await measure(client, mix, models, concurrency)
            for mix, models in mixes.items()
            for concurrency in CONCURRENCY
        ]


def render(measurements: Sequence[Measurement]) -> Table:
    """Mixes down, concurrencies across, output tokens per second in the cells."""
    table = Table("tokens/s", *(f"{concurrency} at a time" for concurrency in CONCURRENCY))
    for column in table.columns[1:]:
        column.justify = "right"
    for mix in dict.fromkeys(m.mix for m in measurements):
        table.add_row(mix, *(f"{m.tokens_per_second:.0f}" for m in measurements if m.mix == mix))
    return table


def main() -> None:
    """Measure, print the table, write the JSON file if one is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", required=True, help="root of the server, without /v1")
    parser.add_argument("--base", required=True, help="name the base model is served under")
    parser.add_argument("--adapter", action="append", default=[], help="repeat for more adapters")
    parser.add_argument("--json", type=Path, help="file to write the measurements to")
    options = parser.parse_args()
    measurements = asyncio.run(measure_all(options.url, options.base, options.adapter))
    Console().print(render(measurements))
    if options.json:
        rows = [asdict(measurement) for measurement in measurements]
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
