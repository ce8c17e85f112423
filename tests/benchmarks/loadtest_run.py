"""Run `philharmonic loadtest` as a process of its own and read its report."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.settings import ROOT


def loadtest(options: Sequence[str], out: Path, core: int | None = None) -> dict[str, Any]:
    """The report of one run; on one core if one is given.

    Raises:
        RuntimeError: it failed in a way that leaves no report.
    """
    prefix = [] if core is None else ["taskset", "--cpu-list", str(core)]
    command = [*prefix, sys.executable, "-m", "philharmonic", "loadtest", *options]
    done = subprocess.run(
        [*command, "--out", str(out), "--json"], cwd=ROOT, capture_output=True, text=True
    )
    if not done.stdout.startswith("{"):
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def write_workload(path: Path, prompts: Sequence[str], agent: str) -> Path:
    """A labelled file of single turns for one agent."""
    rows = [json.dumps({"text": prompt, "domain": agent}) for prompt in prompts]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def instant_upstream(port: int, delays_ms: tuple[float, float] = (0.0, 0.0)) -> list[str]:
    """The command that serves `tests.benchmarks.instant_upstream`."""
    first, gap = delays_ms
    module = [sys.executable, "-m", "tests.benchmarks.instant_upstream", "--port", str(port)]
    return [*module, "--first-ms", str(first), "--gap-ms", str(gap)]
