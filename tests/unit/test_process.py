import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from agents.bases import PROFILES
from serving.engine import process
from serving.engine.process import EngineProcess, engine_command, engine_environment

WRITES_ITS_PID = """\
import os, subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1], "a") as file:
    print(os.getpid(), worker.pid, file=file, flush=True)
print("engine output", flush=True)
"""
SLEEPS = WRITES_ITS_PID + "time.sleep(60)\n"
DIES = WRITES_ITS_PID + "sys.exit(3)\n"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPS


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_FIRST_BACKOFF_S", 0.05)
    monkeypatch.setattr(process, "_LONGEST_BACKOFF_S", 0.2)
    monkeypatch.setattr(process, "_STOP_TIMEOUT_S", 5.0)


class Child:
    """An `EngineProcess` around a small Python program that notes its pid and its worker's."""

    def __init__(self, program: str, folder: Path) -> None:
        self.pids = folder / "pids"
        self.log = folder / "logs" / "engine.log"
        command = [sys.executable, "-c", program, str(self.pids)]
        self.engine = EngineProcess(command, dict(os.environ), self.log)

    def started(self) -> list[list[int]]:
        """Pid and worker's pid of each start so far."""
        if not self.pids.exists():
            return []
        lines = self.pids.read_text().splitlines()
        return [[int(pid) for pid in line.split()] for line in lines]


@asynccontextmanager
async def running(program: str, folder: Path) -> AsyncIterator[Child]:
    child = Child(program, folder)
    task = asyncio.create_task(child.engine.run())
    try:
        yield child
    finally:
        await child.engine.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process runs (one that ended and was not waited for does not)."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_stop_ends_the_whole_group(tmp_path: Path) -> None:
    async with running(SLEEPS, tmp_path) as child:
        await until(lambda: bool(child.started()))
        ((pid, worker),) = child.started()
        await until(lambda: child.engine.pid == pid)  # it may have written before we are told of it
        assert is_alive(worker)
    assert child.engine.pid is None
    await until(lambda: not is_alive(pid) and not is_alive(worker))
    assert len(child.started()) == 1


async def test_one_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_STOP_TIMEOUT_S", 0.2)
    async with running(STUBBORN, tmp_path) as child:
        await until(lambda: bool(child.started()))
        ((pid, worker),) = child.started()
    await until(lambda: not is_alive(pid) and not is_alive(worker))


async def test_one_that_dies_is_started_again(tmp_path: Path) -> None:
    async with running(SLEEPS, tmp_path) as child:
        await until(lambda: len(child.started()) == 1)
        ((first, worker),) = child.started()
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(child.started()) == 2)
        await until(lambda: child.engine.pid == child.started()[1][0] != first)
        await until(lambda: not is_alive(worker))


async def test_the_pause_grows_while_it_keeps_dying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_FIRST_BACKOFF_S", 10.0)
    monkeypatch.setattr(process, "_LONGEST_BACKOFF_S", 30.0)
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    async with running(DIES, tmp_path) as child:
        with monkeypatch.context() as patched:
            patched.setattr("serving.engine.process.asyncio.sleep", noted)
            while len(child.started()) < 5:
                await sleep(0.02)
    assert pauses[:4] == [10, 20, 30, 30]


async def test_one_that_cannot_be_started_now_is_started_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "logs"
    in_the_way.write_text("not a folder")
    async with running(SLEEPS, tmp_path) as child:
        await until(lambda: "vLLM could not be started" in caplog.text)
        in_the_way.unlink()
        await until(lambda: len(child.started()) == 1)
        await until(lambda: child.engine.pid == child.started()[0][0])


async def test_stopping_during_a_pause_starts_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_FIRST_BACKOFF_S", 0.5)
    async with running(DIES, tmp_path) as child:
        await until(lambda: bool(child.started()) and child.engine.pid is None)
        await child.engine.stop()
        await asyncio.sleep(0.7)
    assert len(child.started()) == 1


async def test_the_log_says_what_it_said(tmp_path: Path) -> None:
    async with running(SLEEPS, tmp_path) as child:
        assert "is empty" in child.engine.log_tail()
        await until(lambda: child.log.exists() and "engine output" in child.log.read_text())
        child.log.write_text("\n".join(f"line {number}" for number in range(100)))
        tail = child.engine.log_tail(3)
    assert tail == f"The end of {child.log}:\nline 97\nline 98\nline 99"


def test_the_command_serves_the_base_with_adapters_on_loopback() -> None:
    command = engine_command(PROFILES["default"], Path("/cache/base"), 8123, 48)
    assert command[:3] == [sys.executable, "-m", "serving.engine.server"]
    options = dict(pairwise(command))
    assert options["--model"] == "/cache/base"
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "8123")
    assert (options["--max-lora-rank"], options["--max-num-seqs"]) == ("16", "48")
    assert "--enable-lora" in command


def test_the_environment_allows_hot_loading_and_sends_nothing_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    environment = engine_environment(PROFILES["default"])
    assert environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
    assert environment["VLLM_NO_USAGE_STATS"] == environment["DO_NOT_TRACK"] == "1"
    assert environment["VLLM_CPU_KVCACHE_SPACE"] == "1"


def test_on_cpu_its_processes_are_forks_with_all_cores_and_torchs_own_openmp() -> None:
    environment = engine_environment(PROFILES["default"])
    assert environment["VLLM_WORKER_MULTIPROC_METHOD"] == "fork"
    assert environment["OMP_NUM_THREADS"] == str(len(os.sched_getaffinity(0)))
    preloaded = [Path(path) for path in environment["LD_PRELOAD"].split(":")]
    assert any(path.name.startswith("libgomp") and path.is_file() for path in preloaded)
    on_gpu = engine_environment(PROFILES["phi-3-mini-4k"])
    assert "VLLM_WORKER_MULTIPROC_METHOD" not in on_gpu


def test_vllm_is_kept_from_spawning_on_cpu() -> None:
    # In a process of its own: it changes vLLM's platform for good.
    program = """
import os
from types import SimpleNamespace
from vllm.platforms.cpu import CpuPlatform

def upstream(cls, config):
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"
    config.seen = True

CpuPlatform.check_and_update_config = classmethod(upstream)
from serving.engine.forked import fork_and_bind

fork_and_bind()
config = SimpleNamespace()
CpuPlatform.check_and_update_config(config)
print(config.seen, os.environ["VLLM_WORKER_MULTIPROC_METHOD"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "fork"], done.stderr


def test_each_openmp_thread_is_kept_on_a_core_of_its_own() -> None:
    # In a process of its own: it binds the thread that calls it.
    program = """
import os, sys
from pathlib import Path
import torch
from serving.engine.forked import bind_openmp_threads

cores = sorted(os.sched_getaffinity(0))
bind_openmp_threads(cores)
(torch.ones(500, 500) @ torch.ones(500, 500)).sum()
tasks = [int(task.name) for task in Path("/proc/self/task").iterdir()]
bound = [os.sched_getaffinity(task) for task in tasks]
assert all({core} in bound for core in cores), bound
try:
    bind_openmp_threads([4096])
except OSError as error:
    print(error)
"""
    environment = engine_environment(PROFILES["default"])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert "Invalid argument" in done.stdout, done.stderr
