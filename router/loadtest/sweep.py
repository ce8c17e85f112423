"""The highest rate that still meets the objectives: doubling, then bisection."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agents.errors import ConfigError
from router.loadtest import report as r
from router.loadtest.config import MAX_RATE, Plan, Slo
from router.loadtest.distribution import summary
from router.loadtest.generator import Progress, Run, Stop
from router.loadtest.record import Record
from router.loadtest.routing import routing
from router.loadtest.stats import Interval, share_interval
from router.loadtest.summary import is_good

Verdict = Literal["met", "missed", "unsure"]


@dataclass(frozen=True)
class SweepPlan:
    """How the knee is looked for.

    Attributes:
        tolerance: the search ends when the bracket of the knee is this narrow, relatively.
        max_trials: trials of a rate whose verdict the intervals leave open.
        budget_s: no trial begins after so long.
    """

    max_rate: float = MAX_RATE
    tolerance: float = 0.1
    max_trials: int = 3
    budget_s: float = 600.0


@dataclass
class Trials:
    """Everything measured at one rate; ``routes``: the target decides who answers."""

    rate: float
    slo: Slo
    routes: bool
    runs: list[tuple[Run, r.Health]] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        """The turns of all trials, in order."""
        return [record for run, _ in self.runs for record in run.records]

    @property
    def is_hopeless(self) -> bool:
        """Whether a trial was stopped because its rest could not have saved it."""
        return any(run.cut_short is not None for run, _ in self.runs)

    def verdict(self) -> Verdict:
        """Whether the objectives are met, by intervals; ``unsure`` if those hold a bound."""
        if self.is_hopeless:
            return "missed"
        outcomes = [is_good(record, self.slo) for record in self.records]
        verdicts = [side_of(share_interval(outcomes), self.slo.goodput)]
        if self.slo.accuracy is not None:
            judged = routing(self.records)
            interval = judged.accuracy_95 if judged is not None else (0.0, 0.0)
            verdicts.append(side_of(interval, self.slo.accuracy))
        if "missed" in verdicts:
            return "missed"
        return "unsure" if "unsure" in verdicts else "met"

    def point(self) -> r.Point:
        """The rate's row in the report; an open verdict is settled by the point estimates."""
        verdict, records = self.verdict(), self.records
        outcomes = [is_good(record, self.slo) for record in records]
        share = sum(outcomes) / len(outcomes) if outcomes else 0.0
        judged = routing(records) if self.routes else None
        answered = [record for record in records if record.error is None]
        ttft = summary([1000 * t.ttft_s for t in answered if t.ttft_s is not None])
        e2el = summary([1000 * record.e2el_s for record in answered])
        own = summary([t.gateway_ms for t in answered if t.gateway_ms is not None])
        accurate = self.slo.accuracy is None or (
            judged is not None and judged.accuracy >= self.slo.accuracy
        )
        is_met = verdict == "met" or (
            verdict == "unsure" and share >= self.slo.goodput and accurate
        )
        return r.Point(
            rate=self.rate,
            trials=len(self.runs),
            verdict="met" if is_met else "missed",
            certain=verdict != "unsure",
            requests=len(records),
            failed=len(records) - len(answered),
            cut_short=self.is_hopeless,
            goodput_share=share,
            goodput_share_95=share_interval(outcomes),
            accuracy=judged.accuracy if judged else None,
            accuracy_95=judged.accuracy_95 if judged else None,
            request_throughput=len(answered) / sum(run.duration_s for run, _ in self.runs),
            ttft_p50_ms=ttft.p50_ms if ttft else None,
            ttft_p99_ms=ttft.p99_ms if ttft else None,
            e2el_p50_ms=e2el.p50_ms if e2el else None,
            e2el_p99_ms=e2el.p99_ms if e2el else None,
            gateway_p50_ms=own.p50_ms if own else None,
            gateway_p99_ms=own.p99_ms if own else None,
            errors=dict(Counter(t.error for t in records if t.error is not None)),
            generator_was_bottleneck=any(health.is_bottleneck for _, health in self.runs),
        )


def side_of(interval: Interval, bound: float) -> Verdict:
    """On which side of ``bound`` an interval lies."""
    low, high = interval
    if low >= bound:
        return "met"
    return "missed" if high < bound else "unsure"


RunAt = Callable[[Plan, Stop], Awaitable[tuple[Run, r.Health]]]


class Sweep:
    """Looks for the knee; `points` grows while it does."""

    def __init__(
        self,
        plan: Plan,
        how: SweepPlan,
        run_at: RunAt,
        routes: bool,
        interrupted: Stop,
        tell: Callable[[r.Point], None],
    ) -> None:
        if plan.slo is None or plan.arrivals is None or plan.arrivals.rate is None:
            raise ConfigError("--sweep needs objectives (--slo) and the --rate to begin with")
        if how.max_rate < plan.arrivals.rate:
            raise ConfigError("--max-rate is below --rate, the rate the sweep begins with")
        self._plan, self._slo, self._arrivals = plan, plan.slo, plan.arrivals
        self._how = how
        self._run_at = run_at
        self._routes = routes
        self._interrupted = interrupted
        self._tell = tell
        self._began = time.monotonic()
        self.points: list[r.Point] = []

    async def search(self) -> str:
        """Fill `points`; why it ended."""
        assert self._arrivals.rate is not None
        self._began = time.monotonic()
        low, high = 0.0, float("inf")
        rate = self._arrivals.rate
        while True:
            if (reason := self._must_end()) is not None:
                return reason
            if await self._meets(rate):
                low = rate
            else:
                high = rate
            if (reason := self._must_end()) is not None:
                return reason
            if high == float("inf"):
                if rate >= self._how.max_rate:
                    return f"the highest rate it may try ({rate:g}/s) is met"
                rate = min(2 * rate, self._how.max_rate)
            elif low == 0.0:
                if rate < self._arrivals.rate / 64:
                    return "not even a small part of the first rate is met"
                rate = high / 2
            elif high / low <= 1 + self._how.tolerance:
                return f"the knee is known to {self._how.tolerance:.0%}"
            else:
                rate = (low + high) / 2

    def _must_end(self) -> str | None:
        if (reason := self._interrupted(Progress(0))) is not None:
            return reason
        if time.monotonic() - self._began > self._how.budget_s:
            return f"its time ({self._how.budget_s:g} s) was up"
        return None

    async def _meets(self, rate: float) -> bool:
        trials = Trials(rate, self._slo, self._routes)
        for number in range(self._how.max_trials):
            plan = replace(
                self._plan,
                arrivals=replace(self._arrivals, rate=rate),
                seed=self._plan.seed + number,
            )
            trials.runs.append(await self._run_at(plan, self._stop()))
            if trials.verdict() != "unsure" or self._must_end() is not None:
                break
        if self._interrupted(Progress(0)) is not None:
            return False
        point = trials.point()
        self.points.append(point)
        self._tell(point)
        return point.verdict == "met"

    def _stop(self) -> Stop:
        hopeless = Hopeless(self._slo)
        return lambda progress: self._interrupted(progress) or hopeless(progress)


class Hopeless:
    """Stops a trial once so many turns are bad that the rest of it cannot meet the objective.

    Twice the bad turns that the objective allows are waited for, so that a rate near the knee
    gets its whole trial. Turns in flight count as bad when they are older than the bound.
    """

    def __init__(self, slo: Slo) -> None:
        self._slo = slo
        self._seen = 0
        self._bad = 0

    def __call__(self, progress: Progress) -> str | None:
        """The reason to stop, if there is one."""
        records = progress.records
        while self._seen < len(records):
            self._bad += not is_good(records[self._seen], self._slo)
            self._seen += 1
        overdue = 0
        if self._slo.e2el_s is not None:
            latest = progress.elapsed_s - self._slo.e2el_s
            overdue = sum(since < latest for since in progress.in_flight.values())
        # The plan counts arrivals; a conversation is several turns.
        turns = self._seen + len(progress.in_flight)
        planned = progress.planned * max(1.0, turns / max(1, progress.arrived))
        if self._bad + overdue > 2 * (1 - self._slo.goodput) * planned + 1:
            return "the objectives cannot be met any more"
        return None


def knee(points: Sequence[r.Point]) -> tuple[float | None, float | None]:
    """The highest rate that met the objectives below the lowest that missed, and that one."""
    missed_from = min((p.rate for p in points if p.verdict == "missed"), default=None)
    met = [
        p.rate
        for p in points
        if p.verdict == "met" and (missed_from is None or p.rate < missed_from)
    ]
    return max(met, default=None), missed_from
