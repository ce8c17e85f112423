"""Versions of an agent change under constant load: turns lost, answers mixed, and how soon.

    python -m tests.benchmarks.hot_swap [--rate 3] [--seconds 30]

Starts ``philharmonic serve`` with a home folder and a catalog of its own. While the load generator
sends streamed turns at a constant rate, and one more user reads every piece of what it gets, a
second version of ``cron`` is published, rolled back after the first one was unloaded, activated
again, and rolled back from another process. Aims: no turn lost, no answer of two versions, no turn
answered by the old version that began a second or more after the roll-back.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.settings import ROOT, Settings
from tests.integration.gateway import serving
from tests.integration.hot_swap import Outcome, change_versions_under_load

AIM_S = 1.0


def main() -> None:
    """Measure and print; exit code 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=3.0, help="turns a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the load")
    given = parser.parse_args()
    cache = Settings().cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-hot-swap-") as work:
        home, catalog = Path(work) / "home", Path(work) / "agents"
        home.mkdir()
        (home / "cache").symlink_to(cache)
        ignored = shutil.ignore_patterns("data", "*.py", "__pycache__")
        shutil.copytree(ROOT / "agents", catalog, ignore=ignored)
        with serving(home, catalog) as server:
            outcome = change_versions_under_load(server, given.rate, given.seconds)
    Console(width=100).print(table(outcome))
    print(f"{outcome.turns} turns at {given.rate:g}/s and {outcome.streams} streams beside them:")
    print(f"{len(outcome.lost)} lost, {len(outcome.mixed)} with more than one version")
    slow = [e for e in outcome.effects if "roll" in e.what and e.last_old_s >= AIM_S]
    met = not outcome.lost and not outcome.mixed and not slow
    print("aims met" if met else f"aims MISSED: {outcome.lost} {outcome.mixed} {slow}")
    sys.exit(0 if met else 1)


def table(outcome: Outcome) -> Table:
    """Each change and when it took effect."""
    found = Table("change", "first turn of the version it made live", "last turn of the other one")
    for effect in outcome.effects:
        last = f"after {effect.last_old_s:.2f} s" if effect.last_old_s else "none after it"
        found.add_row(effect.what, f"began after {effect.first_s:.2f} s", last)
    return found


if __name__ == "__main__":
    main()
