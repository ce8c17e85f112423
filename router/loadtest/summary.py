"""From the records of a run to its report."""

import datetime
import math
import os
import platform
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from router.loadtest import report as r
from router.loadtest.config import Plan, Slo
from router.loadtest.distribution import latency, summary
from router.loadtest.generator import Run
from router.loadtest.record import Record
from router.loadtest.routing import recall, routing
from router.loadtest.stats import share_interval

_WINDOWS = 60
_MIN_WINDOW_S = 1.0


def summarise(
    run: Run,
    plan: Plan,
    settings: r.Settings,
    generator: r.Health,
    judges_routing: bool,
    cold_loads: Sequence[r.ColdLoad] = (),
) -> r.RunReport:
    """The report of ``run``; ``judges_routing`` where the target decides who answers."""
    answered = [record for record in run.records if record.error is None]
    input_tokens = sum(record.input_tokens or 0 for record in answered)
    output_tokens = sum(record.tokens for record in answered)
    good = sum(is_good(record, plan.slo) for record in run.records) if plan.slo else None
    by_server = any(record.output_tokens is not None for record in answered)
    judged = routing(run.records) if judges_routing else None
    duration = run.duration_s
    return r.RunReport(
        created=now(),
        settings=settings,
        machine=machine(),
        duration=duration,
        window=run.window_s,
        planned=run.planned,
        arrived=run.arrived,
        completed=len(answered),
        failed=len(run.records) - len(answered),
        skipped_turns=run.skipped_turns,
        distinct_scripts=len({record.script for record in run.records}),
        cut_short=run.cut_short,
        request_throughput=len(answered) / duration,
        output_throughput=output_tokens / duration,
        total_token_throughput=(input_tokens + output_tokens) / duration,
        total_input_tokens=input_tokens,
        total_output_tokens=output_tokens,
        tokens_counted_by="server" if by_server else "pieces",
        request_goodput=None if good is None else good / duration,
        latency=latencies(answered),
        gateway=latency([t.gateway_ms for t in answered if t.gateway_ms is not None]),
        route=latency([t.route_ms for t in answered if t.route_ms is not None]),
        errors=_errors(run.records),
        slo=None if plan.slo is None else slo_verdict(run.records, plan.slo, judged),
        routing=judged,
        agents=_agents(answered, judges_routing),
        adapters=_adapters(answered),
        cold_loads=list(cold_loads),
        queue=_queue(run),
        timeline=_timeline(run),
        generator=generator,
    )


def now() -> str:
    """The moment, as reports write it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def machine() -> r.Machine:
    """Where this runs."""
    return r.Machine(
        platform=platform.platform(),
        python=platform.python_version(),
        cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
    )


def is_good(record: Record, slo: Slo) -> bool:
    """Whether a turn was answered within every bound.

    As in ``vllm bench serve`` an answer of one token has no time per output token to miss.
    """
    within = [
        bound is None or value is None or value <= bound
        for value, bound in (
            (record.ttft_s, slo.ttft_s),
            (record.tpot_s, slo.tpot_s),
            (record.e2el_s, slo.e2el_s),
        )
    ]
    return record.error is None and all(within)


def slo_verdict(records: Sequence[Record], slo: Slo, judged: r.Routing | None) -> r.SloVerdict:
    """Whether enough turns were good and enough reached the right agent."""
    outcomes = [is_good(record, slo) for record in records]
    share = sum(outcomes) / len(outcomes) if outcomes else 0.0
    accuracy = judged.accuracy if judged is not None else None
    accurate = slo.accuracy is None or (accuracy is not None and accuracy >= slo.accuracy)
    return r.SloVerdict(
        objectives=str(slo),
        met=share >= slo.goodput and accurate,
        goodput_share=share,
        goodput_share_95=share_interval(outcomes),
        accuracy=accuracy,
        accuracy_95=judged.accuracy_95 if judged is not None else None,
    )


def latencies(answered: Sequence[Record]) -> r.Latencies:
    """TTFT, TPOT, ITL and E2EL of answered turns, in order of arrival."""
    gaps = [1000 * np.diff(record.stamps) for record in answered]
    itl = np.concatenate(gaps) if gaps else np.array([])
    streamed = [record for record in answered if record.first_s is not None]
    return r.Latencies(
        ttft=latency([1000 * t.ttft_s for t in streamed if t.ttft_s is not None]),
        tpot=latency([1000 * t.tpot_s for t in streamed if t.tpot_s is not None]),
        itl=latency(itl),
        e2el=latency([1000 * record.e2el_s for record in answered]),
    )


def _errors(records: Sequence[Record]) -> list[r.ErrorKind]:
    counts = Counter(record.error for record in records if record.error is not None)
    examples = {record.error: record.message for record in reversed(records)}
    return [
        r.ErrorKind(kind=kind, count=count, example=examples[kind])
        for kind, count in counts.most_common()
    ]


def _agents(answered: Sequence[Record], judges_routing: bool) -> dict[str, r.AgentRow]:
    by_agent: dict[str, list[Record]] = defaultdict(list)
    for record in answered:
        by_agent[record.agent or record.expected].append(record)
    rows = {}
    for agent, mine in sorted(by_agent.items()):
        first = min(mine, key=lambda record: record.intended_s).ttft_s
        rows[agent] = r.AgentRow(
            requests=len(mine),
            share=len(mine) / len(answered),
            recall=recall(answered, agent) if judges_routing else None,
            input_tokens=sum(record.input_tokens or 0 for record in mine),
            output_tokens=sum(record.tokens for record in mine),
            ttft=summary([1000 * t.ttft_s for t in mine if t.ttft_s is not None]),
            tpot=summary([1000 * t.tpot_s for t in mine if t.tpot_s is not None]),
            e2el=summary([1000 * record.e2el_s for record in mine]),
            first_ttft_ms=None if first is None else 1000 * first,
        )
    return rows


def _adapters(answered: Sequence[Record]) -> dict[str, r.AdapterRow]:
    by_model: dict[str, list[Record]] = defaultdict(list)
    for record in answered:
        if record.model is not None:
            by_model[record.model].append(record)
    return {
        model: r.AdapterRow(
            requests=len(mine),
            input_tokens=sum(record.input_tokens or 0 for record in mine),
            output_tokens=sum(record.tokens for record in mine),
        )
        for model, mine in sorted(by_model.items())
    }


def _queue(run: Run) -> list[r.QueuePoint]:
    starts = np.sort([record.intended_s for record in run.records])
    ends = np.sort([record.ended_s for record in run.records])

    def point(at: float, gauges: dict[str, float]) -> r.QueuePoint:
        waiting = np.searchsorted(starts, at, "right") - np.searchsorted(ends, at, "right")
        return r.QueuePoint(
            at_s=at,
            client_in_flight=int(waiting),
            gateway_in_flight=gauges.get("gateway_in_flight"),
            engine_waiting=gauges.get("engine_waiting"),
            engine_running=gauges.get("engine_running"),
        )

    sampled = [point(sample.at_s, dict(sample.gauges)) for sample in run.queue]
    if sampled:
        return sampled
    return [point(float(at), {}) for at in np.linspace(0, run.duration_s, _WINDOWS + 1)]


def _timeline(run: Run) -> list[r.Window]:
    if not run.records:
        return []
    length = max(_MIN_WINDOW_S, run.duration_s / _WINDOWS)
    begun: dict[int, list[Record]] = defaultdict(list)
    ended: dict[int, list[Record]] = defaultdict(list)
    for record in run.records:
        begun[int(record.intended_s // length)].append(record)
        if record.error is None:
            ended[int(record.ended_s // length)].append(record)
    count = math.ceil(run.duration_s / length)
    return [
        _window(at * length, min(length, run.duration_s - at * length), begun[at], ended[at])
        for at in range(count)
    ]


def _window(
    at_s: float, length_s: float, begun: Sequence[Record], ended: Sequence[Record]
) -> r.Window:
    answered = [record for record in begun if record.error is None]
    ttft = summary([1000 * t.ttft_s for t in answered if t.ttft_s is not None])
    e2el = summary([1000 * record.e2el_s for record in answered])
    right = [t.agent == t.expected for t in answered if t.agent is not None]
    return r.Window(
        at_s=at_s,
        length_s=length_s,
        requests=len(begun),
        failed=len(begun) - len(answered),
        answered=len(ended),
        output_tokens=sum(record.tokens for record in ended),
        ttft_p50_ms=ttft.p50_ms if ttft else None,
        ttft_p99_ms=ttft.p99_ms if ttft else None,
        e2el_p50_ms=e2el.p50_ms if e2el else None,
        e2el_p99_ms=e2el.p99_ms if e2el else None,
        accuracy=sum(right) / len(right) if right else None,
    )
