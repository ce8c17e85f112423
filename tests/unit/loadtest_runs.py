"""Runs as a generator would have recorded them, for what is made out of runs."""

from collections.abc import Sequence

import numpy as np

from router.loadtest.config import Arrivals, Bounds, Plan, Slo
from router.loadtest.generator import Run
from router.loadtest.health import health
from router.loadtest.record import Record
from router.loadtest.report import RunReport, Settings
from router.loadtest.summary import summarise

WORDS = 5


def record(
    number: int,
    intended_s: float,
    ttft_s: float = 0.1,
    gap_s: float = 0.02,
    expected: str = "cron",
    agent: str | None = "cron",
    turn: int = 0,
    arrival: int | None = None,
    error: str | None = None,
    stage: str = "fast",
) -> Record:
    """A turn with five tokens at even distances."""
    first = intended_s + ttft_s
    stamps = [first + gap_s * word for word in range(WORDS)]
    return Record(
        arrival=number if arrival is None else arrival,
        script=f"s{number}",
        turn=turn,
        expected=expected,
        intended_s=intended_s,
        started_s=intended_s,
        first_s=first,
        last_s=stamps[-1],
        ended_s=stamps[-1],
        stamps=stamps,
        agent=agent,
        model=f"{agent}@1",
        stage=stage,
        route_ms=2.0,
        gateway_ms=0.5,
        input_tokens=10,
        output_tokens=WORDS,
        error=error,
        message="broken" if error else "",
    )


def steady(
    count: int = 400, scale: float = 1.0, seed: int = 0, wrong: float = 0.0, failed: float = 0.0
) -> list[Record]:
    """Ten turns a second with gamma latencies around 100 ms times ``scale``."""
    rng = np.random.default_rng(seed)
    latencies = scale * rng.gamma(20.0, 0.005, count)
    agents = np.where(rng.random(count) < wrong, "general", "cron")
    errors = np.where(rng.random(count) < failed, "http_500", "")
    return [
        record(
            number,
            number / 10,
            ttft_s=float(latencies[number]),
            agent=str(agents[number]),
            error=str(errors[number]) or None,
        )
        for number in range(count)
    ]


def run_of(records: Sequence[Record], cut_short: str | None = None) -> Run:
    """A run that gave these records."""
    duration = max(each.ended_s for each in records)
    return Run(
        records=list(records),
        planned=len(records),
        arrived=len({each.arrival for each in records}),
        skipped_turns=0,
        window_s=duration,
        duration_s=duration,
        cut_short=cut_short,
        loop_lags_s=[0.0001] * 10,
        queue=[],
        connections=3,
    )


def plan(slo: Slo | None = None, rate: float = 10.0) -> Plan:
    """An open loop."""
    return Plan(Arrivals("poisson", rate), None, Bounds(), 0, slo)


SETTINGS = Settings(
    target="chat",
    url="http://127.0.0.1:1",
    model=None,
    workload="toy",
    mix="file",
    whole_conversations=False,
    arrivals="poisson",
    rate=10.0,
    burstiness=None,
    ramp_from=None,
    concurrency=None,
    duration_s=30.0,
    count=400,
    timeout_s=60.0,
    max_tokens=None,
    seed=0,
    slo=None,
)


def report_of(records: Sequence[Record], slo: Slo | None = None) -> RunReport:
    """The report of such a run against a target that routes."""
    run, asked = run_of(records), plan(slo)
    return summarise(run, asked, SETTINGS, health(run, asked, 0.1), judges_routing=True)
