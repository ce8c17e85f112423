"""What is acted on: a real gateway with a real engine, its disk, and the ways to it."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.settings import ROOT, Settings
from serving.engine.own import free_port
from tests.benchmarks.processes import resident_mb
from tests.integration.gateway import (
    Gateway,
    children,
    group_of,
    kill,
    start,
    stop,
    wait_until,
    wait_until_ready,
)
from tests.small_disk import small_disk

#: Holds the registry, two versions of an agent, conversations and logs of a run.
DISK_MB = 96


@dataclass(frozen=True)
class Swap:
    """A change of the live version; moments are `time.monotonic`.

    Attributes:
        asked: before the change was asked for; until then nobody got the new version.
        settled: when the engine had it loaded; who asked later gets no other.
    """

    model: str
    asked: float
    settled: float


@dataclass
class Stage:
    """A gateway that is killed and started again, and the engines it has had.

    Attributes:
        disk: the file system that holds the home folder, None if none could be mounted; then
            ``no_disk`` says why.
        swaps: changes of the live version of an agent, in order.
        engines: process groups of the engines there were.
        patience_s: how long a start, or a recovery, may take.
    """

    home: Path
    catalog: Path
    disk: Path | None
    no_disk: str
    patience_s: float
    port: int = field(default_factory=free_port)
    swaps: list[Swap] = field(default_factory=list)
    engines: list[int] = field(default_factory=list)
    _gateway: Gateway | None = None

    @property
    def gateway(self) -> Gateway:
        """The one that runs."""
        assert self._gateway is not None
        return self._gateway

    def start(self) -> None:
        """Start the gateway, again on the same port, and wait until a chat would succeed."""
        self._gateway = start(self.home, self.catalog, self.port)
        wait_until_ready(self.gateway, self.patience_s)
        self.engines.append(self.engine)

    @property
    def engine(self) -> int:
        """The process group of the engine that runs."""
        (leader,) = children(self.gateway.process.pid)
        return leader

    @property
    def engine_mb(self) -> float:
        """Memory of the engine and its workers."""
        return resident_mb(group_of(self.engine))

    def kill_gateway(self) -> None:
        """End the gateway's process alone."""
        kill(self.gateway)

    def kill_engine(self) -> None:
        """End the engine with all its workers, and wait until the gateway has noticed."""
        os.killpg(self.engine, signal.SIGKILL)
        wait_until(lambda: not self.gateway.is_ready(), self.patience_s)

    def wait_for_engine(self) -> None:
        """Wait until the gateway has another engine, and all adapters in it."""
        wait_until_ready(self.gateway, self.patience_s)
        self.engines.append(self.engine)

    def left_behind(self) -> list[int]:
        """Processes of engines that should have ended."""
        return [pid for engine in self.engines[:-1] for pid in group_of(engine)]

    def swap(self, agent: str, change: str) -> Swap:
        """Change the live version of an agent by an admin call, and wait until it is loaded."""
        asked = time.monotonic()
        response = self.gateway.http.post(f"/admin/agents/{agent}/{change}")
        response.raise_for_status()
        number = response.json()["live"]
        wait_until(lambda: number in self._loaded(agent), self.patience_s)
        swap = Swap(f"{agent}@{number}", asked, time.monotonic())
        self.swaps.append(swap)
        return swap

    def end(self) -> None:
        """End what is still running, which only a run that failed has left."""
        if self._gateway is None or self._gateway.process.poll() is not None:
            return
        engines = children(self._gateway.process.pid)
        kill(self._gateway)
        wait_until(lambda: not any(map(group_of, engines)), self.patience_s)

    def _loaded(self, agent: str) -> set[int]:
        """The versions that the gateway knows its engine to have."""
        agents = self.gateway.http.get("/admin/agents").raise_for_status().json()["agents"]
        versions = next(each["versions"] for each in agents if each["name"] == agent)
        return {each["version"] for each in versions if each["loaded"]}


@contextmanager
def stage(work: Path, patience_s: float, logs: Path, on_small_disk: bool) -> Iterator[Stage]:
    """A gateway that is ready, on a small disk of its own if one is wanted and can be mounted.

    Args:
        work: an empty folder for home and catalog.
        patience_s: how long a start may take.
        logs: the folder that the logs are copied to in the end.
    """
    with ExitStack() as closing:
        disk, no_disk = work / "disk", ""
        if on_small_disk:
            try:
                closing.enter_context(small_disk(disk, DISK_MB))
            except PermissionError as error:
                no_disk = str(error)
        home, catalog = disk / "home", work / "agents"
        home.mkdir(parents=True)
        cache = Settings().cache.resolve()
        cache.mkdir(parents=True, exist_ok=True)
        (home / "cache").symlink_to(cache)  # the prepared base is larger than the disk
        ignored = shutil.ignore_patterns("data", "*.py", "__pycache__")
        shutil.copytree(ROOT / "agents", catalog, ignore=ignored)
        closing.callback(_copy_logs, home, logs)
        mounted = disk if on_small_disk and not no_disk else None
        found = Stage(home, catalog, mounted, no_disk, patience_s)
        closing.callback(found.end)
        found.start()
        yield found
        stop(found.gateway)


def _copy_logs(home: Path, logs: Path) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    for log in (home / "serve.log", home / "logs" / "engine.log"):
        if log.is_file():
            shutil.copy(log, logs / log.name)
