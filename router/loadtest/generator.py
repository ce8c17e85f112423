"""The load itself: arrivals that wait for nobody (open loop), or users who do (closed loop)."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from router.loadtest.answer import Answer
from router.loadtest.config import Bounds
from router.loadtest.connection import Connections, TransportError
from router.loadtest.monitor import Page, QueueSample, QueueWatch, watch_loop
from router.loadtest.pacer import Pacer
from router.loadtest.record import Record
from router.loadtest.schedule import Times
from router.loadtest.target import Dialogue, Target
from router.loadtest.workload import Script, ScriptTurn

_LEAD_S = 0.05
_STOP_CHECK_S = 0.25
_DELETE_TIMEOUT_S = 10.0
_DELETERS = 8


@dataclass
class Progress:
    """What a run has done so far; the live display and the early stop look at it.

    Attributes:
        in_flight: intended start of each turn that is being answered, by an id of its own,
            in seconds after the run's begin.
    """

    planned: int
    begin: float = 0.0
    arrived: int = 0
    records: list[Record] = field(default_factory=list)
    in_flight: dict[int, float] = field(default_factory=dict)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run's begin."""
        return max(0.0, time.perf_counter() - self.begin) if self.begin else 0.0


Stop = Callable[[Progress], str | None]
"""Asked several times a second; a reason ends the run early."""


@dataclass(frozen=True)
class Run:
    """What a run gave.

    Attributes:
        arrived: conversations or single turns that were begun, of those ``planned``.
        skipped_turns: turns that were never sent because an earlier one of theirs failed.
        window_s: from the begin to the end of arrivals; ``duration_s`` to the last answer.
        cut_short: why it ended before its plan did, if it did.
        loop_lags_s: how late the generator's event loop was for its own heartbeats.
    """

    records: list[Record]
    planned: int
    arrived: int
    skipped_turns: int
    window_s: float
    duration_s: float
    cut_short: str | None
    loop_lags_s: list[float]
    queue: list[QueueSample]
    connections: int


class Generator:
    """Plays scripts against a target; one object for one run."""

    def __init__(self, target: Target, bounds: Bounds, queue: QueueWatch | None = None) -> None:
        self._target = target
        self._bounds = bounds
        self._queue = queue
        self._server = Connections(target.url)
        self._head = self._server.head("POST", target.path, target.headers)
        self._tasks: set[asyncio.Task[None]] = set()
        self._conversations: list[str] = []
        self._skipped = 0
        self._next_id = 0
        self._cut_short: str | None = None
        self.progress = Progress(0)

    async def open_loop(
        self, scripts: Sequence[Script], times: Times, window_s: float, stop: Stop
    ) -> Run:
        """Begin ``scripts[i]`` at ``times[i]``, whatever the server does."""
        self.progress.planned = len(times)

        async def arrivals(begin: float) -> None:
            def arrive(number: int) -> None:
                self.progress.arrived += 1
                self._spawn(self._play(number, scripts[number], begin + times[number]))

            pacer = Pacer(times, begin, arrive)
            pacer.start()
            try:
                await pacer.done.wait()
            finally:
                pacer.stop()

        return await self._run(arrivals, window_s, stop)

    async def closed_loop(self, scripts: Sequence[Script], concurrency: int, stop: Stop) -> Run:
        """Keep ``concurrency`` users busy: each begins a script when its last one is over."""
        self.progress.planned = len(scripts)
        waiting = iter(enumerate(scripts))

        async def user(begin: float) -> None:
            for number, script in waiting:
                if time.perf_counter() - begin >= self._bounds.duration_s:
                    return
                self.progress.arrived += 1
                await self._play(number, script, time.perf_counter())

        async def arrivals(begin: float) -> None:
            users = [self._spawn(user(begin)) for _ in range(concurrency)]
            remaining = begin + self._bounds.duration_s - time.perf_counter()
            await asyncio.wait(users, timeout=remaining)

        return await self._run(arrivals, None, stop)

    async def _run(
        self, arrivals: Callable[[float], Awaitable[None]], window_s: float | None, stop: Stop
    ) -> Run:
        progress = self.progress
        lags_s: list[float] = []
        with _without_garbage_collection():
            begin = progress.begin = time.perf_counter() + _LEAD_S
            watches = [asyncio.create_task(watch_loop(lags_s))]
            if self._queue is not None:
                watches.append(asyncio.create_task(self._queue.run(begin)))
            window_end = await self._until_answered(arrivals, begin, stop)
            ended = time.perf_counter()
            await _cancelled(watches)
        await self._forget_conversations()
        self._server.close()
        return Run(
            records=sorted(progress.records, key=lambda record: record.intended_s),
            planned=progress.planned,
            arrived=progress.arrived,
            skipped_turns=self._skipped,
            window_s=window_s if window_s and not self._cut_short else window_end - begin,
            duration_s=ended - begin,
            cut_short=self._cut_short,
            loop_lags_s=lags_s,
            queue=self._queue.samples if self._queue else [],
            connections=self._server.opened,
        )

    async def _until_answered(
        self, arrivals: Callable[[float], Awaitable[None]], begin: float, stop: Stop
    ) -> float:
        """Let everything arrive and be answered; the moment when arrivals ended."""
        work = asyncio.create_task(self._arrive_and_drain(arrivals, begin))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=_STOP_CHECK_S)
                if not work.done() and (reason := stop(self.progress)) is not None:
                    self._cut_short = reason
                    break
        finally:
            ended = time.perf_counter()
            await _cancelled([work])
            await _cancelled(self._tasks)
        return ended if self._cut_short else work.result()

    async def _arrive_and_drain(
        self, arrivals: Callable[[float], Awaitable[None]], begin: float
    ) -> float:
        await arrivals(begin)
        ended = time.perf_counter()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=self._bounds.timeout_s)
        return ended

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a fault of the generator", "exception": error, "task": task}
            )
            self._cut_short = f"a fault of the generator: {error!r}"

    async def _play(self, number: int, script: Script, intended: float) -> None:
        """A script from its first turn to its last, or to the first that fails."""
        dialogue = Dialogue(self._target, script)
        try:
            for position, turn in enumerate(script.turns):
                since = intended - self.progress.begin
                record = Record(number, script.id, position, turn.agent, since)
                try:
                    await self._ask(dialogue, turn, record)
                finally:
                    self.progress.records.append(record)
                    self._skipped += len(script.turns) - position - 1 if record.error else 0
                if record.error is not None:
                    break
                intended = record.ended_s + self.progress.begin
        finally:
            if dialogue.stored_id is not None:
                self._conversations.append(dialogue.stored_id)

    async def _ask(self, dialogue: Dialogue, turn: ScriptTurn, record: Record) -> None:
        """One turn; whatever becomes of it ends up in the record."""
        begin, in_flight = self.progress.begin, self.progress.in_flight
        self._next_id += 1
        request_id, answer = self._next_id, Answer()
        in_flight[request_id] = record.intended_s
        body = dialogue.body(turn)
        record.started_s = time.perf_counter() - begin
        try:
            request = self._head + b"%d\r\n\r\n%b" % (len(body), body)
            await self._server.ask(request, answer, self._bounds.timeout_s)
            answer.finish(self._target.streams)
            record.error, record.message = answer.fault or (None, "")
        except TransportError as error:
            record.error, record.message = error.kind, str(error)
        except asyncio.CancelledError:
            record.error, record.message = "unfinished", "the run ended before the answer did"
            raise
        finally:
            del in_flight[request_id]
            record.ended_s = time.perf_counter() - begin
            _note(record, answer, begin)
        dialogue.heard(turn, answer)

    async def _forget_conversations(self) -> None:
        """Delete what the run has stored on the gateway, as far as it lets us."""
        waiting = iter(self._conversations)

        async def delete() -> None:
            for conversation in waiting:
                path = f"/v1/conversations/{conversation}"
                request = self._server.request("DELETE", path, self._target.headers)
                with suppress(TransportError):
                    await self._server.ask(request, Page(), _DELETE_TIMEOUT_S)

        await asyncio.gather(*(delete() for _ in range(_DELETERS)))


def _note(record: Record, answer: Answer, begin: float) -> None:
    """Copy from the answer what the record keeps."""
    record.stamps = [at - begin for at in answer.stamps]
    record.first_s = record.stamps[0] if record.stamps else None
    record.last_s = answer.last_s - begin if answer.last_s else record.ended_s
    about = answer.about or {}
    record.agent = about.get("agent")
    record.model = about.get("model") or answer.model
    record.stage = about.get("stage")
    record.confidence = about.get("confidence")
    record.route_ms = about.get("route_ms", about.get("milliseconds"))
    own = answer.headers.get("x-philharmonic-gateway-ms")
    record.gateway_ms = float(own) if own else None
    usage = answer.usage or {}
    record.input_tokens = usage.get("prompt_tokens")
    record.output_tokens = usage.get("completion_tokens")


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """A collection over a hundred thousand records would stop the clock for all of them."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
