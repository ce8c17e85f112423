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
    __slots__ = ("started", "waited")

    def __init__(self, started: float) -> None:
        self.started = started
        self.waited = 0.0


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

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: float | None = time.perf_counter()

    def end(self) -> None:
        """Take the time since the begin off the request's own."""
        clock = _clock.get()
        if clock is not None and self._since is not None:
            clock.waited += time.perf_counter() - self._since
        self._since = None
