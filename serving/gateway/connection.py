"""What a connection may take before a request is read: heads of a size and a time, and how many.

No key can be asked for before a request's head is whole, and uvicorn gives every client for ever
to finish it, and memory for as much as it sends.
"""

import asyncio
import logging
import resource
import sys
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from agents.settings import Settings
from serving.gateway.errors import ApiError, response_for

logger = logging.getLogger(__name__)

#: Largest head of a request: its line and its headers.
HEAD_BYTES = 65_536
# Connections are closed all the time; how soon one is free is anybody's guess.
_RETRY_AFTER_S = 1.0


def bounded_protocol(settings: Settings) -> type[HttpToolsProtocol]:
    """uvicorn's protocol with the limits of ``settings``, as its ``http`` option takes it."""

    class Bounded(_BoundedProtocol):
        patience_s = settings.client_timeout_s
        most_open = settings.max_connections or _half_of_the_files()

    return Bounded


def _half_of_the_files() -> int:
    """One for the client and one for the engine; what is left over is for our own files."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if most == resource.RLIM_INFINITY else max(1, most // 2)


class _BoundedProtocol(HttpToolsProtocol):
    """Closes what is beyond a limit, with an answer where one can still be given.

    A connection that is idle between two requests is left to uvicorn's own time limit.

    Attributes:
        patience_s: how long a head may take, and the rest of a body whose request was answered.
        most_open: connections; one more is refused (503).
    """

    patience_s: float
    most_open: int

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._room = HEAD_BYTES
        self._is_in_body = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request, not for ever; or refuse a connection too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most_open:
            message = "More connections are open than this gateway takes; try again in a moment."
            self._refuse(ApiError(503, message, "too_many_connections", None, _RETRY_AFTER_S))
        else:
            self._hurry()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._relax()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what there is room for; a head that needs more is refused (431)."""
        while data and not self.transport.is_closing():
            if not self._is_in_body or self._is_answered:
                self._hurry()
            if self._is_in_body:
                part, data = data, b""
            else:
                part, data = data[: self._room], data[self._room :]
                self._room -= len(part)
            super().data_received(part)
            if not self._room and not self._is_in_body:
                message = f"The request's line and headers are larger than {HEAD_BYTES} bytes."
                self._refuse(ApiError(431, message, "headers_too_large"))

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        super().on_message_begin()
        self._hurry()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._relax()
        self._is_in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is, too; a head may follow."""
        self._relax()
        self._is_in_body, self._room = False, HEAD_BYTES
        super().on_message_complete()

    @property
    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _hurry(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.patience_s, self._expired)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expired(self) -> None:
        self._deadline = None
        if self._is_answered:
            self.transport.close()
        else:  # the next head is late, but an answer is still on its way
            self._hurry()

    def _refuse(self, error: ApiError) -> None:
        logger.info("closed a connection: %s", error)
        if self._is_answered:
            response = response_for(error)
            headers = [*response.raw_headers, (b"connection", b"close")]
            lines = [b"%s: %s\r\n" % header for header in headers]
            head = [STATUS_LINE[error.status], *lines, b"\r\n"]
            self.transport.write(b"".join([*head, bytes(response.body)]))
        self.transport.close()
