"""An agent's versions changed under constant load: is a turn lost or mixed, and how soon?"""

import asyncio
import json
import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from agents.artifacts import MANIFEST, WEIGHTS, sha256_of
from router.loadtest.config import Arrivals, Bounds
from router.loadtest.generator import Generator, Run
from router.loadtest.record import Record
from router.loadtest.schedule import schedule
from router.loadtest.target import Target
from router.loadtest.workload import Script, ScriptTurn
from tests.integration.gateway import CHAT, Gateway, wait_until

AGENT, OTHER = "cron", "home"
QUESTION = "every weekday at half past nine in the morning"
MAX_TOKENS = 24
SETTLE_S = 1.5

#: Where two versions' answers to the question never look alike.
_PLACES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("begins", lambda text: text[:1]),
    ("ends", lambda text: text[-1:]),
)


@dataclass(frozen=True)
class Change:
    """One change of the live version; moments are `time.perf_counter`."""

    what: str
    model: str
    asked: float


@dataclass(frozen=True)
class Effect:
    """When turns that began after a change were answered by the version it made live.

    Attributes:
        first_s: beginning of the first such turn, after the change was asked for.
        last_old_s: beginning of the last turn that another version still answered; 0: none.
    """

    what: str
    first_s: float
    last_old_s: float


@dataclass(frozen=True)
class Outcome:
    """What became of the load.

    Attributes:
        lost: kinds of failures, one for each turn that failed.
        answers: by version, how many output tokens its answers had.
        mixed: streams in which more than one version was named, or that begin or end as the
            answers of another version do. (Whole texts are not compared: where two tokens are
            nearly as likely, a greedy answer depends on what shares its batch.)
    """

    turns: int
    streams: int
    lost: list[str]
    answers: dict[str, set[int]]
    mixed: list[str]
    effects: list[Effect]


@dataclass
class Reader:
    """A user who asks without a pause and looks at every piece of the stream."""

    server: Gateway
    enough: threading.Event = field(default_factory=threading.Event)
    streams: list[tuple[frozenset[str], str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Ask until it is enough."""
        body = {
            "model": AGENT,
            "messages": [{"role": "user", "content": QUESTION}],
            "max_tokens": MAX_TOKENS,
            "stream": True,
        }
        while not self.enough.is_set():
            try:
                with self.server.http.stream("POST", CHAT, json=body) as response:
                    self._read(response)
            except httpx.HTTPError as error:
                self.lost.append(repr(error))

    def _read(self, response: httpx.Response) -> None:
        if response.status_code != 200:
            self.lost.append(f"http_{response.status_code}")
            return
        models, text, ended = set(), "", False
        for line in response.iter_lines():
            payload = line.removeprefix("data:").strip()
            if payload == "[DONE]":
                ended = True
            elif payload:
                event = json.loads(payload)
                if "error" in event:
                    self.lost.append(str(event["error"]))
                    return
                models.add(event["model"])  # as vLLM itself names it
                text += "".join(c["delta"].get("content") or "" for c in event["choices"])
        if not ended:
            self.lost.append("incomplete")
        self.streams.append((frozenset(models), text))


def other_weights(catalog: Path) -> None:
    """Give the catalog's agent the weights of another one, so that its versions differ plainly."""
    folder = catalog / AGENT / "adapter"
    shutil.copyfile(catalog / OTHER / "adapter" / WEIGHTS, folder / WEIGHTS)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["adapter_sha256"] = sha256_of(folder / WEIGHTS)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def change_versions_under_load(server: Gateway, rate: float, seconds: float) -> Outcome:
    """Publish a version, roll it back (the old one must be loaded again), and back and forth.

    Args:
        rate: streamed turns per second of the load generator, at constant distances, beside one
            user who asks without a pause.
        seconds: how long the load lasts; all changes happen meanwhile.
    """
    changes: list[Change] = []

    def change(what: str, path: str, **body: object) -> str:
        asked = time.perf_counter()
        response = server.http.post(f"/admin/agents/{AGENT}/{path}", json=body or None)
        assert response.status_code == 200, response.text
        model = f"{AGENT}@{response.json()['live']}"
        changes.append(Change(what, model, asked))
        return model

    def versions_change() -> None:
        time.sleep(SETTLE_S)
        new = change("publish", "load")
        wait_until(lambda: not _loaded(server) - {new})
        old = change("roll back", "rollback")
        wait_until(lambda: old in _loaded(server))
        time.sleep(SETTLE_S)
        change("activate", "activate", version=int(new.partition("@")[2]))
        time.sleep(SETTLE_S)
        # As a user does in another terminal; what Python takes to start is not counted.
        said = server.cli("rollback", AGENT)
        changes.append(Change("philharmonic rollback", said.split()[0], time.perf_counter()))
        time.sleep(SETTLE_S)

    other_weights(server.catalog)
    reader = Reader(server)
    with _running(reader), Load(server.url, rate, seconds) as load:
        versions_change()
        assert time.perf_counter() < load.begin + seconds, "the load ended before the changes did"
    assert load.run is not None
    return outcome_of(load.run, load.begin, reader, changes)


class Load:
    """The load generator in a thread of its own."""

    def __init__(self, url: str, rate: float, seconds: float) -> None:
        bounds = Bounds(duration_s=seconds)
        self._times = schedule(Arrivals("constant", rate), bounds, seed=0)
        self._target = Target("pinned", url, max_tokens=MAX_TOKENS)
        self._bounds, self._seconds = bounds, seconds
        self._thread = threading.Thread(target=lambda: asyncio.run(self._play()))
        self.begin = 0.0
        self.run: Run | None = None

    def __enter__(self) -> "Load":
        self._thread.start()
        wait_until(lambda: self.begin > 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    async def _play(self) -> None:
        generator = Generator(self._target, self._bounds)
        script = Script("question", (ScriptTurn(QUESTION, AGENT),))

        def note_begin(_: object) -> None:
            self.begin = generator.progress.begin

        self.run = await generator.open_loop(
            [script] * len(self._times), self._times, self._seconds, note_begin
        )


@contextmanager
def _running(reader: Reader) -> Iterator[None]:
    thread = threading.Thread(target=reader.run)
    thread.start()
    try:
        yield
    finally:
        reader.enough.set()
        thread.join()


def _loaded(server: Gateway) -> set[str]:
    return {name for name in server.adapters() if name.startswith(f"{AGENT}@")}


def outcome_of(run: Run, begin: float, reader: Reader, changes: Sequence[Change]) -> Outcome:
    """What a run that began at ``begin`` (`perf_counter`), and a reader, saw of the changes."""
    answered = [record for record in run.records if record.error is None]
    answers: dict[str, set[int]] = {}
    for record in answered:
        answers.setdefault(str(record.model), set()).add(record.tokens)
    ends = [*(each.asked for each in changes[1:]), float("inf")]
    return Outcome(
        turns=len(run.records),
        streams=len(reader.streams),
        lost=[str(r.error) for r in run.records if r.error is not None] + reader.lost,
        answers=answers,
        mixed=mixed(reader.streams),
        effects=[_effect(c, answered, begin, end) for c, end in zip(changes, ends, strict=True)],
    )


def mixed(streams: Sequence[tuple[frozenset[str], str]]) -> list[str]:
    """The streams that hold more than one version, given the models each named, and its text."""
    looks: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for models, text in streams:
        if len(models) == 1:
            for place, look in _PLACES:
                looks[place, look(text)].update(models)

    def is_own(model: str, text: str) -> bool:
        owners = [looks[place, look(text)].most_common(1)[0][0] for place, look in _PLACES]
        return set(owners) == {model}

    return [
        f"{', '.join(sorted(models))}: {text}"
        for models, text in streams
        if len(models) != 1 or not is_own(min(models), text)
    ]


def _effect(change: Change, answered: Sequence[Record], begin: float, end: float) -> Effect:
    """Only turns that began between this change and the next one tell."""
    told = [(begin + record.started_s - change.asked, record.model) for record in answered]
    window = [(at, model) for at, model in told if 0 <= at < end - change.asked]
    new = [at for at, model in window if model == change.model]
    old = [at for at, model in window if model != change.model]
    return Effect(change.what, min(new, default=float("inf")), max(old, default=0.0))
