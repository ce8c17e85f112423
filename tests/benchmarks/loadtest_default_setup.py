"""Load-test a running `philharmonic serve`: routing alone, routed chat, pinned chat, vLLM itself.

    philharmonic serve                                        # in one terminal, a fresh home folder
    python -m tests.benchmarks.loadtest_default_setup         # in another, the same home folder

Every target at the same rate and, where agents can be chosen, with the adapters asked for alike
(uniform) and unevenly (zipf); then a sweep finds the knee of routed conversations, their accuracy
there is set against the idle one of the same turns, the gateway's own time is taken at half the
knee, and py-spy says what the gateway does at it. Ten minutes. Server and generator share the
machine. Every report goes to `--out`; `default-setup.md` and `default-setup.png` there are for the
docs (`--docs docs` writes them to `docs` at once).
"""

import argparse
import csv
import datetime
import json
import re
import shutil
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.settings import Settings
from serving.announce import running_server
from tests.benchmarks.loadtest_run import loadtest
from tests.benchmarks.profile import Profile, profiled

AIM_ACCURACY_POINTS = 0.005
AIM_GATEWAY_P99_MS = 10.0
SECONDS = 15
IDLE_CONVERSATIONS = 50
IDLE_MOST = "90s"
KNEE_SECONDS = 25
SWEEP_BUDGET = "200s"
TIMEOUT = "30s"
TOTAL_S = 720.0
NAME = "default-setup"

Report = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """Where the servers are and what is promised."""

    url: str
    engine_url: str
    pid: int
    slo: str
    out: Path

    def run(self, name: str, *options: str) -> Report:
        """One run with its report in a folder of its own."""
        print(f"{name} …", file=sys.stderr)
        where = [] if "--url" in options else ["--url", self.url]
        metrics = ["--engine-metrics", self.engine_url]
        bounds = ["--timeout", TIMEOUT]
        return loadtest([*where, *metrics, *bounds, *options], self.folder(name))

    def folder(self, name: str) -> Path:
        """Where the report of a run is."""
        return self.out / name.replace(" ", "-")


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
    patterns = {re.sub(r"[^:@]+@", "{agent}@", name) for name in names if "@" in name}
    if len(patterns) != 1:
        raise RuntimeError(f"{setup.engine_url} serves {sorted(names)}: one version is needed")
    return patterns.pop()


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


SWEEP, IDLE, KNEE = "sweep of routed conversations", "idle", "the knee"


def knee_of_chat(setup: Setup, rate: float) -> Report:
    """The sweep over whole conversations."""
    options = ["--target", "chat", "--sweep", "--slo", setup.slo, "--rate", f"{rate:g}"]
    options += ["--duration", f"{SECONDS}s", "--budget", SWEEP_BUDGET, "--trials", "2"]
    return setup.run(SWEEP, *options)


def at_and_below(setup: Setup, knee: float) -> list[Row]:
    """Routed conversations one after the other, at half the knee, at it, and above it."""
    chat = ("--target", "chat")
    one_user = ("--concurrency", "1", "--count", str(IDLE_CONVERSATIONS), "--duration", IDLE_MOST)
    idle = setup.run(IDLE, *chat, *one_user)
    window = ("--duration", f"{KNEE_SECONDS}s")
    half = setup.run("half the knee", *chat, "--rate", f"{knee / 2:g}", *window)
    at = setup.run(KNEE, *chat, "--rate", f"{knee:g}", *window)
    above = setup.run("twice the knee", *chat, "--rate", f"{2 * knee:g}", *window)
    named = {"one user": idle, "half the knee": half, KNEE: at, "twice the knee": above}
    return [Row("conversations, routed", "file", load, report) for load, report in named.items()]


def profile_at(setup: Setup, knee: float) -> Profile:
    """What the gateway's process does at the knee, in a run of its own."""
    with profiled(setup.pid, SECONDS, setup.out / "stacks.txt") as profile:
        options = ("--target", "chat", "--rate", f"{knee:g}", "--duration", f"{SECONDS + 3}s")
        setup.run("profiled at the knee", *options)
    return profile


def accuracy_of_the_same_turns(setup: Setup) -> tuple[int, float, float]:
    """How many turns were asked both idle and at the knee; the share that went right in each."""
    idle, knee = (_right(setup.folder(name) / "requests.csv") for name in (IDLE, KNEE))
    common = idle.keys() & knee.keys()
    if not common:
        raise RuntimeError("no turn was asked both idle and at the knee")
    shares = [sum(run[turn] for turn in common) / len(common) for run in (idle, knee)]
    return len(common), shares[0], shares[1]


def _right(requests: Path) -> dict[tuple[str, str], bool]:
    """Whether each routed turn, by conversation and place, reached the right agent."""
    with requests.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["agent"]]
    return {(row["script"], row["turn"]): row["agent"] == row["expected"] for row in rows}


def verdicts(setup: Setup, rows: Sequence[Row]) -> list[str]:
    """The aims, each with what was found."""
    idle, half, at, above = (row.report for row in rows)
    turns, before, under_load = accuracy_of_the_same_turns(setup)
    own = half["gateway"]["p99_ms"]
    failed = sum(report["failed"] for report in (idle, half, at))
    kinds = {error["kind"] for error in above["errors"]}
    checks = [
        (
            f"the same {turns} turns: {before:.1%} right idle, {under_load:.1%} at the knee",
            before - under_load <= AIM_ACCURACY_POINTS,
        ),
        (f"gateway's own p99 at half the knee: {own:.1f} ms", own <= AIM_GATEWAY_P99_MS),
        (f"errors up to the knee: {failed}", failed == 0),
        (f"errors at twice the knee: {', '.join(sorted(kinds)) or 'none'}", kinds <= {"http_429"}),
    ]
    return [f"- {'met' if met else '**missed**'}: {text}" for text, met in checks]


def page(setup: Setup, rows: Sequence[Row], found: Sequence[str], profile: Profile) -> str:
    """The result as a page of the docs."""
    machine = rows[0].report["machine"]
    today = datetime.datetime.now(datetime.UTC).date()
    parts = [
        "# The default setup under load",
        f"`python -m tests.benchmarks.loadtest_default_setup`, {today}, one run; gateway, vLLM and "
        f"generator share {machine['cpus']} cores (Python "
        f"{machine['python']}). Objectives of the knee: `{setup.slo}`.",
        markdown(COLUMNS, [row.cells() for row in rows]),
        "\n".join(found),
        f"![latency and accuracy against rate]({NAME}.png)",
        f"What the gateway does at the knee (py-spy, {profile.samples} samples in which it did "
        "anything; its functions with all they call that is not ours):",
        markdown(("share", "function"), profile.rows()),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure everything, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=2.0, help="rate of the table of targets")
    parser.add_argument("--slo", default="ttft=1s,e2el=10s,accuracy=0.9")
    parser.add_argument("--out", type=Path, default=Settings().home / "loadtest-default-setup")
    parser.add_argument("--docs", type=Path, help="folder that gets the page and its plot")
    options = parser.parse_args()
    server = running_server(Settings())
    if server is None:
        sys.exit("no `philharmonic serve` runs on this home folder (PHILHARMONIC_HOME): start it")
    setup = Setup(server.url, server.engine_url, server.pid, options.slo, options.out)
    setup.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    rows = side_by_side(setup, options.rate)
    sweep = knee_of_chat(setup, options.rate / 4)
    knee = sweep["knee"]
    if knee is None:
        sys.exit(f"no rate meets {setup.slo}; the reports so far are in {setup.out}")
    chats = at_and_below(setup, knee)
    found = [f"Knee of routed conversations: {knee:.3g} arrivals/s.", "", *verdicts(setup, chats)]
    text = page(setup, [*rows, *chats], found, profile_at(setup, knee))
    for folder in filter(None, (setup.out, options.docs)):
        (folder / f"{NAME}.md").write_text(text, encoding="utf-8")
        shutil.copy(setup.folder(SWEEP) / "plot.png", folder / f"{NAME}.png")
    print(text)
    seconds = time.monotonic() - began
    print(f"{seconds:.0f} s; written to {setup.out}", file=sys.stderr)
    if seconds > TOTAL_S:
        print(f"longer than the {TOTAL_S:.0f} s it should take", file=sys.stderr)


if __name__ == "__main__":
    main()
