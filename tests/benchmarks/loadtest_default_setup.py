"""Load-test a running `philharmonic serve`: routing alone, routed chat, pinned chat, vLLM itself.

    python -m tests.benchmarks.loadtest_default_setup --engine-url http://127.0.0.1:PORT

Every target at the same rates and, where agents can be chosen, with the adapters asked for alike
(uniform) and unevenly (zipf); then a sweep finds the knee of routed chat, its accuracy is set
against the idle one, and the gateway's own time is taken at half the knee. Ten minutes. Prints
the table for the README and writes it, the plot of the sweep and every report into `--out`.
"""

import argparse
import json
import shutil
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.settings import Settings
from tests.benchmarks.loadtest_run import loadtest

AIM_ACCURACY_POINTS = 0.005
AIM_GATEWAY_P99_MS = 10.0
SECONDS = 20
IDLE_CONVERSATIONS = 50
SWEEP_BUDGET = "240s"
TOTAL_S = 700.0

Report = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """Where the servers are and what is promised."""

    url: str
    engine_url: str
    slo: str
    out: Path

    def run(self, name: str, *options: str) -> Report:
        """One run with its report in a folder of its own."""
        print(f"{name} …", file=sys.stderr)
        where = [] if "--url" in options else ["--url", self.url]
        metrics = ["--engine-metrics", self.engine_url]
        return loadtest([*where, *metrics, *options], self.out / name.replace(" ", "-"))


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    target: str
    mix: str
    load: str
    report: Report

    def cells(self) -> list[str]:
        """The line in the table's columns."""
        report, latency = self.report, self.report["latency"]
        errors = ", ".join(f"{each['count']} {each['kind']}" for each in report["errors"])
        return [
            self.target,
            self.mix,
            self.load,
            f"{report['request_throughput']:.1f}",
            f"{report['output_throughput']:.0f}",
            pair(latency["ttft"]),
            pair(latency["tpot"]),
            pair(latency["e2el"]),
            pair(report["route"]),
            pair(report["gateway"]),
            percent(report),
            errors or "0",
        ]


COLUMNS = (
    "target", "mix", "load", "turns/s", "tokens/s", "TTFT p50 / p99 ms", "TPOT p50 / p99 ms",
    "E2EL p50 / p99 ms", "routing p50 / p99 ms", "gateway's own p50 / p99 ms",
    "to the right agent", "failed",
)  # fmt: skip


def pair(times: dict[str, float] | None) -> str:
    """Median and 99th percentile."""
    if times is None:
        return "–"
    return f"{times['p50_ms']:.3g} / {times['p99_ms']:.3g}"


def percent(report: Report) -> str:
    """Routing accuracy."""
    routing = report["routing"]
    return "–" if routing is None else f"{routing['accuracy']:.1%}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as the README writes it."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def model_pattern(setup: Setup) -> str:
    """How vLLM names the agents' adapters, which have one version in a fresh setup."""
    with urllib.request.urlopen(f"{setup.engine_url}/v1/models", timeout=10) as answer:
        names = {str(model["id"]) for model in json.load(answer)["data"]}
    versions = {name.partition("@")[2] for name in names if "@" in name}
    if len(versions) != 1:
        raise RuntimeError(f"{setup.engine_url} serves {sorted(names)}: one version is needed")
    return "{agent}@" + versions.pop()


def side_by_side(setup: Setup, rate: float) -> list[Row]:
    """Every target at one rate, with every mix that it can be asked for."""
    load = ["--rate", f"{rate:g}", "--duration", f"{SECONDS}s"]
    vllm = ["--target", "openai", "--url", setup.engine_url, "--model", model_pattern(setup)]
    wanted = [
        ("vLLM directly", "uniform", vllm),
        ("vLLM directly", "zipf", vllm),
        ("chat, pinned", "uniform", ["--target", "pinned"]),
        ("chat, pinned", "zipf", ["--target", "pinned"]),
        ("chat, routed", "uniform", ["--target", "chat", "--single"]),
        ("chat, routed", "zipf", ["--target", "chat", "--single"]),
        ("routing alone", "uniform", ["--target", "route"]),
        ("routing alone", "zipf", ["--target", "route"]),
    ]
    return [
        Row(target, mix, f"{rate:g}/s", setup.run(f"{target} {mix}", *options, "--mix", mix, *load))
        for target, mix, options in wanted
    ]


def knee_of_chat(setup: Setup, rate: float) -> Report:
    """The sweep over whole conversations."""
    options = ["--target", "chat", "--sweep", "--slo", setup.slo, "--rate", f"{rate:g}"]
    options += ["--duration", f"{SECONDS}s", "--budget", SWEEP_BUDGET, "--trials", "2"]
    return setup.run("sweep of routed conversations", *options)


def at_and_below(setup: Setup, knee: float) -> list[Row]:
    """Routed conversations one after the other, at half the knee, and above it."""
    chat = ("--target", "chat")
    idle = setup.run(
        "idle", *chat, "--concurrency", "1", "--count", str(IDLE_CONVERSATIONS), "--duration", "80s"
    )
    window = ("--duration", f"{SECONDS}s")
    half = setup.run("half the knee", *chat, "--rate", f"{knee / 2:g}", *window)
    at = setup.run("the knee", *chat, "--rate", f"{knee:g}", *window)
    above = setup.run("twice the knee", *chat, "--rate", f"{2 * knee:g}", *window)
    named = {"one user": idle, "half the knee": half, "the knee": at, "twice the knee": above}
    return [Row("conversations, routed", "file", load, report) for load, report in named.items()]


def verdicts(rows: Sequence[Row]) -> list[str]:
    """The aims, each with what was found."""
    idle, half, at, above = (row.report for row in rows)
    loss = idle["routing"]["accuracy"] - at["routing"]["accuracy"]
    own = half["gateway"]["p99_ms"]
    failed = sum(report["failed"] for report in (idle, half, at))
    kinds = {error["kind"] for error in above["errors"]}
    checks = [
        (f"accuracy at the knee {100 * loss:+.2f} points below idle", loss <= AIM_ACCURACY_POINTS),
        (f"gateway's own p99 at half the knee {own:.1f} ms", own <= AIM_GATEWAY_P99_MS),
        (f"{failed} errors up to the knee", failed == 0),
        (f"errors at twice the knee: {', '.join(sorted(kinds)) or 'none'}", kinds <= {"http_429"}),
    ]
    return [f"{'met   ' if met else 'MISSED'} {text}" for text, met in checks]


def main() -> None:
    """Measure everything, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="root of the gateway")
    parser.add_argument("--engine-url", required=True, help="root of its vLLM server")
    parser.add_argument("--rate", type=float, default=2.0, help="rate of the table of targets")
    parser.add_argument("--slo", default="ttft=1s,e2el=10s,accuracy=0.9")
    parser.add_argument("--out", type=Path, default=Settings().home / "loadtest-default-setup")
    options = parser.parse_args()
    setup = Setup(options.url, options.engine_url, options.slo, options.out)
    setup.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    rows = side_by_side(setup, options.rate)
    sweep = knee_of_chat(setup, options.rate / 4)
    if sweep["knee"] is None:
        sys.exit(f"no rate meets {setup.slo}; the table so far is in the reports of {setup.out}")
    chats = at_and_below(setup, sweep["knee"])
    table = markdown(COLUMNS, [row.cells() for row in (*rows, *chats)])
    found = [f"knee of routed conversations: {sweep['knee']:.3g} arrivals/s ({setup.slo})"]
    text = "\n".join([table, "", *found, *verdicts(chats), ""])
    (setup.out / "table.md").write_text(text, encoding="utf-8")
    shutil.copy(setup.out / "sweep-of-routed-conversations" / "plot.png", setup.out / "knee.png")
    Console(width=200, soft_wrap=True).print(text, markup=False, highlight=False)
    seconds = time.monotonic() - began
    print(f"{seconds:.0f} s; plot: {setup.out / 'knee.png'}", file=sys.stderr)
    if seconds > TOTAL_S:
        print(f"longer than the {TOTAL_S:.0f} s it should take", file=sys.stderr)


if __name__ == "__main__":
    main()
