"""The pictures of a report, as PNG."""

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from router.loadtest import report as r
from router.loadtest.stats import decoded

_DPI = 110
_WIDTH_IN = 9.0


def main_plot(report: r.RunReport | r.SweepReport) -> bytes:
    """The picture that says most: latency and queues over time, or everything against rate."""
    return _over_time(report) if report.kind == "run" else _against_rate(report)


def latency_plot(report: r.RunReport) -> bytes:
    """Latencies up to the highest percentile that the run can show (an HdrHistogram plot)."""
    figure = _figure(3.6)
    axes = figure.subplots()
    shown = {"TTFT": report.latency.ttft, "E2EL": report.latency.e2el, "TPOT": report.latency.tpot}
    for name, latency in shown.items():
        if latency is not None:
            values = np.sort(decoded(latency.histogram))
            # The share of requests that were slower, so that the tail has room.
            slower = 1 - (np.arange(len(values)) + 0.5) / len(values)
            axes.plot(1 / slower, values, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    _plain_numbers(axes.yaxis)
    axes.set_xlabel("percentile")
    axes.set_xticks([2, 10, 100, 1000], ["50", "90", "99", "99.9"])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("ms")
    _legend(axes)
    return _png(figure)


def _over_time(report: r.RunReport) -> bytes:
    figure = _figure(5.4)
    latency, queue = figure.subplots(2, sharex=True, height_ratios=[3, 2])
    middle = [window.at_s + window.length_s / 2 for window in report.timeline]
    kinds = {"e2el_p50_ms": "E2EL p50", "e2el_p99_ms": "E2EL p99", "ttft_p50_ms": "TTFT p50"}
    for key, label in kinds.items():
        _line(latency, middle, [getattr(window, key) for window in report.timeline], label)
    latency.set_ylabel("ms, from intended start")
    latency.set_ylim(bottom=0)
    _legend(latency)
    at = [point.at_s for point in report.queue]
    depths = {
        "client_in_flight": "waited for by the client",
        "gateway_in_flight": "in the gateway",
        "engine_running": "running in vLLM",
        "engine_waiting": "waiting in vLLM",
    }
    for key, label in depths.items():
        _line(queue, at, [getattr(point, key) for point in report.queue], label, marker="")
    queue.set_ylabel("turns")
    queue.set_ylim(bottom=0)
    queue.set_xlabel("seconds")
    _legend(queue)
    latency.set_title(_title(report.settings))
    return _png(figure)


def _against_rate(report: r.SweepReport) -> bytes:
    figure = _figure(5.8)
    latency, share = figure.subplots(2, sharex=True, height_ratios=[3, 2])
    points = sorted(report.points, key=lambda point: point.rate)
    rates = [point.rate for point in points]
    kinds = {
        "e2el_p50_ms": "E2EL p50",
        "e2el_p99_ms": "E2EL p99",
        "ttft_p50_ms": "TTFT p50",
        "ttft_p99_ms": "TTFT p99",
    }
    for key, label in kinds.items():
        _line(latency, rates, [getattr(point, key) for point in points], label)
    latency.set_ylabel("ms, from intended start")
    latency.set_yscale("log")
    _plain_numbers(latency.yaxis)
    _legend(latency)
    _share_line(share, points, "goodput_share", "good turns")
    _share_line(share, points, "accuracy", "routing accuracy")
    share.set_ylabel("share")
    share.set_ylim(0, 1.03)
    share.set_xlabel("arrivals per second")
    share.set_xscale("log")
    _plain_numbers(share.xaxis)
    if report.knee is not None:
        for axes in (latency, share):
            axes.axvline(report.knee, color="black", linestyle="--", linewidth=1)
        latency.annotate(
            f"knee {report.knee:.3g}/s",
            (report.knee, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(4, -12),
            textcoords="offset points",
        )
    _legend(share, "lower left")
    latency.set_title(_title(report.settings))
    return _png(figure)


def _share_line(axes: Axes, points: Sequence[r.Point], key: str, label: str) -> None:
    known = [point for point in points if getattr(point, key) is not None]
    if not known:
        return
    values = np.array([getattr(point, key) for point in known])
    intervals = np.array([getattr(point, f"{key}_95") for point in known])
    # A point estimate may lie outside its interval by rounding only.
    spread = np.clip([values - intervals[:, 0], intervals[:, 1] - values], 0, None)
    rates = [point.rate for point in known]
    axes.errorbar(rates, values, yerr=spread, marker="o", markersize=4, capsize=3, label=label)


def _line(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float | None],
    label: str,
    marker: str = "o",
) -> None:
    if any(value is not None for value in y):
        gaps = [np.nan if value is None else value for value in y]
        axes.plot(x, gaps, marker=marker, markersize=3, label=label)


def _plain_numbers(axis: Axis) -> None:
    """On a logarithmic axis: 0.5, 1, 2, 5 and so on instead of powers of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter(NullFormatter())


def _title(settings: r.Settings) -> str:
    return f"{settings.target}, {settings.arrivals} arrivals, mix {settings.mix}"


def _figure(height_in: float) -> Figure:
    figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _legend(axes: Axes, where: Literal["upper left", "lower left"] = "upper left") -> None:
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        # A fixed place: looking for the best one can take seconds on a busy machine.
        axes.legend(fontsize="small", loc=where)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
