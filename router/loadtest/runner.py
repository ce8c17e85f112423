"""A load test from what was asked for to its report."""

import asyncio
import dataclasses
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import uvloop

from router.loadtest import preflight
from router.loadtest import report as r
from router.loadtest.config import INTERRUPTED, Plan, WorkloadChoice
from router.loadtest.generator import Generator, Progress, Run, Stop
from router.loadtest.health import health
from router.loadtest.mix import draw
from router.loadtest.monitor import QueueWatch
from router.loadtest.schedule import schedule
from router.loadtest.summary import summarise
from router.loadtest.target import Target
from router.loadtest.workload import Script, Workload, load_workload

_T = TypeVar("_T")

Watcher = Callable[[Progress], Awaitable[None]]
"""Shows a run while it goes on; cancelled when it ends."""


@dataclasses.dataclass(frozen=True)
class LoadTest:
    """A target that was found ready, and what will be said to it."""

    target: Target
    workload: Workload
    choice: WorkloadChoice
    engine_metrics: str | None = None

    async def run(self, plan: Plan, watcher: Watcher, stop: Stop) -> tuple[Run, r.Health]:
        """One run, and whether the generator kept up with its own plan."""
        generator = Generator(self.target, plan.bounds, self._queue_watch())
        cpu = time.process_time()
        watching = asyncio.ensure_future(watcher(generator.progress))
        try:
            run = await self._play(generator, plan, stop)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        return run, health(run, plan, time.process_time() - cpu)

    def report(
        self, run: Run, kept_up: r.Health, plan: Plan, cold_loads: Sequence[r.ColdLoad]
    ) -> r.RunReport:
        """The report of a run."""
        settings = self.settings(plan)
        return summarise(run, plan, settings, kept_up, self.target.routes, cold_loads)

    def settings(self, plan: Plan) -> r.Settings:
        """What was asked for, as reports say it."""
        arrivals, bounds = plan.arrivals, plan.bounds
        return r.Settings(
            target=self.target.kind,
            url=self.target.url,
            model=self.target.model,
            workload=self.workload.name,
            mix=str(self.choice.mix),
            whole_conversations=self.choice.whole,
            arrivals="closed" if arrivals is None else arrivals.kind,
            rate=arrivals.rate if arrivals else None,
            burstiness=arrivals.burstiness if arrivals and arrivals.kind == "gamma" else None,
            ramp_from=arrivals.ramp_from if arrivals and arrivals.kind == "ramp" else None,
            concurrency=plan.concurrency,
            duration_s=bounds.duration_s,
            count=bounds.count,
            timeout_s=bounds.timeout_s,
            max_tokens=self.target.max_tokens,
            seed=plan.seed,
            slo=str(plan.slo) if plan.slo else None,
        )

    async def _play(self, generator: Generator, plan: Plan, stop: Stop) -> Run:
        if plan.arrivals is None:
            assert plan.concurrency is not None
            scripts = self._scripts(plan.bounds.count, plan.seed)
            return await generator.closed_loop(scripts, plan.concurrency, stop)
        times = schedule(plan.arrivals, plan.bounds, plan.seed, self.workload.times)
        # Fewer arrivals than the duration holds: the window ends with the last one.
        full = len(times) == plan.bounds.count or plan.arrivals.kind == "trace"
        window = float(times[-1]) if full else plan.bounds.duration_s
        return await generator.open_loop(self._scripts(len(times), plan.seed), times, window, stop)

    def _scripts(self, count: int, seed: int) -> list[Script]:
        return draw(self.workload, self.choice.mix, count, seed)

    def _queue_watch(self) -> QueueWatch:
        # The engine's address goes first: where both are one server, the target's key is sent.
        engine: dict[str, dict[str, str]] = (
            {} if self.engine_metrics is None else {self.engine_metrics: {}}
        )
        return QueueWatch({**engine, self.target.url: self.target.headers})


async def prepare(
    target: Target,
    choice: WorkloadChoice,
    agents_dir: Path,
    fallback: str,
    engine_metrics: str | None = None,
) -> LoadTest:
    """Read the workload and check that the target can be asked for all of it.

    Raises:
        ConfigError, DataError: options, workload and server do not fit together.
        EngineUnavailable: nobody answers at the target's address.
        LoadTestError: there are no metrics where ``engine_metrics`` says.
    """
    workload = load_workload(choice, target.kind, agents_dir, fallback)
    models = await preflight.served_models(target)
    if target.kind == "openai":
        model = target.model or preflight.default_model(models, target.url)
        target = dataclasses.replace(target, model=model, prompting=workload.prompting)
    preflight.check_served(target, workload, models)
    if engine_metrics is not None:
        await preflight.check_metrics(engine_metrics)
    return LoadTest(target, workload, choice, engine_metrics)


def in_event_loop(work: Callable[[Stop], Awaitable[_T]]) -> _T:
    """Run ``work`` on a fast event loop; the `Stop` it gets says so once Ctrl-C was pressed."""
    # Open-loop turns that wait for a slow server each hold a connection.
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))

    async def main() -> _T:
        interrupted = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
        return await work(lambda _: INTERRUPTED if interrupted.is_set() else None)

    return uvloop.run(main())
