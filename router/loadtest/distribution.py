"""Distributions of times as reports hold them; every value is in milliseconds."""

from collections.abc import Sequence

import numpy as np

from router.loadtest import report as r
from router.loadtest.stats import (
    Values,
    block_interval,
    encoded,
    histogram,
    in_blocks,
    percentiles,
)

_POINTS = {"p50_ms": 50.0, "p90_ms": 90.0, "p95_ms": 95.0, "p99_ms": 99.0, "p99_9_ms": 99.9}


def summary(values_ms: Sequence[float]) -> r.Summary | None:
    """A distribution in a few numbers; None if there is nothing."""
    if not len(values_ms):
        return None
    values = np.asarray(values_ms, dtype=np.float64)
    return r.Summary(count=len(values), **_numbers(values))


def latency(values_ms: Sequence[float] | Values) -> r.Latency | None:
    """A distribution with intervals, of values in order of arrival; None if there is nothing."""
    if not len(values_ms):
        return None
    values = np.asarray(values_ms, dtype=np.float64)
    blocks = in_blocks(values)
    return r.Latency(
        count=len(values),
        **_numbers(values),
        std_ms=float(values.std()),
        p50_95=block_interval(blocks, 50),
        p99_95=block_interval(blocks, 99),
        histogram=encoded(histogram(values)),
        blocks=[encoded(histogram(block)) for block in blocks],
    )


def _numbers(values: Values) -> dict[str, float]:
    points = percentiles(histogram(values), list(_POINTS.values()))
    return {
        "mean_ms": float(values.mean()),
        **dict(zip(_POINTS, points, strict=True)),
        "max_ms": float(values.max()),
    }
