"""Two reports side by side: what changed, how sure that is, and whether it is a regression."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import ValidationError

from agents.errors import DataError
from router.loadtest import report as r
from router.loadtest.stats import (
    Interval,
    Statistic,
    Values,
    decoded,
    point_estimate,
    relative_change_interval,
    share_difference_interval,
    share_interval,
)

_STATISTICS: dict[str, Statistic] = {"mean": "mean", "p50": 50, "p99": 99}

Judgement = Literal["regression", "worse", "same", "better"]


@dataclass(frozen=True)
class Difference:
    """One measure in both reports.

    Attributes:
        change: relative for times and rates, in points (of 1) for shares.
        interval: 95 % interval of the change; None when there is too little data.
        judgement: ``same`` when the interval holds no change; ``regression`` when the measure
            is worse beyond doubt and by more than its bound.
    """

    measure: str
    before: float
    after: float
    change: float
    interval: Interval | None
    is_share: bool
    judgement: Judgement


@dataclass(frozen=True)
class Comparison:
    """Every measure that both reports have, and settings in which they differ."""

    differences: list[Difference]
    settings: dict[str, tuple[object, object]]

    @property
    def regressions(self) -> list[Difference]:
        """What got worse beyond its bound."""
        return [each for each in self.differences if each.judgement == "regression"]


def load_run(path: Path) -> r.RunReport:
    """A run's report from its JSON file; `DataError` if it is none."""
    try:
        report = r.REPORT.validate_json(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; loadtest writes report.json") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise DataError(f"{path}: not a report of this version: {where}: {fault['msg']}") from None
    if report.kind != "run":
        raise DataError(f"{path}: the report of a sweep; compare takes reports of single runs")
    return report


def compare(
    before: r.RunReport, after: r.RunReport, max_regression: float, max_share_loss: float
) -> Comparison:
    """What changed from ``before`` to ``after``.

    Args:
        max_regression: how much worse a time or a rate may be, relatively.
        max_share_loss: how much worse a share may be, in points (0.01: one point).
    """
    differences = [
        *_latencies(before, after, max_regression),
        *_throughput(before, after, max_regression),
        *_shares(before, after, max_share_loss),
    ]
    old, new = before.settings.model_dump(), after.settings.model_dump()
    changed = {key: (old[key], new[key]) for key in old if old[key] != new[key]}
    return Comparison(differences, changed)


def _latencies(before: r.RunReport, after: r.RunReport, bound: float) -> list[Difference]:
    differences = []
    for name, (old, new) in _distributions(before, after).items():
        if old is not None and new is not None:
            first, second = ([decoded(block) for block in each.blocks] for each in (old, new))
            for name_of, statistic in _STATISTICS.items():
                label = f"{name} {name_of} (ms)"
                differences.append(_relative(label, first, second, statistic, bound, worse=1))
    return differences


def _relative(
    label: str,
    before: Sequence[Values],
    after: Sequence[Values],
    statistic: Statistic,
    bound: float,
    worse: int,
) -> Difference:
    old, new = point_estimate(before, statistic), point_estimate(after, statistic)
    interval = relative_change_interval(before, after, statistic)
    return _judged(label, old, new, new / old - 1, interval, bound, worse)


def _distributions(
    before: r.RunReport, after: r.RunReport
) -> dict[str, tuple[r.Latency | None, r.Latency | None]]:
    pairs = {
        name: (getattr(before.latency, name), getattr(after.latency, name))
        for name in ("ttft", "tpot", "itl", "e2el")
    }
    return pairs | {
        "route": (before.route, after.route),
        "gateway": (before.gateway, after.gateway),
    }


def _throughput(before: r.RunReport, after: r.RunReport, bound: float) -> list[Difference]:
    """Turns and tokens answered per second; the blocks are the windows of the timeline."""
    differences = []
    for name, counted in (
        ("request_throughput", "answered"),
        ("output_throughput", "output_tokens"),
    ):
        old, new = getattr(before, name), getattr(after, name)
        if old > 0 and new > 0:
            interval = relative_change_interval(
                _per_second(before, counted), _per_second(after, counted), "mean"
            )
            change = new / old - 1
            differences.append(
                _judged(f"{name} (1/s)", old, new, change, interval, bound, worse=-1)
            )
    return differences


def _per_second(report: r.RunReport, counted: str) -> list[Values]:
    return [np.array([getattr(window, counted) / window.length_s]) for window in report.timeline]


def _shares(before: r.RunReport, after: r.RunReport, bound: float) -> list[Difference]:
    differences = []
    shares = {
        "failed": (_failed(before), _failed(after), 1),
        "goodput": (_goodput(before), _goodput(after), -1),
        "routing accuracy": (_accuracy(before), _accuracy(after), -1),
    }
    for name, (old, new, worse) in shares.items():
        if old is not None and new is not None:
            interval = share_difference_interval(old[0], old[1], new[0], new[1])
            change = new[0] - old[0]
            differences.append(
                _judged(name, old[0], new[0], change, interval, bound, worse, is_share=True)
            )
    return differences


_Share = tuple[float, Interval]


def _failed(report: r.RunReport) -> _Share | None:
    total = report.completed + report.failed
    if not total:
        return None
    windows = [(window.requests, window.failed) for window in report.timeline]
    outcomes = [
        failed for count, bad in windows for failed in [True] * bad + [False] * (count - bad)
    ]
    return report.failed / total, share_interval(outcomes)


def _goodput(report: r.RunReport) -> _Share | None:
    slo = report.slo
    return None if slo is None else (slo.goodput_share, slo.goodput_share_95)


def _accuracy(report: r.RunReport) -> _Share | None:
    routing = report.routing
    return None if routing is None else (routing.accuracy, routing.accuracy_95)


def _judged(
    measure: str,
    before: float,
    after: float,
    change: float,
    interval: Interval | None,
    bound: float,
    worse: int,
    is_share: bool = False,
) -> Difference:
    """``worse`` is the sign of a change for the worse."""
    judgement: Judgement = "same"
    if interval is not None and (interval[0] > 0 or interval[1] < 0):
        judgement = "worse" if change * worse > 0 else "better"
        if change * worse > bound:
            judgement = "regression"
    return Difference(measure, before, after, change, interval, is_share, judgement)


def as_rows(differences: Sequence[Difference]) -> list[dict[str, object]]:
    """The differences as plain JSON."""
    return [
        {
            "measure": each.measure,
            "before": each.before,
            "after": each.after,
            "change": each.change,
            "change_95": each.interval,
            "unit": "points" if each.is_share else "relative",
            "judgement": each.judgement,
        }
        for each in differences
    ]
