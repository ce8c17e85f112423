"""The report of a run and of a sweep: what the JSON files hold.

    python -m router.loadtest.report > docs/loadtest.schema.json

Names of measures are those of ``vllm bench serve``. Times end in their unit; shares are of 1;
a key that ends in ``_95`` is a 95 % interval; null stands for what was not measured.
"""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

SCHEMA_VERSION: Literal[1] = 1

Interval = tuple[float, float]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Summary(_Model):
    """A distribution of times."""

    count: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p99_9_ms: float
    max_ms: float


class Latency(Summary):
    """A distribution of times that other runs can be compared with."""

    std_ms: float
    p50_95: Annotated[Interval | None, Field(description="of the median, block bootstrap")]
    p99_95: Annotated[Interval | None, Field(description="of the 99th percentile")]
    histogram: Annotated[str, Field(description="HdrHistogram V2, microseconds")]
    blocks: Annotated[
        list[str], Field(description="the same cut into blocks of neighbouring requests")
    ]


class Latencies(_Model):
    """Latencies from the intended start of each turn."""

    ttft: Annotated[Latency | None, Field(description="time to first token")]
    tpot: Annotated[Latency | None, Field(description="time per output token after the first")]
    itl: Annotated[Latency | None, Field(description="time between two pieces of an answer")]
    e2el: Annotated[Latency | None, Field(description="end-to-end latency")]


class ErrorKind(_Model):
    """Requests that failed in one way."""

    kind: Annotated[
        str,
        Field(
            description="connect, timeout, disconnected, malformed, incomplete, stream_error, "
            "unfinished, or http_STATUS"
        ),
    ]
    count: int
    example: str


class SloVerdict(_Model):
    """Whether the run met its objectives."""

    objectives: str
    met: bool
    goodput_share: Annotated[float, Field(description="share of requests within every bound")]
    goodput_share_95: Interval
    accuracy: float | None
    accuracy_95: Interval | None


class Stage(_Model):
    """Turns decided by one stage of the router."""

    share: float
    accuracy: float | None
    route: Annotated[Summary | None, Field(description="the decision, by the server's clock")]


class Routing(_Model):
    """What the router did under load."""

    judged_turns: int
    accuracy: float
    accuracy_95: Interval
    handoffs: Annotated[int, Field(description="turns answered by another agent than before")]
    handoffs_expected: int
    handoff_recall: Annotated[float | None, Field(description="expected ones that went right")]
    false_handoffs_per_100_turns: float
    confusion: Annotated[
        dict[str, dict[str, int]], Field(description="right agent, then chosen agent")
    ]
    stages: dict[str, Stage]


class AgentRow(_Model):
    """Turns that one agent answered."""

    requests: int
    share: float
    recall: Annotated[float | None, Field(description="its turns that reached it")]
    input_tokens: int
    output_tokens: int
    ttft: Summary | None
    tpot: Summary | None
    e2el: Summary | None
    first_ttft_ms: Annotated[float | None, Field(description="of the run's first turn it took")]


class AdapterRow(_Model):
    """What one served model (an adapter's version, or the base) was given and wrote."""

    requests: int
    input_tokens: int
    output_tokens: int


class ColdLoad(_Model):
    """An agent taken out of service and put back: what its first turn costs."""

    agent: str
    model: str
    ready_ms: Annotated[float, Field(description="from activation to the first answer's start")]
    first_ttft_ms: Annotated[float, Field(description="of the first turn that was accepted")]
    warm_ttft_ms: Annotated[float, Field(description="median of the turns after it")]
    cost_ms: Annotated[float, Field(description="ready_ms less warm_ttft_ms")]


class QueuePoint(_Model):
    """Depth of the queues at one moment."""

    at_s: float
    client_in_flight: Annotated[int, Field(description="turns the generator waited for")]
    gateway_in_flight: float | None
    engine_waiting: float | None
    engine_running: float | None


class Window(_Model):
    """A slice of the run; latencies are of the turns that were to start in it."""

    at_s: float
    length_s: float
    requests: Annotated[int, Field(description="turns that were to start in it")]
    failed: Annotated[int, Field(description="of these")]
    answered: Annotated[int, Field(description="turns whose answer ended in it")]
    output_tokens: Annotated[int, Field(description="of these answers")]
    ttft_p50_ms: float | None
    ttft_p99_ms: float | None
    e2el_p50_ms: float | None
    e2el_p99_ms: float | None
    accuracy: float | None


class Health(_Model):
    """Whether the generator kept its own schedule."""

    send_lag: Annotated[Summary | None, Field(description="intended start to sending")]
    loop_lag: Annotated[Summary | None, Field(description="lateness of the event loop")]
    intended_rate: float | None
    sent_rate: float | None
    rate_error: Annotated[float | None, Field(description="share that the rate was off")]
    cpu_share: Annotated[float, Field(description="of one core")]
    connections: int
    is_bottleneck: bool
    warnings: list[str]


class Settings(_Model):
    """What was asked for."""

    target: str
    url: str
    model: str | None
    workload: str
    mix: str
    whole_conversations: bool
    arrivals: Annotated[str, Field(description="poisson, ..., or closed")]
    rate: float | None
    burstiness: float | None
    ramp_from: float | None
    concurrency: int | None
    duration_s: float
    count: int
    timeout_s: float
    max_tokens: int | None
    seed: int
    slo: str | None


class Machine(_Model):
    """Where the generator ran."""

    platform: str
    python: str
    cpus: int


class RunReport(_Model):
    """One run at one load."""

    schema_version: Literal[1] = SCHEMA_VERSION
    kind: Literal["run"] = "run"
    created: str
    settings: Settings
    machine: Machine
    duration: Annotated[float, Field(description="seconds from the begin to the last answer")]
    window: Annotated[float, Field(description="seconds in which arrivals came")]
    planned: Annotated[int, Field(description="arrivals in the schedule")]
    arrived: int
    completed: Annotated[int, Field(description="turns answered")]
    failed: int
    skipped_turns: Annotated[int, Field(description="never sent: an earlier turn failed")]
    distinct_scripts: Annotated[int, Field(description="different conversations played")]
    cut_short: str | None
    request_throughput: Annotated[float, Field(description="answered turns per second")]
    output_throughput: Annotated[float, Field(description="tokens per second")]
    total_token_throughput: float
    total_input_tokens: int
    total_output_tokens: int
    tokens_counted_by: Literal["server", "pieces"]
    request_goodput: Annotated[float | None, Field(description="good turns per second")]
    latency: Latencies
    gateway: Annotated[Latency | None, Field(description="the gateway's own time")]
    route: Annotated[Latency | None, Field(description="routing decisions, all stages")]
    errors: list[ErrorKind]
    slo: SloVerdict | None
    routing: Routing | None
    agents: dict[str, AgentRow]
    adapters: dict[str, AdapterRow]
    cold_loads: list[ColdLoad]
    queue: list[QueuePoint]
    timeline: list[Window]
    generator: Health


class Point(_Model):
    """One rate of a sweep; several trials are counted together."""

    rate: float
    trials: int
    verdict: Literal["met", "missed"]
    certain: Annotated[bool, Field(description="the intervals lie on one side of the bounds")]
    requests: int
    failed: int
    cut_short: Annotated[bool, Field(description="stopped once it could not be met any more")]
    goodput_share: float
    goodput_share_95: Interval
    accuracy: float | None
    accuracy_95: Interval | None
    request_throughput: float
    ttft_p50_ms: float | None
    ttft_p99_ms: float | None
    e2el_p50_ms: float | None
    e2el_p99_ms: float | None
    gateway_p50_ms: float | None
    gateway_p99_ms: float | None
    errors: dict[str, int]
    generator_was_bottleneck: bool


class SweepReport(_Model):
    """The highest rate that still meets the objectives."""

    schema_version: Literal[1] = SCHEMA_VERSION
    kind: Literal["sweep"] = "sweep"
    created: str
    settings: Settings
    machine: Machine
    knee: Annotated[float | None, Field(description="highest rate that met them; null: none")]
    missed_from: Annotated[float | None, Field(description="lowest rate that did not")]
    ended_because: str
    points: list[Point]


Report = Annotated[RunReport | SweepReport, Field(discriminator="kind")]
REPORT: TypeAdapter[RunReport | SweepReport] = TypeAdapter(Report)


def json_schema() -> str:
    """The JSON schema of both kinds of report."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | REPORT.json_schema()
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    print(json_schema(), end="")
