"""Statistics of latencies and shares; the methods are HdrHistogram's and SciPy's.

Neighbouring requests wait in the same queue, so they are not independent: intervals are made
over blocks of neighbours (batch means, block bootstrap) and not over single requests.
"""

from collections.abc import Callable, Sequence

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray
from scipy import stats

Values = NDArray[np.float64]
Interval = tuple[float, float]

#: Blocks a run is cut into; batch means ask for 10 to 30 (Schmeiser 1982).
BLOCKS = 20
CONFIDENCE = 0.95

_RESAMPLES = 500
# More are thinned out evenly, so that intervals take a fraction of a second.
_MOST_VALUES = 20_000
# Microseconds, from one to ten hours, three significant digits: at most 0.1 % off.
_LOWEST, _HIGHEST, _DIGITS = 1, 36_000_000_000, 3


def histogram(values_ms: Values) -> HdrHistogram:
    """The values (milliseconds) as an HdrHistogram in microseconds."""
    recorded = HdrHistogram(_LOWEST, _HIGHEST, _DIGITS)
    micros = np.clip(np.rint(values_ms * 1000), _LOWEST, _HIGHEST).astype(np.int64)
    for value, count in zip(*np.unique(micros, return_counts=True), strict=True):
        recorded.record_value(int(value), int(count))
    return recorded


def percentile(recorded: HdrHistogram, percent: float) -> float:
    """A percentile in milliseconds."""
    return float(recorded.get_value_at_percentile(percent)) / 1000


def encoded(recorded: HdrHistogram) -> str:
    """The histogram in HdrHistogram's own compressed text form, which its other ports read."""
    return str(recorded.encode().decode("ascii"))


def decoded(text: str) -> Values:
    """The values (milliseconds) of an encoded histogram, each as often as it was recorded."""
    recorded = HdrHistogram.decode(text)
    # The iterator gives one object again and again: read it while it stands there.
    pairs = [
        (item.value_iterated_to / 1000, item.count_added_in_this_iter_step)
        for item in recorded.get_recorded_iterator()
    ]
    values, counts = zip(*pairs, strict=True)
    return np.repeat(np.array(values, dtype=np.float64), counts)


def in_blocks(values: Values) -> list[Values]:
    """Values in order of arrival, cut into blocks of neighbours."""
    return [block for block in np.array_split(values, BLOCKS) if len(block)]


def block_interval(
    blocks: Sequence[Values], statistic: Callable[[Values], float], seed: int = 0
) -> Interval | None:
    """95 % interval of a statistic by the block bootstrap; None for fewer than five blocks."""
    return _bootstrap([blocks], lambda values: statistic(values), seed)


def block_interval_of_two(
    first: Sequence[Values],
    second: Sequence[Values],
    statistic: Callable[[Values, Values], float],
    seed: int = 0,
) -> Interval | None:
    """95 % interval of a statistic of two independent runs by the block bootstrap."""
    return _bootstrap([first, second], statistic, seed)


def _bootstrap(
    samples: Sequence[Sequence[Values]], statistic: Callable[..., float], seed: int
) -> Interval | None:
    if min(len(blocks) for blocks in samples) < 5:
        return None
    samples = [_thinned(blocks) for blocks in samples]

    def of_resampled(*chosen: NDArray[np.int64]) -> float:
        joined = [
            np.concatenate([blocks[index] for index in indices])
            for blocks, indices in zip(samples, chosen, strict=True)
        ]
        return statistic(*joined)

    result = stats.bootstrap(
        tuple(np.arange(len(blocks)) for blocks in samples),
        of_resampled,
        n_resamples=_RESAMPLES,
        vectorized=False,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return (float(low), float(high))


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
