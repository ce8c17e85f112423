"""How long `philharmonic serve` takes to its first routed answer, and the memory it holds then.

    python -m tests.benchmarks.start --json start.json

Starts it twice with the real engine, on free ports and in a home folder of its own: cold (the
embedded base is prepared, nothing is cached) and warm. Each start is timed until `/readyz` says
200 and until the first answer that the router dispatched; then it is weighed and stopped.
Memory is PSS from Linux's /proc: resident pages, those that processes share counted once.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import (
    descendants,
    free_port,
    philharmonic,
    resident_mb,
    running,
    stop_children_on_sigterm,
)

QUESTION = "Every weekday at half past nine in the morning"
START_TIMEOUT_S = 600.0
ANSWER_TIMEOUT_S = 120.0
AIM_WARM_S = 45.0


@dataclass(frozen=True)
class Start:
    """One start: seconds since the command was given, megabytes once it had answered."""

    kind: str
    ready_s: float
    first_answer_s: float
    agent: str
    answer: str
    gateway_mb: float
    engine_mb: float
    stop_s: float


def start_once(kind: str, home: Path) -> Start:
    """Start, ask one question, weigh, stop."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(philharmonic()), "serve", "--port", str(port)]
    env: dict[str, str | None] = {
        "PHILHARMONIC_HOME": str(home),
        "PHILHARMONIC_ENGINE_URL": None,
    }
    begun = time.perf_counter()
    with running("philharmonic", command, home.parent / f"{kind}.log", env) as child:
        child.wait_until_200(f"{url}/readyz", START_TIMEOUT_S)
        ready = time.perf_counter()
        completion = ask(url)
        answered = time.perf_counter()
        gateway_mb = resident_mb([child.process.pid])
        engine_mb = resident_mb(descendants(child.process.pid))
        stopping = time.perf_counter()
    return Start(
        kind=kind,
        ready_s=round(ready - begun, 1),
        first_answer_s=round(answered - begun, 1),
        agent=completion["philharmonic"]["agent"],
        answer=completion["choices"][0]["message"]["content"],
        gateway_mb=round(gateway_mb),
        engine_mb=round(engine_mb),
        stop_s=round(time.perf_counter() - stopping, 1),
    )


def ask(url: str) -> dict[str, Any]:
    """One question whose agent the router chooses."""
    body = {"model": "auto", "messages": [{"role": "user", "content": QUESTION}]}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as reply:
        completion: dict[str, Any] = json.load(reply)
        return completion


def render(starts: Sequence[Start]) -> Table:
    """One row per start."""
    columns = ("ready s", "first answer s", "answered by", "gateway MB", "engine MB", "stop s")
    table = Table("start", *columns, title=f"Aim: a warm start within {AIM_WARM_S:.0f} s")
    for column in table.columns[1:]:
        column.justify = "right"
    for start in starts:
        table.add_row(
            start.kind,
            f"{start.ready_s:.1f}",
            f"{start.first_answer_s:.1f}",
            start.agent,
            f"{start.gateway_mb:,.0f}",
            f"{start.engine_mb:,.0f}",
            f"{start.stop_s:.1f}",
        )
    return table


def main() -> None:
    """Start twice, print the table, write the JSON file if one is named."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    stop_children_on_sigterm()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
            starts = [start_once(kind, Path(folder) / "home") for kind in ("cold", "warm")]
    except (RuntimeError, OSError) as error:
        sys.exit(f"error: {error}")
    Console().print(render(starts))
    if options.json:
        machine = {"cores": os.cpu_count(), "python": platform.python_version()}
        report = {"machine": machine, "starts": [asdict(start) for start in starts]}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
