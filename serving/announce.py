"""How other commands on this machine find a running ``philharmonic serve`` of the same home."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.settings import Settings
from agents.storage import stored


@dataclass(frozen=True)
class Announcement:
    """A server that runs, as its process wrote it down."""

    pid: int
    url: str
    engine_urls: list[str]
    base: str


@contextmanager
def announced(settings: Settings, engine_urls: Sequence[str]) -> Iterator[None]:
    """Say where this process serves, for as long as the block runs."""
    path = _path(settings)
    url = f"http://{settings.host}:{settings.port}"
    told = Announcement(os.getpid(), url, list(engine_urls), settings.base)
    incoming = path.with_name(f"{path.name}.{told.pid}")
    with stored(path):
        incoming.write_text(json.dumps(asdict(told)), encoding="utf-8")
        incoming.rename(path)
    try:
        yield
    finally:
        if running_server(settings) == told:  # another one may have come since
            path.unlink(missing_ok=True)


def running_server(settings: Settings) -> Announcement | None:
    """The server that serves this home now; None if there is none, or it was killed."""
    try:
        told = Announcement(**json.loads(_path(settings).read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    with suppress(PermissionError):  # somebody else's process: it is there
        try:
            os.kill(told.pid, 0)
        except ProcessLookupError:
            return None
    return told


def served_base(settings: Settings) -> str:
    """The base of the server that serves this home now; without one, the settings'."""
    running = running_server(settings)
    return settings.base if running is None else running.base


def _path(settings: Settings) -> Path:
    return settings.home / "serve.json"
