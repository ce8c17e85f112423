"""What our gateway adds to an answer, beside LiteLLM's proxy, over one instant upstream.

    python -m tests.benchmarks.gateway --json gateway.json

Three targets answer the same question for the agent `cron`, named in the request (no routing):
the upstream itself, our gateway in front of it, and LiteLLM's proxy in front of it. In every
round each target in turn gets each spell: 1 connection, one request after the other, and 32
connections; whole answers and streamed ones (19 events, 64 words in all). The tables show
medians over the rounds. "Added" is a target's p50 less the upstream's in the same round. Both
gateways run one worker and check an API key.

LiteLLM gets an environment of its own, made on the first run and kept (a download of about
150 MB; with `uv` on the PATH it takes seconds, with pip minutes). After that a run takes about
two minutes. Client, upstream and target share this machine's cores, so keep it idle meanwhile.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from serving.keys import KeyLimits, KeyStore
from tests.benchmarks import litellm_proxy
from tests.benchmarks.instant_upstream import TEXT
from tests.benchmarks.load import Load, chat_request, connect, put_under_load
from tests.benchmarks.processes import (
    free_port,
    philharmonic,
    running,
    stop_children_on_sigterm,
)

AGENT = "cron"
DIRECT, OURS, LITELLM = "upstream, direct", "philharmonic", "litellm"
ROUNDS = 5
MANY = 32
SEQUENTIAL_S = 1.0
CONCURRENT_S = 1.5
WARM_UP_S = 1.0
START_TIMEOUT_S = 60.0
TOTAL_S = 230.0
AIM_ADDED = 1 / 6
AIM_PER_SECOND = 10.0
CACHE = Path("var/cache/bench-litellm")


@dataclass(frozen=True)
class Target:
    """A server to put under load."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self, streaming: bool) -> bytes:
        """The one request that is asked over and over."""
        question = {"role": "user", "content": "Every weekday at half past nine in the morning"}
        body = {"model": AGENT, "messages": [question], "stream": streaming}
        return chat_request(self.url, self.headers, body)


@dataclass(frozen=True)
class Figures:
    """One target, streaming or not: medians over the rounds, times in milliseconds."""

    target: str
    streaming: bool
    p50_ms: float
    p95_ms: float
    added_p50_ms: float
    first_chunk_p50_ms: float
    added_first_chunk_p50_ms: float
    requests_per_second: float


@dataclass(frozen=True)
class Verdict:
    """Ours against LiteLLM's, streaming or not."""

    streaming: bool
    added_p50_fraction: float
    requests_per_second_multiple: float

    @property
    def is_met(self) -> bool:
        """Whether both aims are."""
        fast = self.added_p50_fraction <= AIM_ADDED
        return fast and self.requests_per_second_multiple >= AIM_PER_SECOND


@dataclass(frozen=True)
class Spell:
    """One target's two spells of load in one round."""

    sequential: Load
    concurrent: Load


Rounds = Mapping[tuple[str, bool], Sequence[Spell]]


@contextmanager
def started(names: Sequence[str], cache: Path) -> Iterator[list[Target]]:
    """The upstream and the named targets, running."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-gateway-")))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        module = "tests.benchmarks.instant_upstream"
        command = [sys.executable, "-m", module, "--port", str(port)]
        upstream = stack.enter_context(running("upstream", command, folder / "upstream.log"))
        upstream.wait_until_200(f"{url}/health", START_TIMEOUT_S)
        targets = [Target(DIRECT, url)]
        if OURS in names:
            targets.append(_start_ours(stack, folder, url))
        if LITELLM in names:
            targets.append(_start_litellm(stack, folder, url, cache))
        yield targets


def _start_ours(stack: ExitStack, folder: Path, upstream: str) -> Target:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(philharmonic()), "serve", "--engine-url", upstream, "--port", str(port)]
    home = folder / "home"
    _, key = KeyStore(home).create("benchmark", "chat", KeyLimits())
    env = {"PHILHARMONIC_HOME": str(home), "PHILHARMONIC_LOG_LEVEL": "warning"}
    child = stack.enter_context(running(OURS, command, folder / "philharmonic.log", env))
    child.wait_until_200(f"{url}/readyz", START_TIMEOUT_S)
    return Target(OURS, url, {"authorization": f"Bearer {key}"})


def _start_litellm(stack: ExitStack, folder: Path, upstream: str, cache: Path) -> Target:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = litellm_proxy.install(cache)
    proxy = litellm_proxy.configure(command, folder, upstream, AGENT, port)
    log = folder / "litellm.log"
    child = stack.enter_context(running(LITELLM, proxy.command, log, proxy.env))
    child.wait_until_200(f"{url}/health/readiness", START_TIMEOUT_S)
    return Target(LITELLM, url, proxy.headers)


async def measure(
    targets: Sequence[Target], timeout_s: float, say: Callable[[str], None]
) -> Rounds:
    """Every spell of every round, the targets in an order that moves on by one each round."""
    spells: dict[tuple[str, bool], list[Spell]] = defaultdict(list)
    async with asyncio.timeout(timeout_s):
        for target in targets:
            await warm_up(target)
        for number in range(ROUNDS):
            say(f"round {number + 1} of {ROUNDS}")
            turn = number % len(targets)
            for streaming in (False, True):
                for target in [*targets[turn:], *targets[:turn]]:
                    spells[target.name, streaming].append(await spell(target, streaming))
    return spells


async def warm_up(target: Target) -> None:
    """Check that the target answers what the upstream does, then put it under load for a while."""
    for streaming in (False, True):
        request = target.request(streaming)
        connection = await connect(target.url)
        answer = await connection.ask(request)
        connection.close()
        if answer.status != 200 or answered_text(answer.body, streaming) != TEXT:
            raise RuntimeError(f"{target.name} answered {answer.status}: {answer.body[:500]!r}")
        await put_under_load(target.url, request, MANY, WARM_UP_S, streaming)


def answered_text(body: bytes, streaming: bool) -> str:
    """The answer's text, from a whole completion or from the events of a stream."""
    if not streaming:
        return str(json.loads(body)["choices"][0]["message"]["content"])
    lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    choices = [choice for line in lines for choice in json.loads(line)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def spell(target: Target, streaming: bool) -> Spell:
    """One connection, then many."""
    request = target.request(streaming)
    return Spell(
        await put_under_load(target.url, request, 1, SEQUENTIAL_S, streaming),
        await put_under_load(target.url, request, MANY, CONCURRENT_S, streaming),
    )


def summarise(rounds: Rounds) -> list[Figures]:
    """Medians over the rounds."""
    return [
        _figures(name, streaming, spells, rounds[DIRECT, streaming])
        for (name, streaming), spells in rounds.items()
    ]


def _figures(
    name: str, streaming: bool, spells: Sequence[Spell], direct: Sequence[Spell]
) -> Figures:
    def median(of: Callable[[Spell], float]) -> float:
        return round(statistics.median(map(of, spells)), 3)

    def added(of: Callable[[Spell], float]) -> float:
        pairs = zip(spells, direct, strict=True)
        return round(statistics.median(of(mine) - of(bare) for mine, bare in pairs), 3)

    def p50(spell: Spell) -> float:
        return spell.sequential.total_ms(50)

    def first_p50(spell: Spell) -> float:
        return spell.sequential.first_ms(50)

    return Figures(
        target=name,
        streaming=streaming,
        p50_ms=median(p50),
        p95_ms=median(lambda spell: spell.sequential.total_ms(95)),
        added_p50_ms=added(p50),
        first_chunk_p50_ms=median(first_p50),
        added_first_chunk_p50_ms=added(first_p50),
        requests_per_second=median(lambda spell: spell.concurrent.per_second),
    )


def compare(figures: Sequence[Figures]) -> list[Verdict]:
    """Ours against LiteLLM's, if both were measured."""
    by = {(row.target, row.streaming): row for row in figures}
    return [
        Verdict(
            streaming,
            round(ours.added_p50_ms / theirs.added_p50_ms, 4),
            round(ours.requests_per_second / theirs.requests_per_second, 2),
        )
        for streaming in (False, True)
        if (ours := by.get((OURS, streaming))) and (theirs := by.get((LITELLM, streaming)))
    ]


def figures_table(figures: Sequence[Figures]) -> Table:
    """One row per target, whole answers first, then streams."""
    one = ("p50 ms", "p95 ms", "added p50 ms", "first chunk p50 ms", "added ms")
    table = Table("answers", "target", *one, f"requests/s, {MANY} connections")
    for column in table.columns[2:]:
        column.justify = "right"
    for row in sorted(figures, key=lambda row: row.streaming):
        first = (f"{row.first_chunk_p50_ms:.2f}", f"{row.added_first_chunk_p50_ms:.2f}")
        table.add_row(
            "streamed" if row.streaming else "whole",
            row.target,
            *(f"{value:.2f}" for value in (row.p50_ms, row.p95_ms, row.added_p50_ms)),
            *(first if row.streaming else ("", "")),
            f"{row.requests_per_second:,.0f}",
            end_section=row.target == LITELLM,
        )
    return table


def verdicts_table(verdicts: Sequence[Verdict]) -> Table:
    """The two ratios beside what they should be."""
    aims = (f"aim ≤ {AIM_ADDED:.3f}", f"aim ≥ {AIM_PER_SECOND:.0f} x")
    table = Table("ours against LiteLLM's", "added p50", aims[0], "requests/s", aims[1])
    for verdict in verdicts:
        table.add_row(
            "streamed" if verdict.streaming else "whole",
            f"{verdict.added_p50_fraction:.3f}",
            _met(verdict.added_p50_fraction <= AIM_ADDED),
            f"{verdict.requests_per_second_multiple:.1f} x",
            _met(verdict.requests_per_second_multiple >= AIM_PER_SECOND),
        )
    return table


def _met(is_met: bool) -> str:
    return "[green]met[/]" if is_met else "[red]missed[/]"


def run(names: Sequence[str], cache: Path, console: Console) -> Rounds:
    """Start everything, measure, stop everything."""
    if LITELLM in names:
        console.print(f"{litellm_proxy.REQUIREMENT} in {cache}", markup=False)
        litellm_proxy.install(cache)
    deadline = time.monotonic() + TOTAL_S
    with started(names, cache) as targets:
        console.print(", ".join(f"{target.name} at {target.url}" for target in targets))
        return uvloop.run(measure(targets, deadline - time.monotonic(), console.print))


def main() -> None:
    """Measure, print the tables, write the JSON file if one is named."""
    options = _parse_options()
    console = Console(width=max(Console().width, 120))
    stop_children_on_sigterm()
    try:
        rounds = run(options.targets, options.cache.resolve(), console)
    except TimeoutError:
        sys.exit(f"error: not done after {TOTAL_S:.0f} s; is the machine busy?")
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"error: {error}")
    figures = summarise(rounds)
    verdicts = compare(figures)
    console.print(figures_table(figures))
    if verdicts:
        console.print(verdicts_table(verdicts))
    if options.json:
        report = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "litellm": litellm_proxy.REQUIREMENT,
            "rounds": ROUNDS,
            "figures": [asdict(row) for row in figures],
            "verdicts": [asdict(verdict) | {"is_met": verdict.is_met} for verdict in verdicts],
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.gateway",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument(
        "--targets",
        nargs="+",
        choices=(OURS, LITELLM),
        default=(OURS, LITELLM),
        help="what to measure beside the upstream (default: both)",
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help=f"LiteLLM's environment (default: {CACHE})"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
