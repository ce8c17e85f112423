"""HTTP/1.1 keep-alive connections, light enough not to be what is measured.

asyncio's protocols with httptools (the parser uvicorn uses): about a quarter of the CPU of a
client library, and the moment of each piece of an answer is taken where it is read.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol, cast
from urllib.parse import urlsplit

import httptools

from agents.errors import ConfigError

# Below the 5 s after which uvicorn closes: a connection just being closed must not be used.
_KEEPALIVE_S = 3.0


class Sink(Protocol):
    """Takes an answer as it arrives; ``now`` is `time.perf_counter`."""

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers (names in lower case)."""

    def body(self, data: bytes, now: float) -> None:
        """A piece of the body."""


class TransportError(Exception):
    """A request that got no whole answer; ``kind`` is what reports count it under."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Connections:
    """Connections to one server, kept while they are idle; any number may be open at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"--url {url!r}: give http://HOST:PORT, without a path of the API")
        self._host = parts.hostname
        self._tls = parts.scheme == "https"
        try:
            self._port = parts.port or (443 if self._tls else 80)
        except ValueError as error:
            raise ConfigError(f"--url {url!r}: {error}") from None
        self._netloc = parts.netloc.rpartition("@")[2]
        self.prefix = parts.path.rstrip("/").removesuffix("/v1")
        self._idle: list[_Connection] = []
        self.opened = 0

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> bytes:
        """The bytes of one request to ``path`` below the server's address."""
        return self.head(method, path, headers) + b"%d\r\n\r\n%b" % (len(body), body)

    def head(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        """A request up to the value of content-length, which comes last."""
        lines = [
            f"{method} {self.prefix}{path} HTTP/1.1",
            f"host: {self._netloc}",
            *(f"{name}: {value}" for name, value in headers.items()),
            "content-length: ",
        ]
        return "\r\n".join(lines).encode()

    async def ask(self, request: bytes, sink: Sink, timeout_s: float) -> None:
        """Send a request and feed its answer to ``sink`` until it is whole.

        Raises:
            TransportError: kind ``connect``, ``timeout``, ``disconnected`` or ``malformed``.
        """
        try:
            async with asyncio.timeout(timeout_s):
                connection = self._kept() or await self._open()
                try:
                    await connection.exchange(request, sink)
                except BaseException:
                    connection.close()
                    raise
        except TimeoutError:
            raise TransportError("timeout", f"no whole answer within {timeout_s:g} s") from None
        if connection.is_reusable:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Hang up every idle connection."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _kept(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable and time.perf_counter() - connection.used < _KEEPALIVE_S:
                return connection
            connection.close()
        return None

    async def _open(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                _Connection, self._host, self._port, ssl=self._tls or None
            )
        except OSError as error:
            raise TransportError("connect", f"{self._host}:{self._port}: {error}") from None
        self.opened += 1
        return connection


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._whole: asyncio.Future[None] | None = None
        self._closed = False
        self._ends_with_the_connection = False
        self.is_reusable = False
        self.used = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def exchange(self, request: bytes, sink: Sink) -> None:
        """One request and its answer."""
        self._whole = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._sink = sink
        self._headers: dict[str, str] = {}
        self.is_reusable = False
        if self._closed:
            raise TransportError("disconnected", "the server hung up")
        self._transport.write(request)
        await self._whole

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self.used = time.perf_counter()
        if self._whole is None or self._whole.done():
            self.is_reusable = False  # it speaks unasked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail("malformed", f"not HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self.is_reusable = False
        if self._ends_with_the_connection and exc is None:
            self._finish()
        else:
            self._fail("disconnected", f"the server hung up before it had answered ({exc})")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        headers = self._headers
        self._ends_with_the_connection = not (
            "content-length" in headers or "transfer-encoding" in headers
        )
        self._sink.head(self._parser.get_status_code(), headers)

    def on_body(self, data: bytes) -> None:
        self._sink.body(data, self.used)

    def on_message_complete(self) -> None:
        self.is_reusable = self._parser.should_keep_alive() and not self._closed
        self._finish()

    def _finish(self) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_result(None)

    def _fail(self, kind: str, message: str) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(TransportError(kind, message))
