"""Half of what the machine can do, for a while: does the gateway keep memory or descriptors?

    python -m tests.chaos.soak [--minutes 20] [--rate 0.4]

Starts ``philharmonic serve`` with its own engine and a home folder of its own, and finds its
capacity with a few clients that ask without a pause for a minute and a half, which also warms it
up. Then stored conversations begin at half that rate (or at ``--rate``) while the gateway's
resident memory and its open descriptors are noted. Aims: between the first and the last tenth of
the time memory (the median) grows by less than 2 %, at rest no more descriptors are open than
before, no turn is lost and none fails. Exit code 1 if one is missed. Prints a table and writes
``soak.json`` and ``soak.png`` to ``--out``.
"""

import argparse
import asyncio
import io
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console

from agents.settings import Settings
from tests.benchmarks.processes import stop_children_on_sigterm
from tests.chaos import checks
from tests.chaos.conversations import drawn
from tests.chaos.ledger import read_back
from tests.chaos.load import Load, road
from tests.chaos.resources import Sample, at_rest, watch
from tests.chaos.stage import Stage, stage
from tests.chaos.tables import check_table

SEED = 2
CAPACITY_S, USERS = 90.0, 12
SAMPLE_EVERY_S = 2.0
AIM_GROWTH = 0.02
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Soak:
    """What was seen.

    Attributes:
        capacity: conversations a second that were finished without a pause.
        rate: conversations a second that were begun in the soak.
        samples: of the gateway while they were.
    """

    capacity: float
    rate: float
    samples: Sequence[Sample]
    checks: Sequence[checks.Check]


async def soak(acted_on: Stage, minutes: float, rate: float | None, turn_s: float) -> Soak:
    """Warm up, find the rate, and keep it up."""
    pid = acted_on.gateway.process.pid
    async with road(acted_on.gateway.url, turn_s) as http:
        warm_up = Load(http, http)
        began = time.monotonic()
        await warm_up.closed_loop(drawn(10_000, SEED + 1), USERS, CAPACITY_S)
        capacity = warm_up.finished / (time.monotonic() - began)
        rate = rate or capacity / 2
        _say(f"capacity {capacity:.2f} conversations/s; {minutes:g} minutes at {rate:.2f}/s …")
        before = await at_rest(pid)
        load, samples = Load(http, http), list[Sample]()
        planned = drawn(max(1, round(60 * minutes * rate)), SEED)
        watching = asyncio.create_task(watch(pid, SAMPLE_EVERY_S, samples))
        await load.open_loop(planned, rate, PATIENCE_S)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        stored = await read_back(http, load.ledger)
    after = await at_rest(pid)
    tenth = max(1, len(samples) // 10)
    found = [
        checks.little_growth(samples[:tenth], samples[-tenth:], AIM_GROWTH),
        checks.same_descriptors(before, after),
        checks.nothing_lost(load.ledger, stored),
        checks.nothing_uncalled_for(load.ledger, stored),
        checks.right_agent(load.ledger),
        checks.right_adapter(load.ledger),
        checks.clear_to_clients(load.ledger),
        checks.explained(load.ledger, []),
        checks.all_finished(load.finished, len(planned)),
    ]
    return Soak(capacity, rate, samples, found)


def plot(samples: Sequence[Sample]) -> bytes:
    """Memory and descriptors over time, as PNG."""
    figure = Figure(figsize=(9.0, 4.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    memory, files = figure.subplots(2, sharex=True)
    minutes = [(each.at - samples[0].at) / 60 for each in samples]
    shown: dict[str, tuple[Axes, list[float]]] = {
        "resident MB": (memory, [each.rss_mb for each in samples]),
        "descriptors": (files, [each.descriptors for each in samples]),
    }
    for name, (axes, values) in shown.items():
        axes.plot(minutes, values)
        axes.set_ylabel(name)
        axes.set_ylim(0, 1.2 * max(values))  # from zero, so that a small growth looks small
        axes.grid(alpha=0.3)
    files.set_xlabel("minutes")
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def main() -> None:
    """Run it, print the table, write plot and report; exit code 1 if an aim is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, help="conversations a second; else half the capacity")
    parser.add_argument("--turn", type=float, default=150, help="seconds a client waits")
    parser.add_argument("--patience", type=float, default=150, help="seconds for the start")
    parser.add_argument("--out", type=Path, default=Settings().home / "soak", help="report, logs")
    given = parser.parse_args()
    stop_children_on_sigterm()
    _say("starting philharmonic serve …")
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as work,
        stage(Path(work), given.patience, given.out, on_small_disk=False) as acted_on,
    ):
        seen = asyncio.run(soak(acted_on, given.minutes, given.rate, given.turn))
    (given.out / "soak.png").write_bytes(plot(seen.samples))
    report = json.dumps(asdict(seen), indent=2) + "\n"
    (given.out / "soak.json").write_text(report, encoding="utf-8")
    console = Console(width=140)
    console.print(check_table(seen.checks))
    console.print(
        f"{given.minutes:g} minutes at {seen.rate:.2f} conversations/s (capacity "
        f"{seen.capacity:.2f}); report, plot and logs in {given.out}"
    )
    missed = [check.name for check in seen.checks if not check.holds]
    console.print(f"MISSED: {', '.join(missed)}" if missed else "aims met")
    sys.exit(1 if missed else 0)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
