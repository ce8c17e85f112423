"""When things arrive: intended start times, fixed before the first request is sent."""

import numpy as np
from numpy.typing import NDArray

from agents.errors import ConfigError
from router.loadtest.config import Arrivals, Bounds

Times = NDArray[np.float64]


def schedule(arrivals: Arrivals, bounds: Bounds, seed: int, recorded: Times | None = None) -> Times:
    """Intended start times in seconds after the run's begin, ascending, within the bounds.

    A ramp is a Poisson process whose rate grows linearly, by time rescaling (Çinlar 1975): the
    inverse of the expected number of arrivals, at the times of a process of rate 1.

    Args:
        recorded: the timestamps of a trace, in seconds.

    Raises:
        ConfigError: nothing arrives within the bounds.
    """
    times = _times(arrivals, bounds, np.random.default_rng(seed), recorded)[: bounds.count]
    times = times[times < bounds.duration_s]
    if not len(times):
        rate = "" if arrivals.rate is None else f" at {arrivals.rate:g}/s"
        raise ConfigError(
            f"nothing arrives within {bounds.duration_s:g} s{rate}: raise --rate or --duration"
        )
    return times


def _times(
    arrivals: Arrivals, bounds: Bounds, rng: np.random.Generator, recorded: Times | None
) -> Times:
    count = bounds.count
    if arrivals.kind == "trace":
        assert recorded is not None
        return _replayed(recorded, arrivals.rate)
    rate = arrivals.rate
    assert rate is not None
    match arrivals.kind:
        case "constant":
            return np.arange(count) / rate
        case "poisson":
            return np.cumsum(rng.exponential(1 / rate, count))
        case "gamma":
            shape = arrivals.burstiness
            return np.cumsum(rng.gamma(shape, 1 / (rate * shape), count))
        case "ramp":
            return _ramp(np.cumsum(rng.exponential(1.0, count)), arrivals.ramp_from, rate, bounds)


def _ramp(unit: Times, first: float, last: float, bounds: Bounds) -> Times:
    growth = (last - first) / bounds.duration_s
    if growth == 0:
        return unit / first
    # Solves first·t + growth·t²/2 = unit; a falling ramp reaches its end before it reaches zero.
    root = first * first + 2 * growth * unit
    times: Times = (np.sqrt(root[root >= 0]) - first) / growth
    return times


def _replayed(recorded: Times, rate: float | None) -> Times:
    times: Times = recorded - recorded[0]
    if rate is not None:
        if times[-1] <= 0:
            raise ConfigError("a trace whose rows all have one timestamp cannot be given a rate")
        times = times * ((len(times) - 1) / rate / times[-1])
    return times
