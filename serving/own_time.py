"""The gateway's own share of a request's time: all of it less what it waited for the engine.

Reported with every answer as ``x-philharmonic-gateway-ms``, from the first line of the endpoint
to the moment the answer (of a stream: its first chunk) is ready to be sent. What our HTTP client
does for a call to the engine counts as waiting, and so does the turn an answer waits for a busy
event loop.
"""

import time
from contextvars import ContextVar

HEADER = "x-philharmonic-gateway-ms"


class _Clock:
    """Requests to the engine run side by side, too; waiting for several is one wait."""

    __slots__ = ("_ended_waits_s", "_since", "_waits", "started")

    def __init__(self, started: float) -> None:
        self.started = started
        self._ended_waits_s = 0.0
        self._waits = 0
        self._since = 0.0

    @property
    def waited(self) -> float:
        """Seconds in which at least one wait was open, a wait that is still open included."""
        open_s = time.perf_counter() - self._since if self._waits else 0.0
        return self._ended_waits_s + open_s

    def begin_wait(self) -> None:
        if not self._waits:
            self._since = time.perf_counter()
        self._waits += 1

    def end_wait(self) -> None:
        self._waits -= 1
        if not self._waits:
            self._ended_waits_s += time.perf_counter() - self._since


# The tasks of a request inherit the variable and so share one clock.
_clock: ContextVar[_Clock | None] = ContextVar("own_time", default=None)


def begin_own_time(started: float) -> None:
    """Start the clock of this request; ``started`` by `time.perf_counter`."""
    _clock.set(_Clock(started))


def own_time_header() -> dict[str, str]:
    """The header for an answer that is ready now; empty for a request without a clock."""
    clock = _clock.get()
    if clock is None:
        return {}
    return {HEADER: f"{1000 * (time.perf_counter() - clock.started - clock.waited):.2f}"}


class EngineWait:
    """A wait for the engine, from now until `end` is first called."""

    __slots__ = ("_clock",)

    def __init__(self) -> None:
        self._clock = _clock.get()
        if self._clock is not None:
            self._clock.begin_wait()

    def end(self) -> None:
        """Take the time since the begin off the request's own."""
        if self._clock is not None:
            self._clock.end_wait()
        self._clock = None
