"""A load generator light enough not to be what it measures: HTTP/1.1 keep-alive on raw asyncio."""

import asyncio
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

ANSWER_TIMEOUT_S = 30.0
DONE = b"data: [DONE]"


@dataclass(frozen=True)
class Answer:
    """One answer: its body and when it came, in seconds after the request was written."""

    status: int
    body: bytes
    first_s: float
    total_s: float


@dataclass(frozen=True)
class Load:
    """What one spell of load gave: every answer's timing, and how long the spell took."""

    first_s: list[float]
    total_s: list[float]
    elapsed_s: float

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.total_s) / self.elapsed_s

    def first_ms(self, percent: int) -> float:
        """Percentile of the time to the first byte of the body, in milliseconds."""
        return percentile(self.first_s, percent) * 1000

    def total_ms(self, percent: int) -> float:
        """Percentile of the time to the last byte, in milliseconds."""
        return percentile(self.total_s, percent) * 1000


def percentile(values: list[float], percent: int) -> float:
    """The value that `percent` of `values` stay below (a single value is its own percentile)."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def chat_request(url: str, headers: Mapping[str, str], body: Mapping[str, object]) -> bytes:
    """The bytes of one ``POST /v1/chat/completions``."""
    payload = json.dumps(body).encode()
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        f"host: {urlsplit(url).netloc}",
        "content-type: application/json",
        f"content-length: {len(payload)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes) -> Answer:
        """Send the request, wait for the whole answer.

        Raises:
            RuntimeError: it took longer than 30 s.
            ConnectionError: the server hung up before it had answered.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._first_s = 0.0
        self._start = time.perf_counter()
        self._transport.write(request)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self._answer
        except TimeoutError:
            raise RuntimeError(f"{self._url}: no answer within {ANSWER_TIMEOUT_S:.0f} s") from None

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            error = ConnectionError(f"{self._url}: hung up before it had answered")
            self._answer.set_exception(error)

    def on_body(self, body: bytes) -> None:
        if not self._body:
            self._first_s = time.perf_counter() - self._start
        self._body.append(body)

    def on_message_complete(self) -> None:
        assert self._answer is not None
        total = time.perf_counter() - self._start
        status = self._parser.get_status_code()
        if not self._answer.done():
            self._answer.set_result(Answer(status, b"".join(self._body), self._first_s, total))


async def connect(url: str) -> Connection:
    """Open a connection to the server at the root of `url`."""
    host, _, port = urlsplit(url).netloc.partition(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(url), host, int(port))
    return connection


async def put_under_load(
    url: str, request: bytes, connections: int, seconds: float, streaming: bool
) -> Load:
    """Ask over and over on so many connections at once, each one request after the other.

    After `seconds` nothing new is asked; what is under way is waited for and counted, and so is
    its time, so that slow servers lose nothing at the edge.

    Raises:
        RuntimeError: an answer was not 200, or a stream did not end as one should.
    """
    opened = await asyncio.gather(*(connect(url) for _ in range(connections)))
    first_s: list[float] = []
    total_s: list[float] = []
    start = time.perf_counter()

    async def worker(connection: Connection) -> None:
        while time.perf_counter() - start < seconds:
            answer = await connection.ask(request)
            if answer.status != 200 or (streaming and DONE not in answer.body[-64:]):
                raise RuntimeError(f"{url}: {answer.status} {answer.body[-300:]!r}")
            first_s.append(answer.first_s)
            total_s.append(answer.total_s)

    try:
        await asyncio.gather(*(worker(connection) for connection in opened))
    finally:
        for connection in opened:
            connection.close()
    return Load(first_s, total_s, time.perf_counter() - start)
