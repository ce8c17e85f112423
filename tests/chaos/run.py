"""Everything goes wrong under load: is a turn lost, an answer wrong, a client left in the dark?

    python -m tests.chaos.run [--conversations 250] [--seconds 330] [--limit 600]

Starts ``philharmonic serve`` with its own engine, a home folder of its own on a small disk and a
catalog of its own. While stored conversations begin at a steady rate, some routed, some with a
named agent, streamed and not, directly and by a proxy, every fault of `tests.chaos.faults` happens
once: connections are cut, an agent's version is swapped and swapped back, the gateway and the
engine are killed, the disk is full for a while; all along some clients hang up. A client whose turn
failed asks again. In the end every conversation is read back and compared with what its client was
told (`tests.chaos.checks`). Exit code 1 if a promise is broken. Mounting the small disk needs root;
without it that fault is skipped, and the table says so.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.settings import Settings
from tests.benchmarks.processes import stop_children_on_sigterm
from tests.chaos import checks
from tests.chaos.conversations import drawn
from tests.chaos.faults import TIMETABLE, Happening, Scene, happen
from tests.chaos.ledger import Ledger, Stored, read_back
from tests.chaos.load import Load, road
from tests.chaos.proxy import Proxy
from tests.chaos.resources import REST_S, Sample, at_rest
from tests.chaos.stage import Stage, stage
from tests.chaos.tables import check_table, fault_table, kind_of
from tests.integration.hot_swap import AGENT

SEED = 0
WARM_UP_CONVERSATIONS, WARM_UP_USERS, WARM_UP_S = 24, 8, 60.0
#: For reading everything back, resting and stopping.
AFTERWARDS_S = REST_S + 40.0


@dataclass(frozen=True)
class Options:
    """How much, and how long it may take.

    Attributes:
        seconds: in which the conversations begin.
        turn_s: how long a client waits for an answer, or the next piece of one.
        patience_s: how long clients whose turns fail go on asking after the last has begun, if
            there is that much time; also how long a start or a recovery may take.
        end: when all is to be over, by `time.monotonic`.
    """

    conversations: int
    seconds: float
    turn_s: float
    patience_s: float
    end: float


@dataclass(frozen=True)
class Weighed:
    """Gateway and engine at rest."""

    gateway: Sample
    engine_mb: float


async def weighed(acted_on: Stage) -> Weighed:
    """What both hold after a while without work."""
    gateway = await at_rest(acted_on.gateway.process.pid)
    return Weighed(gateway, acted_on.engine_mb)


@dataclass(frozen=True)
class Outcome:
    """All that was seen; moments are `time.monotonic`."""

    begin: float
    happenings: Sequence[Happening]
    ledger: Ledger
    checks: Sequence[checks.Check]


async def run(acted_on: Stage, options: Options) -> Outcome:
    """The load and the faults side by side, then the checks."""
    proxy = Proxy(acted_on.port)
    url = acted_on.gateway.url
    async with (
        proxy.running(),
        road(url, options.turn_s) as direct,
        road(proxy.url, options.turn_s) as proxied,
    ):
        warm_up = Load(direct, proxied)
        planned = drawn(WARM_UP_CONVERSATIONS, SEED + 1)
        await warm_up.closed_loop(planned, WARM_UP_USERS, WARM_UP_S)
        _say("warm; at rest …")
        before = await weighed(acted_on)
        load = Load(direct, proxied)
        _say(f"{options.conversations} conversations begin within {options.seconds:.0f} s …")
        begin = time.monotonic()
        time_left = options.end - begin - options.seconds - AFTERWARDS_S
        happenings, _ = await asyncio.gather(
            happen(Scene(acted_on, proxy, load.ledger), options.seconds),
            load.open_loop(
                drawn(options.conversations, SEED),
                options.conversations / options.seconds,
                min(options.patience_s, time_left),
            ),
        )
        _say("reading everything back; at rest …")
        stored = await read_back(direct, load.ledger)
    after = await weighed(acted_on)
    found = _checks(acted_on, options, load, happenings, stored, before, after)
    return Outcome(begin, happenings, load.ledger, found)


def _checks(
    acted_on: Stage,
    options: Options,
    load: Load,
    happenings: Sequence[Happening],
    stored: dict[str, list[Stored]],
    before: Weighed,
    after: Weighed,
) -> list[checks.Check]:
    ledger = load.ledger
    return [
        checks.all_happened(happenings, TIMETABLE),
        checks.nothing_lost(ledger, stored),
        checks.nothing_uncalled_for(ledger, stored),
        checks.right_agent(ledger),
        checks.right_adapter(ledger),
        checks.right_version(ledger, f"{AGENT}@1", acted_on.swaps),
        checks.unmixed(ledger),
        checks.clear_to_clients(ledger),
        checks.explained(ledger, happenings),
        checks.all_finished(load.finished, options.conversations),
        checks.nothing_left_behind(acted_on.left_behind(), len(acted_on.engines)),
        checks.same_descriptors(before.gateway, after.gateway),
        checks.same_memory("gateway", before.gateway.rss_mb, after.gateway.rss_mb),
        checks.same_memory("engine", before.engine_mb, after.engine_mb),
    ]


def report_of(outcome: Outcome, seconds: float) -> dict[str, Any]:
    """The run as plain JSON, every failed request with its time included."""
    begin = outcome.begin
    return {
        "seconds": round(seconds),
        "faults": [
            {
                "name": each.fault.name,
                "at_s": round(each.began - begin, 1),
                "over_in_s": round(each.ended - each.began, 1),
                "what": each.what,
                "skipped": each.skipped,
                "trouble": each.trouble,
            }
            for each in outcome.happenings
        ],
        "checks": [asdict(each) | {"holds": each.holds} for each in outcome.checks],
        "requests": len(outcome.ledger.attempts),
        "answered": len(outcome.ledger.answered),
        "failed": [
            {
                "at_s": round(each.began - begin, 1),
                "took_s": round(each.ended - each.began, 1),
                "kind": kind_of(each),
                "why": each.seen.why,
                "conversation": each.conversation,
                "turn": each.turn,
            }
            for each in outcome.ledger.attempts
            if each.seen.outcome != "answered"
        ],
    }


def main() -> None:
    """Run it, print the tables, write the report; exit code 1 if a promise is broken."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--conversations", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=330, help="in which they begin")
    parser.add_argument("--limit", type=float, default=600, help="seconds all of it may take")
    parser.add_argument("--turn", type=float, default=150, help="seconds a client waits")
    parser.add_argument("--patience", type=float, default=150, help="seconds for a recovery")
    parser.add_argument("--out", type=Path, default=Settings().home / "chaos", help="report, logs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report here as well")
    given = parser.parse_args()
    began = time.monotonic()
    options = Options(
        given.conversations, given.seconds, given.turn, given.patience, began + given.limit
    )
    stop_children_on_sigterm()
    try:
        outcome = _outcome(options, given.out)
    except TimeoutError:
        sys.exit(f"not over after {given.limit:.0f} s (--limit): the machine may be too slow")
    except (RuntimeError, OSError) as error:
        sys.exit(f"error: {error}")
    seconds = time.monotonic() - began
    console = Console(width=140)
    console.print(fault_table(outcome.begin, outcome.happenings, outcome.ledger))
    console.print(check_table(outcome.checks))
    report = json.dumps(report_of(outcome, seconds), indent=2) + "\n"
    for path in filter(None, (given.out / "chaos.json", given.json)):
        path.write_text(report, encoding="utf-8")
    broken = [check.name for check in outcome.checks if not check.holds]
    console.print(f"{seconds:.0f} s; report and logs in {given.out}")
    console.print(f"BROKEN: {', '.join(broken)}" if broken else "every promise was kept")
    sys.exit(1 if broken else 0)


def _outcome(options: Options, logs: Path) -> Outcome:
    """Start the stack, let the run happen, stop it."""
    _say("starting philharmonic serve …")
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as work,
        stage(Path(work), options.patience_s, logs, on_small_disk=True) as acted_on,
    ):
        left_s = options.end - time.monotonic()
        return asyncio.run(asyncio.wait_for(run(acted_on, options), left_s))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
