"""``philharmonic serve`` as a user starts it: a child process, waited for, asked and stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from agents.registry import Registry
from agents.settings import ROOT
from serving.engine.own import free_port

START_TIMEOUT_S = 280.0
STOP_TIMEOUT_S = 60.0
CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Gateway:
    """A running gateway, and the vLLM server behind it.

    Attributes:
        http: a client of the gateway.
        engine: a client of vLLM itself.
        catalog: the folder of its agents; a test may change what is in it.
        output: the file its output goes to.
    """

    url: str
    engine_url: str
    http: httpx.Client
    engine: httpx.Client
    home: Path
    catalog: Path
    output: Path
    process: subprocess.Popen[bytes]

    def chat(self, text: str, model: str = "auto", **fields: Any) -> httpx.Response:
        """One question, answered or refused."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return self.http.post(CHAT, json=body)

    def answer(self, text: str, model: str = "auto", **fields: Any) -> dict[str, Any]:
        """The completion of one question."""
        return completion_of(self.chat(text, model, **fields))

    def is_ready(self) -> bool:
        """Whether it says that a chat would succeed."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def adapters(self) -> set[str]:
        """The adapters vLLM has loaded for this home."""
        prefix = self.on_engine("")
        listing = self.engine.get("/v1/models").json()["data"]
        names = {model["id"] for model in listing if model["parent"] is not None}
        return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}

    def on_engine(self, model: str) -> str:
        """What vLLM calls a model of this home."""
        return f"{Registry(self.home).home_id}:{model}"

    def logs(self) -> Mapping[str, str]:
        """The end of what gateway and engine wrote, by name."""
        files = {"gateway": self.output, "engine": self.home / "logs" / "engine.log"}
        return {name: _tail(path) for name, path in files.items() if path.exists()}

    def cli(self, *arguments: str) -> str:
        """What a verb of the command line prints when it works on the same home folder."""
        done = subprocess.run(
            [sys.executable, "-m", "philharmonic", *arguments],
            cwd=ROOT,
            env=_environment(self.home, self.catalog),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def serving(home: Path, catalog: Path, *engine_urls: str) -> Iterator[Gateway]:
    """Start a gateway, with its own vLLM unless there are ``engine_urls``; stop it with Ctrl-C.

    It must end with exit code 0 and take the whole of its vLLM with it.
    """
    gateway = start(home, catalog, free_port(), *engine_urls)
    try:
        wait_until_ready(gateway)
        yield gateway
    finally:
        stop(gateway)


def start(home: Path, catalog: Path, port: int, *engine_urls: str) -> Gateway:
    """Start a gateway on ``port``, and do not wait for it."""
    command = [sys.executable, "-m", "philharmonic", "serve", "--port", str(port)]
    for each in engine_urls:
        command += ["--engine-url", each]
    engine_port = free_port()
    environment = _environment(home, catalog)
    environment["PHILHARMONIC_ENGINE_PORT"] = str(engine_port)
    output = home / "serve.log"
    with output.open("ab") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    engine_url = engine_urls[0] if engine_urls else f"http://127.0.0.1:{engine_port}"
    http = httpx.Client(base_url=url, timeout=120)
    engine = httpx.Client(base_url=engine_url, timeout=120)
    return Gateway(url, engine_url, http, engine, home, catalog, output, process)


def _environment(home: Path, catalog: Path) -> dict[str, str]:
    environment = dict(os.environ)
    environment.pop("OMP_NUM_THREADS", None)
    environment |= {"PHILHARMONIC_HOME": str(home), "PHILHARMONIC_AGENTS_DIR": str(catalog)}
    return environment


def wait_until_ready(gateway: Gateway, timeout_s: float = START_TIMEOUT_S) -> None:
    """Wait until a chat would succeed; RuntimeError with the end of the logs if it never would."""
    deadline = time.monotonic() + timeout_s
    while not gateway.is_ready():
        if gateway.process.poll() is not None or time.monotonic() > deadline:
            texts = [f"--- {name}\n{text}" for name, text in gateway.logs().items()]
            raise RuntimeError("the gateway did not start:\n" + "\n".join(texts))
        time.sleep(0.1)


def stop(gateway: Gateway) -> None:
    """Stop it as Ctrl-C does; AssertionError if it fails or leaves a process behind."""
    process = gateway.process
    engines = children(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        code = process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
    finally:
        gateway.http.close()
        gateway.engine.close()
    left = [pid for engine in engines for pid in group_of(engine)]
    assert (code, left) == (0, [])


def kill(gateway: Gateway) -> None:
    """End the gateway's process as the kernel does when memory is short, without a word."""
    gateway.process.kill()
    gateway.process.wait()
    gateway.http.close()
    gateway.engine.close()


def completion_of(response: httpx.Response) -> dict[str, Any]:
    """The body of a chat that succeeded."""
    assert response.status_code == 200, response.text
    completion: dict[str, Any] = response.json()
    return completion


def content_of(completion: Mapping[str, Any]) -> str:
    """The text of a completion."""
    return str(completion["choices"][0]["message"]["content"])


def wait_until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait for a condition; AssertionError when the time is up."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {timeout_s} s"
        time.sleep(0.05)


def children(parent: int) -> list[int]:
    """Processes whose parent this is."""
    return [pid for pid, (above, _) in _processes().items() if above == parent]


def group_of(leader: int) -> list[int]:
    """Processes of the group that ``leader`` leads or led."""
    return [pid for pid, (_, group) in _processes().items() if group == leader]


def _processes() -> dict[int, tuple[int, int]]:
    """Parent and group of every process that has not ended."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold blanks.
            state, parent, group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            found[int(stat.parent.name)] = (int(parent), int(group))
    return found


def _tail(path: Path, lines: int = 40) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
