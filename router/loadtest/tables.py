"""Reports as tables of text: the terminal prints them, the HTML page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from router.loadtest import report as r
from router.loadtest.compare import Comparison, Difference


@dataclass(frozen=True)
class TextTable:
    """A title, column names and rows of cells."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def run_tables(report: r.RunReport) -> list[TextTable]:
    """What a run's report says, the most important first; empty tables are left out."""
    tables = [
        _overview(report),
        _latencies(report),
        _routing(report),
        _agents(report),
        _cold(report),
        _errors(report),
    ]
    return [table for table in tables if table.rows]


def sweep_table(report: r.SweepReport) -> TextTable:
    """One row for each rate, in order."""
    points = sorted(report.points, key=lambda point: point.rate)
    columns = (
        "rate /s", "SLO", "trials", "turns", "failed", "good", "accuracy", "TTFT p50 / p99 ms",
        "E2EL p50 / p99 ms", "gateway p99 ms", "answered /s",
    )  # fmt: skip
    return TextTable("Rates", columns, [_point(point) for point in points])


def comparison_table(comparison: Comparison) -> TextTable:
    """One row for each measure."""
    columns = ("measure", "before", "after", "change", "95 % interval", "")
    rows = [_difference(each) for each in comparison.differences]
    return TextTable("Differences", columns, rows)


def _overview(report: r.RunReport) -> TextTable:
    rows = [
        ("arrivals begun / planned", f"{report.arrived} / {report.planned}"),
        ("turns answered / failed / never sent",
         f"{report.completed} / {report.failed} / {report.skipped_turns}"),
        ("duration", f"{report.duration:.1f} s, arrivals in {report.window:.1f} s"),
        ("request throughput", f"{report.request_throughput:.2f} /s"),
        ("output token throughput", f"{report.output_throughput:.1f} tokens/s"),
        ("total token throughput", f"{report.total_token_throughput:.1f} tokens/s"),
    ]  # fmt: skip
    if report.slo is not None:
        slo = report.slo
        low, high = slo.goodput_share_95
        rows += [
            ("request goodput", f"{report.request_goodput:.2f} /s"),
            ("good turns", f"{slo.goodput_share:.1%} ({low:.1%} to {high:.1%})"),
            (f"SLO {slo.objectives}", "met" if slo.met else "MISSED"),
        ]
    if report.routing is not None:
        routing = report.routing
        low, high = routing.accuracy_95
        rows.append(("routing accuracy", f"{routing.accuracy:.2%} ({low:.1%} to {high:.1%})"))
    return TextTable("Run", ("", ""), rows)


def _latencies(report: r.RunReport) -> TextTable:
    named = {
        "TTFT": report.latency.ttft,
        "TPOT": report.latency.tpot,
        "ITL": report.latency.itl,
        "E2EL": report.latency.e2el,
        "routing": report.route,
        "gateway's own": report.gateway,
    }
    rows = [(name, *_points(latency)) for name, latency in named.items() if latency is not None]
    columns = ("ms", "mean", "p50", "p90", "p95", "p99", "p99.9", "max")
    return TextTable("Latency, from intended start", columns, rows)


def _points(times: r.Summary) -> list[str]:
    values = (
        times.mean_ms, times.p50_ms, times.p90_ms, times.p95_ms, times.p99_ms, times.p99_9_ms,
        times.max_ms,
    )  # fmt: skip
    return [_ms(value) for value in values]


def _routing(report: r.RunReport) -> TextTable:
    routing = report.routing
    columns = ("stage", "share", "accuracy", "p50 ms", "p99 ms")
    if routing is None:
        return TextTable("Routing", columns, [])
    rows = [
        (
            stage,
            f"{row.share:.1%}",
            _percent(row.accuracy),
            _ms(row.route.p50_ms if row.route else None),
            _ms(row.route.p99_ms if row.route else None),
        )
        for stage, row in routing.stages.items()
    ]
    recall = _percent(routing.handoff_recall)
    title = (
        f"Routing by stage; hand-offs: {routing.handoffs} made, {routing.handoffs_expected} "
        f"expected ({recall} found), {routing.false_handoffs_per_100_turns:.1f} false per 100 turns"
    )
    return TextTable(title, columns, rows)


def _agents(report: r.RunReport) -> TextTable:
    columns = (
        "agent", "turns", "recall", "in", "out", "TTFT p50", "TPOT p50",
        "E2EL p50", "E2EL p99", "first TTFT",
    )  # fmt: skip
    rows = [
        (
            agent,
            str(row.requests),
            _percent(row.recall),
            str(row.input_tokens),
            str(row.output_tokens),
            _ms(row.ttft.p50_ms if row.ttft else None),
            _ms(row.tpot.p50_ms if row.tpot else None),
            _ms(row.e2el.p50_ms if row.e2el else None),
            _ms(row.e2el.p99_ms if row.e2el else None),
            _ms(row.first_ttft_ms),
        )
        for agent, row in report.agents.items()
    ]
    return TextTable("Agents; tokens in and out, times in ms", columns, rows)


def _cold(report: r.RunReport) -> TextTable:
    rows = [
        (
            cold.model,
            _ms(cold.ready_ms),
            _ms(cold.first_ttft_ms),
            _ms(cold.warm_ttft_ms),
            _ms(cold.cost_ms),
        )
        for cold in report.cold_loads
    ]
    columns = ("adapter", "until its first token ms", "first TTFT ms", "warm TTFT ms", "cost ms")
    return TextTable("Cold loads", columns, rows)


def _errors(report: r.RunReport) -> TextTable:
    rows = [(error.kind, str(error.count), error.example) for error in report.errors]
    return TextTable("Errors", ("kind", "turns", "for example"), rows)


def _point(point: r.Point) -> list[str]:
    sure = "" if point.certain else "?"
    return [
        f"{point.rate:.3g}",
        f"{point.verdict}{sure}",
        str(point.trials),
        str(point.requests) + (" (cut short)" if point.cut_short else ""),
        ", ".join(f"{count} {kind}" for kind, count in point.errors.items()) or "0",
        f"{point.goodput_share:.1%}",
        _percent(point.accuracy),
        f"{_ms(point.ttft_p50_ms)} / {_ms(point.ttft_p99_ms)}",
        f"{_ms(point.e2el_p50_ms)} / {_ms(point.e2el_p99_ms)}",
        _ms(point.gateway_p99_ms),
        f"{point.request_throughput:.2f}",
    ]


def _difference(each: Difference) -> list[str]:
    def shown(value: float) -> str:
        return f"{value:.2%}" if each.is_share else f"{value:.4g}"

    def changed(value: float) -> str:
        return f"{100 * value:+.2f} points" if each.is_share else f"{value:+.1%}"

    interval = "too little data"
    if each.interval is not None:
        interval = f"{changed(each.interval[0])} to {changed(each.interval[1])}"
    return [
        each.measure, shown(each.before), shown(each.after), changed(each.change), interval,
        _JUDGEMENTS[each.judgement],
    ]  # fmt: skip


_JUDGEMENTS = {"same": "", "better": "better", "worse": "worse", "regression": "REGRESSION"}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _ms(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
