import numpy as np
import pytest

from agents.errors import ConfigError
from router.loadtest.config import Arrivals, Bounds
from router.loadtest.schedule import schedule

LONG = Bounds(duration_s=1000.0, count=20_000)


def variation(times: np.ndarray) -> float:
    gaps = np.diff(times)
    return float(gaps.std() / gaps.mean())


def test_constant_arrivals_are_evenly_spaced() -> None:
    times = schedule(Arrivals("constant", 4.0), Bounds(duration_s=2.0), seed=0)
    assert times.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]


def test_poisson_arrivals_have_exponential_gaps() -> None:
    times = schedule(Arrivals("poisson", 10.0), LONG, seed=1)
    assert len(times) == pytest.approx(10_000, rel=0.05)
    assert variation(times) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_the_burstiness_is_the_shape_of_the_gamma_distribution(burstiness: float) -> None:
    times = schedule(Arrivals("gamma", 10.0, burstiness=burstiness), LONG, seed=1)
    assert len(times) == pytest.approx(10_000, rel=0.1)
    assert variation(times) == pytest.approx(burstiness**-0.5, rel=0.1)


@pytest.mark.parametrize(("first", "last"), [(0.0, 10.0), (10.0, 0.001), (5.0, 5.0)])
def test_a_ramp_grows_linearly(first: float, last: float) -> None:
    times = schedule(Arrivals("ramp", last, ramp_from=first), LONG, seed=1)
    middle = (first + last) / 2
    halves = [np.sum(times < 500), np.sum(times >= 500)]
    assert halves[0] == pytest.approx(500 * (first + middle) / 2, rel=0.1)
    assert halves[1] == pytest.approx(500 * (middle + last) / 2, rel=0.1)


def test_a_trace_is_replayed_as_recorded_or_at_another_mean_rate() -> None:
    recorded = np.array([100.0, 100.5, 100.5, 103.0])
    as_recorded = schedule(Arrivals("trace", None), Bounds(), 0, recorded)
    assert as_recorded.tolist() == [0.0, 0.5, 0.5, 3.0]
    faster = schedule(Arrivals("trace", 10.0), Bounds(), 0, recorded)
    assert faster.tolist() == pytest.approx([0.0, 0.05, 0.05, 0.3])


def test_a_trace_of_one_moment_has_no_rate() -> None:
    with pytest.raises(ConfigError, match="one timestamp"):
        schedule(Arrivals("trace", 2.0), Bounds(), 0, np.array([5.0, 5.0]))


@pytest.mark.parametrize("kind", ["poisson", "constant", "gamma", "ramp"])
def test_a_schedule_is_ascending_within_its_bounds_and_the_same_for_a_seed(kind: str) -> None:
    arrivals = Arrivals(kind, 100.0, burstiness=0.5)  # type: ignore[arg-type]
    bounds = Bounds(duration_s=3.0, count=150)
    times = schedule(arrivals, bounds, seed=7)
    assert len(times) <= 150 and times[-1] < 3.0
    assert np.all(np.diff(times) >= 0)
    assert np.array_equal(times, schedule(arrivals, bounds, seed=7))
    if kind != "constant":
        assert not np.array_equal(times, schedule(arrivals, bounds, seed=8))


def test_a_schedule_without_arrivals_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing arrives within 1 s"):
        schedule(Arrivals("poisson", 0.001), Bounds(duration_s=1.0), seed=0)
