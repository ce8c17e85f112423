"""Two real engines behind one gateway; one is killed under load, and started again.

    python -m tests.benchmarks.two_engines [--users 8] [--seconds 30]

Starts two vLLM servers of the embedded base, a core and some 5 GB of memory each, and
``philharmonic serve`` with a home folder of its own before them. Users ask one question after the
other, some streamed, some routed. After a while one engine gets SIGKILL; then it is started again
and put back. The table shows what became of the turns and what each engine finished, before, while
one was dead, and after. Aims: both engines work while both are alive, no turn fails but streams
that had begun on the engine that died, and those say so in an error event.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from agents.bases import BaseProfile, profile_named
from agents.settings import ROOT, Settings
from serving.engine.base_model import ensure_base_model
from serving.engine.own import free_port
from serving.engine.process import engine_command, engine_environment
from tests.integration.gateway import CHAT, Gateway, serving, wait_until

QUESTIONS = (
    ("cron", "every weekday at half past nine in the morning"),
    ("auto", "turn off the lights in the kitchen"),
    ("general", "Tell me about the city of {number} bridges."),
    ("auto", "I was charged twice for order {number}!"),
    ("sql", "CREATE TABLE cars (id INTEGER, price REAL);\nHow many cost more than {number}?"),
)
RETRIED = "philharmonic_turns_retried_total"
START_S = 280.0
DONE, TOLD, UNCLEAR = "answered", "stream ended with an error event", "failed"


@dataclass
class Engine:
    """One vLLM server, which can be killed and started again on its port and its core."""

    profile: BaseProfile
    model: Path | str
    core: int
    log: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; it needs a while."""
        environment = engine_environment(self.profile) | {
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "OMP_NUM_THREADS": "1",
        }
        slots = self.profile.max_num_seqs
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("taskset", "--cpu-list", str(self.core)),
                    *engine_command(self.profile, self.model, self.port, slots),
                ],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_up(self) -> bool:
        """Whether it answers; RuntimeError if it has ended instead."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"vLLM did not start:\n{self.log.read_text()[-3000:]}")
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """SIGKILL, to its workers too."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def finished(self) -> int:
        """How many requests it has finished, label reads included; none if it is dead."""
        try:
            page = httpx.get(f"{self.url}/metrics", timeout=30).text
        except httpx.HTTPError:
            return 0
        samples = (s for f in text_string_to_metric_families(page) for s in f.samples)
        return int(sum(s.value for s in samples if s.name == "vllm:request_success_total"))


@dataclass
class Phase:
    """A stretch of the load: what became of its turns, and what each engine finished in it."""

    name: str
    turns: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    finished: list[int] = field(default_factory=list)


class Load:
    """Users who ask without a pause; turns count in the phase in which they begin.

    Turns that have not ended when the last phase does are left out.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.phases: list[Phase] = []
        self.faults: list[str] = []
        self._numbers = itertools.count()

    async def user(self) -> None:
        """Ask for ever."""
        async with httpx.AsyncClient(base_url=self.gateway.url, timeout=400) as http:
            while True:
                number = next(self._numbers)
                phase, started = self.phases[-1], time.perf_counter()
                outcome = await self._turn(http, number)
                phase.turns[outcome] += 1
                phase.slowest_s = max(phase.slowest_s, time.perf_counter() - started)

    async def _turn(self, http: httpx.AsyncClient, number: int) -> str:
        model, text = QUESTIONS[number % len(QUESTIONS)]
        question = {"role": "user", "content": text.format(number=number)}
        body = {"model": model, "messages": [question], "stream": number % 2 == 0}
        try:
            answer = await http.post(CHAT, json={**body, "max_tokens": 48})
        except httpx.HTTPError as error:
            return self._fault(f"{model}: {error!r}")
        if answer.status_code != 200:
            return self._fault(f"{model}: {answer.status_code} {answer.text[:300]}")
        last = answer.text.strip().rpartition("data: ")[2]
        if not body["stream"] or last == "[DONE]":
            return DONE
        told = json.loads(last).get("error", {}) if last.startswith("{") else {}
        if told.get("code") == "engine_unavailable":
            return TOLD
        return self._fault(f"{model}: a stream ended with {last[:300]!r}")

    def _fault(self, what: str) -> str:
        self.faults.append(what)
        return UNCLEAR


async def kill_one_under_load(
    gateway: Gateway, engines: list[Engine], users: int, seconds: float
) -> Load:
    """Both alive, one dead, both alive again: ``seconds`` each."""
    load = Load(gateway)
    before = [engine.finished() for engine in engines]

    async def phase(name: str) -> None:
        """Let the users work; note what the engines have finished since ``before``."""
        nonlocal before
        load.phases.append(Phase(name))
        await asyncio.sleep(seconds)
        now = [await asyncio.to_thread(engine.finished) for engine in engines]
        load.phases[-1].finished = [max(0, n - b) for n, b in zip(now, before, strict=True)]
        before = now

    asking = [asyncio.create_task(load.user()) for _ in range(users)]
    try:
        await phase("both alive")
        await asyncio.to_thread(engines[0].kill)
        await phase("the first one dead")
        load.phases.append(Phase("the first one starting"))
        engines[0].start()
        await asyncio.to_thread(wait_until, lambda: is_back(gateway, engines[0]), START_S)
        before = [await asyncio.to_thread(engine.finished) for engine in engines]
        await phase("both alive again")
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return load


def is_back(gateway: Gateway, engine: Engine) -> bool:
    """Whether the gateway uses the engine, with every adapter loaded."""
    engine.is_up()
    page = gateway.http.get("/metrics").text
    mine = f'engine="127.0.0.1:{engine.port}"'
    lines = [line.split() for line in page.splitlines() if mine in line]
    values = [value for name, value in lines if "_up{" in name or "adapter_loaded{" in name]
    return bool(values) and set(values) == {"1.0"}


@contextmanager
def stage(work: Path) -> Iterator[tuple[Gateway, list[Engine]]]:
    """Two engines and a gateway before them, ready."""
    settings = Settings()
    profile = profile_named("default")
    model = ensure_base_model(profile, settings.cache.resolve())
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as ending:
        engines = [
            Engine(profile, model, cores[number % len(cores)], work / f"engine-{number}.log")
            for number in range(2)
        ]
        for engine in engines:
            ending.callback(engine.kill)
            engine.start()
        for engine in engines:
            wait_until(engine.is_up, START_S)
        home = work / "home"
        home.mkdir()
        urls = (engine.url for engine in engines)
        yield ending.enter_context(serving(home, ROOT / "agents", *urls)), engines


def main() -> None:
    """Measure and print; exit code 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each phase")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-two-engines-") as work,
        stage(Path(work)) as (gateway, engines),
    ):
        load = asyncio.run(kill_one_under_load(gateway, engines, given.users, given.seconds))
        page = gateway.http.get("/metrics").text
    Console(width=120).print(table(load))
    print(*(line for line in page.splitlines() if line.startswith(RETRIED)), sep="\n")
    print(*load.faults, sep="\n")
    both = [phase for phase in load.phases if phase.name.startswith("both")]
    met = not load.faults and all(all(phase.finished) for phase in both)
    print("aims met" if met else "aims MISSED")
    sys.exit(0 if met else 1)


def table(load: Load) -> Table:
    """What became of the turns of each phase."""
    found = Table(
        "turns that began while", DONE, TOLD, UNCLEAR, "slowest", "first", "second engine"
    )
    for phase in load.phases:
        counts = (str(phase.turns[outcome]) for outcome in (DONE, TOLD, UNCLEAR))
        finished = (str(count) for count in phase.finished or ("", ""))
        found.add_row(phase.name, *counts, f"{phase.slowest_s:.1f} s", *finished)
    return found


if __name__ == "__main__":
    main()
