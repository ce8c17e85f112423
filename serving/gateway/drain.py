"""Stopping without cutting anybody off: no new work, and time for what has begun."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.gateway.errors import ApiError, response_for

#: What watches us is answered to the end.
_WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})
# Whoever asks again should find the successor, not us.
_RETRY_AFTER_S = 10.0


class Drain:
    """Counts the requests that are under way; once `finish` was called no others come in."""

    def __init__(self) -> None:
        self.begun = False
        self.active = 0
        self._is_over = False
        self._waits: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self) -> None:
        """A request comes in."""
        self.active += 1
        self._idle.clear()

    def leave(self) -> None:
        """It was answered, or its client is gone."""
        self.active -= 1
        if not self.active:
            self._idle.set()

    async def finish(self, within_s: float) -> None:
        """Let nothing new in and wait until everything is answered, or the time is up."""
        self.begun = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), within_s)

    def cut(self) -> None:
        """The time is up: end every `until_cut` block that is left."""
        self._is_over = True
        for wait in self._waits:
            _end(wait)

    @asynccontextmanager
    async def until_cut(self) -> AsyncIterator[None]:
        """Cancel the block when the time to drain is up.

        Raises:
            ApiError: it was cancelled so.
        """
        try:
            async with asyncio.timeout(None) as wait:
                if self._is_over:
                    _end(wait)
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.remove(wait)
        except TimeoutError:
            if not wait.expired():
                raise
            message = "The gateway stopped before the answer was complete; ask again."
            raise _stopping(message) from None


def _end(wait: asyncio.Timeout) -> None:
    if not wait.expired():
        wait.reschedule(asyncio.get_running_loop().time())


def _stopping(message: str) -> ApiError:
    return ApiError(503, message, "stopping", retry_after_s=_RETRY_AFTER_S)


class DrainMiddleware:
    """Refuses new requests while the gateway drains (503, with a time to come back)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the call, or refuse it."""
        if scope["type"] != "http" or scope["path"] in _WATCHED:
            await self._app(scope, receive, send)
            return
        drain: Drain = scope["app"].state.gateway.drain
        if drain.begun:
            response = response_for(
                _stopping("The gateway is stopping; ask again in a few seconds.")
            )
            response.headers["connection"] = "close"
            await response(scope, receive, send)
            return
        drain.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            drain.leave()
