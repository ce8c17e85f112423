"""How often two requests in one message are found, and one request is wrongly cut.

    python -m tests.benchmarks.split

The shipped router with its label reads in this process (no server; about a minute on two idle
cores), or, `--without-llm`, with the fast path deciding everything (seconds). Double requests:
those written by hand; nothing was fitted on the ones in the first row. Single ones: rows written
by hand to look like doubles, rows of the agents' training data, and the router's own
conversations. The last table says what looking for a cut costs a turn.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.bases import profile_named
from agents.catalog import Catalog, load_catalog
from agents.errors import EngineUnavailable
from agents.settings import Settings
from router.artifact import ADAPTER_FOLDER
from router.data.doubles import FITTED_ON, JUDGED_BY, Row, load_rows
from router.evaluate import wilson_interval
from router.label_read import LabelReadEngine
from router.requests import Requests, propose_cut, route_requests
from router.router import Router, load_router
from router.split import Splitter, cuts, read_splitter
from router.turns import RoutingTurn, all_turns, load_labelled
from serving.engine.base_model import ensure_base_model


class NoRouterLLM:
    """Leaves every decision to the fast path."""

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        raise EngineUnavailable("there is no router LLM")


def label_reads(settings: Settings) -> LabelReadEngine:
    """The router's adapter in this process."""
    from training.label_read import LocalLabelReads

    base = ensure_base_model(profile_named(settings.base), settings.cache)
    return LocalLabelReads(base, settings.router_dir / ADAPTER_FOLDER)


@dataclass(frozen=True)
class Finder:
    """The router and its splitter."""

    router: Router
    splitter: Splitter

    async def requests(self, turn: RoutingTurn) -> Requests:
        """As in service."""
        cut = propose_cut(self.router, self.splitter, turn)
        return await route_requests(self.router, self.splitter, turn, cut)

    def proposes(self, turn: RoutingTurn) -> bool:
        """Whether the router is asked about a cut at all."""
        return propose_cut(self.router, self.splitter, turn) is not None


async def judge_doubles(finder: Finder, rows: Sequence[Row]) -> Counter[str]:
    """How the rows with two requests end."""
    ends: Counter[str] = Counter()
    for row in rows:
        if len(row.parts) == 2:
            parts = (await finder.requests(row.turn)).parts
            agents = tuple(part.decision.agent for part in parts)
            ends["right" if agents == row.agents else "wrong agents" if parts else "whole"] += 1
    return ends


async def false_splits(finder: Finder, turns: Sequence[RoutingTurn]) -> tuple[int, int]:
    """Single requests that a cut is proposed for, and those that are cut."""
    proposed = [turn for turn in turns if finder.proposes(turn)]
    split = [turn for turn in proposed if (await finder.requests(turn)).parts]
    return len(proposed), len(split)


def training_turns(catalog: Catalog, agent: str, count: int) -> list[RoutingTurn]:
    """The last user messages of an agent's training rows."""
    examples = catalog[agent].dataset().train
    chosen = random.Random(0).sample(list(examples), min(count, len(examples)))
    said = [tuple(m for m in example.prompt if m.role != "system") for example in chosen]
    return [RoutingTurn(messages, agent if len(messages) > 1 else None) for messages in said]


def cost_ms(finder: Finder, turns: Sequence[RoutingTurn]) -> dict[str, float]:
    """Milliseconds a turn that looking for a cut takes, and the fast path itself.

    Of this process's CPU: what else the machine does then does not count.
    """

    def timed(work: Callable[[RoutingTurn], object], turn: RoutingTurn) -> float:
        started = time.process_time()
        work(turn)
        return (time.process_time() - started) * 1000

    look = sorted(timed(finder.proposes, turn) for turn in turns)
    glance = sorted(timed(finder.router.glance, turn) for turn in turns)
    return {
        "share of turns with a place to cut": statistics.mean(bool(cuts(t.text)) for t in turns),
        "looking for a cut, mean": statistics.mean(look),
        "looking for a cut, p50": look[len(look) // 2],
        "looking for a cut, p95": look[len(look) * 95 // 100],
        "fast path, p50": glance[len(glance) // 2],
    }


async def measure(finder: Finder, catalog: Catalog, data: Path, count: int) -> dict[str, object]:
    """Every figure."""
    found: dict[str, object] = {}
    for name, path in (("judged by", JUDGED_BY), ("fitted on", FITTED_ON)):
        rows = load_rows(path)
        found[f"doubles, {name}"] = dict(await judge_doubles(finder, rows))
        singles = [row.turn for row in rows if len(row.parts) == 1]
        found[f"singles by hand, {name}"] = (len(singles), *await false_splits(finder, singles))
    for agent in catalog:
        turns = training_turns(catalog, agent, count)
        found[f"training rows of {agent}"] = (len(turns), *await false_splits(finder, turns))
    for name in ("calibration", "eval"):
        turns = [row.turn for row in all_turns(load_labelled(data / f"{name}.jsonl"))]
        found[f"router's {name} turns"] = (len(turns), *await false_splits(finder, turns))
    found["cost, ms"] = cost_ms(finder, turns)
    return found


def tables(found: dict[str, object]) -> list[Table]:
    """Doubles, singles, cost."""
    doubles = Table("double requests", "messages", "right", "95 %", "kept whole", "wrong agents")
    singles = Table("single requests", "messages", "proposed", "cut", "share cut")
    cost = Table("cost", "")
    for name, row in found.items():
        if name.startswith("doubles") and isinstance(row, dict):
            ends, total = Counter(row), sum(row.values())
            low, high = wilson_interval(ends["right"], total)
            right = f"{ends['right'] / total:.1%}"
            between = f"{low:.1%} to {high:.1%}"
            rest = (str(ends["whole"]), str(ends["wrong agents"]))
            doubles.add_row(name, str(total), right, between, *rest)
        elif isinstance(row, tuple):
            total, proposed, cut = row
            singles.add_row(name, str(total), str(proposed), str(cut), f"{cut / total:.2%}")
        elif isinstance(row, dict):
            for measure, value in row.items():
                cost.add_row(measure, f"{value:.3f}")
    return [doubles, singles, cost]


def main() -> None:
    """Measure, print, write the JSON file if one is named."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.split",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=300, help="training rows of each agent")
    parser.add_argument("--without-llm", action="store_true", help="ask the fast path alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    settings = Settings()
    catalog = load_catalog(settings.agents_dir)
    folder = settings.router_dir
    reads = NoRouterLLM() if options.without_llm else label_reads(settings)
    router = load_router(folder, tuple(catalog), reads, ADAPTER_FOLDER, 60.0)
    splitter = read_splitter(folder, router.spec.agents.index(router.spec.fallback))
    if splitter is None:
        parser.error(f"{folder} has no splitter; run python -m router.fit_split {folder}")
    finder = Finder(router, splitter)
    found = asyncio.run(measure(finder, catalog, settings.router_data, options.rows))
    console = Console(width=110)
    for table in tables(found):
        console.print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
