from dataclasses import replace

import numpy as np
import pytest

from agents.errors import ConfigError
from router.loadtest.config import Plan, Slo
from router.loadtest.generator import Progress, Run, Stop
from router.loadtest.health import health
from router.loadtest.report import Health
from router.loadtest.sweep import Hopeless, Sweep, SweepPlan, Trials, knee, side_of
from tests.unit.loadtest_runs import plan, record, run_of

SLO = Slo(e2el_s=1.0, goodput=0.9)


def never(_: Progress) -> None:
    return None


class Server:
    """Turns are good with a chance that falls with the rate: one half at ``capacity``."""

    def __init__(self, capacity: float, steepness: float = 0.2, turns: int = 200) -> None:
        self.capacity = capacity
        self.steepness = steepness
        self.turns = turns
        self.rates: list[float] = []

    async def run_at(self, asked: Plan, stop: Stop) -> tuple[Run, Health]:
        assert asked.arrivals is not None and asked.arrivals.rate is not None
        rate = asked.arrivals.rate
        self.rates.append(rate)
        rng = np.random.default_rng([asked.seed, round(1000 * rate)])
        good = 1 / (1 + (rate / self.capacity) ** (1 / self.steepness))
        late = rng.random(self.turns) >= good
        turns = [record(n, n / rate, 2.0 if late[n] else 0.1) for n in range(self.turns)]
        run = run_of(turns)
        return run, health(run, asked, 0.1)


DEFAULT = SweepPlan()


def sweep(server: Server, start: float = 1.0, how: SweepPlan = DEFAULT) -> Sweep:
    return Sweep(plan(SLO, rate=start), how, server.run_at, True, never, lambda _: None)


@pytest.mark.parametrize("start", [1.0, 30.0, 300.0])
async def test_the_knee_is_found_from_either_side(start: float) -> None:
    server = Server(capacity=50.0, steepness=0.01)
    search = sweep(server, start)
    reason = await search.search()
    found, missed_from = knee(search.points)
    assert found is not None and missed_from is not None
    # With goodput 0.9 the objective is met up to 50 * (1/9) ** 0.01.
    assert found <= 48.9 <= missed_from
    assert missed_from / found <= 1.1 + 1e-9
    assert "known to 10%" in reason


async def test_doubtful_rates_get_more_trials_and_clear_ones_do_not() -> None:
    server = Server(capacity=50.0, steepness=0.3)
    search = sweep(server, 4.0)
    await search.search()
    trials = {point.rate: point.trials for point in search.points}
    assert trials[4.0] == 1
    assert max(trials.values()) > 1
    for point in search.points:
        low, high = point.goodput_share_95
        assert point.certain == (not low < SLO.goodput <= high)


async def test_a_server_that_holds_everything_is_tested_up_to_the_limit() -> None:
    search = sweep(Server(capacity=1e9), 3.0, SweepPlan(max_rate=20.0))
    assert "20/s" in await search.search()
    assert knee(search.points) == (20.0, None)


async def test_a_server_that_holds_nothing_has_no_knee() -> None:
    search = sweep(Server(capacity=1e-9), 3.0)
    await search.search()
    assert knee(search.points)[0] is None


async def test_the_search_keeps_to_its_time() -> None:
    server = Server(capacity=50.0)
    search = sweep(server, 1.0, SweepPlan(budget_s=0.0))
    assert "time" in await search.search()
    assert len(server.rates) <= 1


async def test_accuracy_can_decide_as_well() -> None:
    async def misrouting(asked: Plan, stop: Stop) -> tuple[Run, Health]:
        assert asked.arrivals is not None and asked.arrivals.rate is not None
        wrong = asked.arrivals.rate > 10
        turns = [record(n, float(n), agent="home" if wrong else "cron") for n in range(100)]
        run = run_of(turns)
        return run, health(run, asked, 0.1)

    asked = plan(replace(SLO, accuracy=0.9), rate=2.0)
    search = Sweep(asked, SweepPlan(), misrouting, True, never, lambda _: None)
    await search.search()
    found, missed_from = knee(search.points)
    assert found is not None and missed_from is not None
    assert found <= 10 < missed_from


def test_intervals_lie_on_a_side_or_on_none() -> None:
    assert side_of((0.95, 0.99), 0.95) == "met"
    assert side_of((0.90, 0.99), 0.95) == "unsure"
    assert side_of((0.90, 0.94), 0.95) == "missed"


def test_a_sweep_needs_objectives_and_room() -> None:
    for asked, how in ((plan(None), SweepPlan()), (plan(SLO, rate=5.0), SweepPlan(max_rate=4.0))):
        with pytest.raises(ConfigError):
            Sweep(asked, how, Server(1.0).run_at, True, never, lambda _: None)


@pytest.mark.parametrize(("bad", "hopeless"), [(15, False), (40, True)])
def test_a_trial_is_stopped_when_nothing_can_save_it(bad: int, hopeless: bool) -> None:
    records = [record(n, 0.0, ttft_s=2.0 if n < bad else 0.1) for n in range(50)]
    progress = Progress(planned=100, arrived=50, records=records)
    assert (Hopeless(SLO)(progress) is not None) == hopeless


def test_turns_that_hang_count_before_they_end() -> None:
    progress = Progress(planned=100, arrived=50, in_flight=dict.fromkeys(range(50), 0.0))
    progress.begin = 1e-9  # long ago
    assert Hopeless(SLO)(progress) is not None


def test_a_trial_that_was_stopped_is_missed_for_certain() -> None:
    trials = Trials(5.0, SLO, True)
    run = run_of([record(n, float(n)) for n in range(30)], cut_short="hopeless")
    trials.runs.append((run, health(run, plan(SLO), 0.1)))
    point = trials.point()
    assert (point.verdict, point.certain, point.cut_short) == ("missed", True, True)
