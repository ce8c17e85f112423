"""Statistics of latencies and shares; the methods are HdrHistogram's and SciPy's.

Neighbouring requests wait in the same queue, so they are not independent: intervals are made
over blocks of neighbours (batch means, block bootstrap) and not over single requests.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray
from scipy import stats

Values = NDArray[np.float64]
Indices = NDArray[np.int64]
Interval = tuple[float, float]
Statistic = float | Literal["mean"]
"""The mean, or a percentile by its percent."""

#: Blocks a run is cut into; batch means ask for 10 to 30 (Schmeiser 1982).
BLOCKS = 20
CONFIDENCE = 0.95

_RESAMPLES = 500
# More are thinned out evenly, so that an interval takes a few milliseconds.
_MOST_VALUES = 4_000
_FEWEST_BLOCKS = 5
# Microseconds, from one to ten hours, three significant digits: at most 0.1 % off.
_LOWEST, _HIGHEST, _DIGITS = 1, 36_000_000_000, 3


def histogram(values_ms: Values) -> HdrHistogram:
    """The values (milliseconds) as an HdrHistogram in microseconds."""
    recorded = HdrHistogram(_LOWEST, _HIGHEST, _DIGITS)
    micros = np.clip(np.rint(values_ms * 1000), _LOWEST, _HIGHEST).astype(np.int64)
    for value, count in zip(*np.unique(micros, return_counts=True), strict=True):
        recorded.record_value(int(value), int(count))
    return recorded


def percentiles(recorded: HdrHistogram, percents: Sequence[float]) -> list[float]:
    """The percentiles in milliseconds."""
    found = recorded.get_percentile_to_value_dict(list(percents))
    return [float(found[percent]) / 1000 for percent in percents]


def encoded(recorded: HdrHistogram) -> str:
    """The histogram in HdrHistogram's own compressed text form, which its other ports read."""
    return str(recorded.encode().decode("ascii"))


def decoded(text: str) -> Values:
    """The values (milliseconds) of an encoded histogram, each as often as it was recorded."""
    recorded = HdrHistogram.decode(text)
    # The library's own iterator visits every empty slot in Python, of which there are thousands.
    counts = np.ctypeslib.as_array(recorded.counts).astype(np.int64)
    filled = np.flatnonzero(counts)
    lowest = [recorded.get_value_from_index(int(index)) for index in filled]
    middle = [(low + recorded.get_highest_equivalent_value(low)) / 2000 for low in lowest]
    return np.repeat(np.array(middle, dtype=np.float64), counts[filled])


def in_blocks(values: Values) -> list[Values]:
    """Values in order of arrival, cut into blocks of neighbours."""
    return [block for block in np.array_split(values, BLOCKS) if len(block)]


def point_estimate(blocks: Sequence[Values], statistic: Statistic) -> float:
    """A statistic of all values of the blocks."""
    return float(_of_chosen(blocks, statistic)(np.arange(len(blocks))))


def block_interval(blocks: Sequence[Values], statistic: Statistic) -> Interval | None:
    """95 % interval of a statistic by the block bootstrap; None for fewer than five blocks."""
    return _bootstrap([blocks], statistic, lambda values: values)


def relative_change_interval(
    before: Sequence[Values], after: Sequence[Values], statistic: Statistic
) -> Interval | None:
    """95 % interval of ``after / before - 1`` for two independent runs, likewise."""
    return _bootstrap([before, after], statistic, lambda old, new: new / old - 1)


def _bootstrap(
    runs: Sequence[Sequence[Values]], statistic: Statistic, combine: Callable[..., Values]
) -> Interval | None:
    if min(len(blocks) for blocks in runs) < _FEWEST_BLOCKS:
        return None
    each = [_of_chosen(_thinned(blocks), statistic) for blocks in runs]

    def of_resampled(*chosen: Indices, axis: int) -> Values:
        return combine(*(of(indices) for of, indices in zip(each, chosen, strict=True)))

    result = stats.bootstrap(
        tuple(np.arange(len(blocks)) for blocks in runs),
        of_resampled,
        n_resamples=_RESAMPLES,
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    low, high = result.confidence_interval
    return (float(low), float(high)) if np.isfinite([low, high]).all() else None


def _of_chosen(blocks: Sequence[Values], statistic: Statistic) -> Callable[[Indices], Values]:
    """The statistic as a function of which blocks are taken (last axis), each once or more."""
    values = np.concatenate(blocks)
    order = np.argsort(values)
    ascending = values[order]
    block_of = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])[order]

    def of(chosen: Indices) -> Values:
        taken = (chosen[..., None] == np.arange(len(blocks))).sum(axis=-2)
        weights = taken[..., block_of]
        if statistic == "mean":
            mean: Values = (weights * ascending).sum(axis=-1) / weights.sum(axis=-1)
            return mean
        ranks = weights.cumsum(axis=-1)
        wanted = statistic / 100 * ranks[..., -1:]
        found: Values = ascending[np.minimum((ranks < wanted).sum(axis=-1), len(values) - 1)]
        return found

    return of


def _thinned(blocks: Sequence[Values]) -> list[Values]:
    step = -(-sum(len(block) for block in blocks) // _MOST_VALUES)
    return [block[::step] for block in blocks]


def share_interval(outcomes: Sequence[bool]) -> Interval:
    """95 % interval of a share of outcomes in order of arrival; (0, 1) for none.

    The wider of Wilson's interval, which knows that an all-good sample proves nothing for sure,
    and the one of batch means, which knows that bad requests come together.
    """
    if not outcomes:
        return (0.0, 1.0)
    exact = stats.binomtest(sum(outcomes), len(outcomes)).proportion_ci(CONFIDENCE, "wilson")
    low, high = float(exact.low), float(exact.high)
    blocks = in_blocks(np.array(outcomes, dtype=np.float64))
    if len(blocks) == BLOCKS:
        means = [float(block.mean()) for block in blocks]
        error = stats.sem(means)
        if error > 0:
            spread = stats.t.interval(CONFIDENCE, BLOCKS - 1, float(np.mean(means)), error)
            low, high = min(low, float(spread[0])), max(high, float(spread[1]))
    return (max(0.0, low), min(1.0, high))


def share_difference_interval(
    before: float, before_95: Interval, after: float, after_95: Interval
) -> Interval:
    """95 % interval of ``after - before`` from the intervals of two shares (Newcombe 1998)."""
    change = after - before
    down = np.hypot(after - after_95[0], before_95[1] - before)
    up = np.hypot(after_95[1] - after, before - before_95[0])
    return (float(change - down), float(change + up))
