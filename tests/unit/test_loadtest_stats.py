import numpy as np
import pytest

from router.loadtest.distribution import latency, summary
from router.loadtest.stats import (
    block_interval,
    decoded,
    in_blocks,
    point_estimate,
    relative_change_interval,
    share_difference_interval,
    share_interval,
)

RNG = np.random.default_rng(5)
SKEWED = RNG.lognormal(3.0, 1.0, 5000)


def test_percentiles_are_right_to_a_thousandth() -> None:
    found = summary(SKEWED.tolist())
    assert found is not None
    assert found.mean_ms == pytest.approx(SKEWED.mean())
    points = {
        50: found.p50_ms,
        90: found.p90_ms,
        95: found.p95_ms,
        99: found.p99_ms,
        99.9: found.p99_9_ms,
    }
    for percent, value in points.items():
        # Definitions of a percentile differ by one rank at most.
        rank = round(percent / 100 * len(SKEWED))
        low, high = np.sort(SKEWED)[[rank - 2, rank]]
        assert 0.998 * low <= value <= 1.002 * high
    assert summary([]) is None


def test_a_histogram_survives_being_written() -> None:
    found = latency(SKEWED)
    assert found is not None
    read = decoded(found.histogram)
    assert len(read) == 5000
    assert read == pytest.approx(np.sort(SKEWED), rel=2e-3)
    assert sum(len(decoded(block)) for block in found.blocks) == 5000


def test_an_interval_holds_the_true_median_about_as_often_as_it_says() -> None:
    truth = float(np.exp(3.0))
    hits = 0
    for seed in range(40):
        sample = np.random.default_rng(seed).lognormal(3.0, 1.0, 400)
        interval = block_interval(in_blocks(sample), 50)
        assert interval is not None
        hits += interval[0] <= truth <= interval[1]
    assert hits >= 34


def test_requests_that_wait_in_the_same_queue_make_the_interval_wider() -> None:
    bursts = np.repeat(RNG.normal(100, 20, 20), 50)
    shuffled = RNG.permutation(bursts)
    together, apart = (block_interval(in_blocks(each), 50) for each in (bursts, shuffled))
    assert together is not None and apart is not None
    assert together[1] - together[0] > 2 * (apart[1] - apart[0])
    outcomes = [value < 110 for value in bursts]
    mixed = [bool(each) for each in RNG.permutation(outcomes)]
    wide, narrow = share_interval(outcomes), share_interval(mixed)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_too_little_data_has_no_interval() -> None:
    assert block_interval(in_blocks(np.array([1.0, 2.0])), 50) is None
    assert share_interval([]) == (0.0, 1.0)


def test_a_share_without_failures_is_not_certain() -> None:
    low, high = share_interval([True] * 50)
    assert 0.9 < low < 1 and high == 1.0


def test_two_equal_runs_do_not_differ_and_a_slower_one_does() -> None:
    first, second = (in_blocks(RNG.lognormal(3, 0.3, 2000)) for _ in range(2))
    same = relative_change_interval(first, second, 50)
    slower = relative_change_interval(first, [block * 1.3 for block in second], 50)
    assert same is not None and same[0] < 0.02 and same[1] > -0.02
    assert slower is not None and slower[0] > 0.2 and slower[1] < 0.4


def test_the_difference_of_shares() -> None:
    low, high = share_difference_interval(0.9, (0.88, 0.92), 0.8, (0.77, 0.83))
    assert low < -0.1 < high < 0


def test_point_estimates_are_those_of_all_values() -> None:
    blocks = in_blocks(SKEWED)
    assert point_estimate(blocks, "mean") == pytest.approx(SKEWED.mean())
    for percent in (50, 99):
        expected = np.percentile(SKEWED, percent, method="inverted_cdf")
        assert point_estimate(blocks, percent) == pytest.approx(expected)
