"""Our own vLLM server: one child process, started, watched, restarted and stopped."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from agents.bases import BaseProfile
from serving.engine.client import BASE_MODEL
from serving.engine.forked import fork_environment
from serving.engine.server import PARENT_PID

logger = logging.getLogger(__name__)

#: Adapters that can take part in one batch, and that are kept in memory.
MAX_LORAS = 8
MAX_CPU_LORAS = 32

_FIRST_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 30.0
_STOP_TIMEOUT_S = 15.0


def engine_command(
    profile: BaseProfile, model: Path | str, port: int, concurrency: int
) -> list[str]:
    """The command line of vLLM's OpenAI server, on loopback, for one base profile.

    Args:
        concurrency: how many answers it works on at a time; more wait in its queue.
    """
    command = [sys.executable, "-m", "serving.engine.server"]
    command += ["--model", str(model), "--served-model-name", BASE_MODEL]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", str(profile.max_model_len), "--dtype", "bfloat16"]
    command += ["--max-num-seqs", str(concurrency)]
    command += ["--enable-lora", "--max-loras", str(MAX_LORAS)]
    command += ["--max-cpu-loras", str(MAX_CPU_LORAS)]
    command += ["--max-lora-rank", str(profile.max_lora_rank)]
    command += ["--generation-config", "auto", "--disable-uvicorn-access-log"]
    if profile.revision:
        command += ["--revision", profile.revision]
    return command


def engine_environment(profile: BaseProfile) -> dict[str, str]:
    """The environment vLLM runs in: ours, with what it needs and without telemetry."""
    environment = dict(os.environ)
    environment |= {
        PARENT_PID: str(os.getpid()),
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }
    if not profile.gpu:
        environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
        environment["HF_HUB_OFFLINE"] = "1"
        environment |= fork_environment(len(os.sched_getaffinity(0)))
    return environment


class EngineProcess:
    """Keeps one vLLM server running until it is told to stop.

    A server that dies, or cannot be started, is started again after a pause that doubles from 1 s
    to 30 s while it keeps dying; the reconciler notices that the newcomer has no adapters and
    loads them.
    """

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._command = command
        self._environment = environment
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Process id of the running server, if there is one."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    def log_tail(self, lines: int = 15) -> str:
        """The end of the server's log, for error messages."""
        if not self._log.is_file():
            return f"{self._log} is empty"
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return f"The end of {self._log}:\n" + "\n".join(text.splitlines()[-lines:])

    async def run(self) -> None:
        """Run the server, again and again, until `stop`."""
        backoff = _FIRST_BACKOFF_S
        loop = asyncio.get_running_loop()
        while not self._stopping:
            started = loop.time()
            try:
                await self._run_once()
            except OSError as error:  # no process can be made now, or the log not be opened
                logger.error("vLLM could not be started, it will be tried again: %s", error)
            if loop.time() - started > 2 * _LONGEST_BACKOFF_S:
                backoff = _FIRST_BACKOFF_S
            if not self._stopping:
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, _LONGEST_BACKOFF_S)

    async def stop(self) -> None:
        """Ask the server to end, and end it if it does not; its workers go with it."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()

    async def _run_once(self) -> None:
        """Start the server and wait for its end; OSError if it cannot be started."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            process = self._process = await self._spawn(log)
            await process.wait()
        # Workers that outlive their server would keep its memory.
        _signal_group(process.pid, signal.SIGKILL)

    async def _spawn(self, log: IO[bytes]) -> asyncio.subprocess.Process:
        # A session of its own: Ctrl-C reaches us alone, and we stop the whole group.
        return await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)
