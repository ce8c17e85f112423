"""Servers as child processes: started, waited for, weighed and always stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

STOP_TIMEOUT_S = 30.0
POLL_S = 0.05


@dataclass(frozen=True)
class Child:
    """A running server and the file its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_200(self, url: str, timeout_s: float) -> None:
        """Wait until a GET of `url` answers 200.

        Raises:
            RuntimeError: the process ended, or the time is up; the message ends with its log.
        """
        deadline = time.monotonic() + timeout_s
        while (reply := _get(url)) is not None:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended before it was ready:\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{self.name} was not ready after {timeout_s:.0f} s; {url} says: {reply}\n"
                    f"{self._last_words()}"
                )
            time.sleep(POLL_S)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def _get(url: str) -> str | None:
    """None if `url` answers 200, else what it says instead."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return None if reply.status == 200 else str(reply.status)
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return str(error)


@contextmanager
def running(
    name: str, command: Sequence[str], log: Path, env: Mapping[str, str | None] | None = None
) -> Iterator[Child]:
    """Run `command` for the length of a ``with`` block.

    `env` goes on top of this environment; None takes a variable away.
    """
    merged = {**os.environ, **(env or {})}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={key: value for key, value in merged.items() if value is not None},
            start_new_session=True,
        )
    try:
        yield Child(name, process, log)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop; what is left of its tree after 30 s, or after its own end, is killed."""
    family = descendants(process.pid)
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in family:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def philharmonic() -> Path:
    """The command installed beside this interpreter; RuntimeError if there is none."""
    command = Path(sys.executable).with_name("philharmonic")
    if not command.exists():
        raise RuntimeError(f"{command}: not there; install the project into this environment")
    return command


def stop_children_on_sigterm() -> None:
    """Turn SIGTERM into an exception, so that every ``with running(...)`` is left properly."""

    def leave(signum: int, frame: FrameType | None) -> None:
        sys.exit(128 + signum)

    signal.signal(signal.SIGTERM, leave)


def descendants(pid: int) -> list[int]:
    """Every process below `pid` (from Linux's ``/proc``)."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in parentheses may hold blanks; the parent is the second field after it.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found: list[int] = []
    queue = [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def resident_mb(pids: Sequence[int]) -> float:
    """Memory of these processes in MB, pages that several processes share counted once (PSS)."""
    kilobytes = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes * 1024 / 1e6


def rss_mb(pid: int) -> float:
    """Resident memory of one process in MB, pages that it shares with others included."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024 / 1e6


def descriptors(pid: int) -> list[str]:
    """What each open descriptor of a process stands for, as Linux's ``/proc`` names it."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.append(str(link.readlink()))
    return found
