"""What a connection may take before anybody knows whose it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from serving.gateway.connection import HEAD_BYTES
from tests.unit.running_gateway import CHAT, Running, running_gateway

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


class Connection:
    """One connection, of which each byte is in our hands."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        """Of the next answer, which is read to its end."""
        async with asyncio.timeout(20):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = head.partition("content-length: ")[2].partition("\r\n")[0]
            await self._reader.readexactly(int(length))
        return int(head.split()[1])

    async def closed_after(self, within_s: float = 20) -> float:
        """The seconds until the gateway closes it without a word."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(within_s):
            assert await self._reader.read() == b""
        return loop.time() - began


@asynccontextmanager
async def connected(up: Running) -> AsyncIterator[Connection]:
    host, port = up.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def test_a_head_must_arrive_in_time(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, client_timeout_s=0.3) as up:
        async with connected(up) as silent:
            assert await silent.closed_after() >= 0.2
        async with connected(up) as slow:

            async def dribble() -> None:
                for letter in HEALTH * 1000:
                    await slow.send(bytes([letter]))
                    await asyncio.sleep(0.02)

            dribbling = asyncio.create_task(dribble())
            assert await slow.closed_after() >= 0.2
            dribbling.cancel()
            await asyncio.wait({dribbling})
        async with connected(up) as second:
            await second.send(HEALTH + b"\r\n")
            assert await second.status() == 200
            await second.send(HEALTH)
            assert 0.2 <= await second.closed_after() < 4  # uvicorn's limit for idle ones is 5 s


async def test_idle_between_two_requests_is_not_late(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, client_timeout_s=0.3) as up, connected(up) as one:
        for _ in range(2):
            await one.send(HEALTH + b"\r\n")
            assert await one.status() == 200
            await asyncio.sleep(1)


async def test_an_answer_on_its_way_is_not_cut_by_a_late_head(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, client_timeout_s=0.3) as up, connected(up) as one:
        up.engine.goes_on.clear()
        body = b'{"model": "general", "messages": [{"role": "user", "content": "x"}]}'
        head = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        await one.send(head.encode() + body + b"GET /hea")
        await asyncio.sleep(1)
        up.engine.goes_on.set()
        assert await one.status() == 200
        assert await one.closed_after() < 4


async def test_a_body_that_nobody_reads_must_end(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, client_timeout_s=0.3) as up, connected(up) as one:
        await one.send(
            b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999\r\n\r\n"
        )
        assert await one.status() == 404

        async def dribble() -> None:
            while True:
                await one.send(b"x")
                await asyncio.sleep(0.02)

        dribbling = asyncio.create_task(dribble())
        assert await one.closed_after() >= 0.2
        dribbling.cancel()
        await asyncio.wait({dribbling})


@pytest.mark.parametrize("requests_before", [0, 2])
async def test_a_head_has_a_size(tmp_path: Path, requests_before: int) -> None:
    async with running_gateway(tmp_path) as up, connected(up) as one:
        for _ in range(requests_before):
            fits = HEALTH + b"x: " + b"x" * (HEAD_BYTES - len(HEALTH) - 7) + b"\r\n\r\n"
            assert len(fits) == HEAD_BYTES
            await one.send(fits)
            assert await one.status() == 200
        await one.send(HEALTH)
        for _ in range(HEAD_BYTES // 8192 + 1):
            await one.send(b"x: " + b"x" * 8187 + b"\r\n")
        assert await one.status() == 431


@pytest.mark.parametrize("head", [b"GET /" + b"x" * HEAD_BYTES, b"\r\n" * HEAD_BYTES])
async def test_whatever_the_head_is_made_of(tmp_path: Path, head: bytes) -> None:
    async with running_gateway(tmp_path) as up, connected(up) as one:
        await one.send(head)
        assert await one.status() == 431


async def test_a_large_body_is_no_large_head(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        for _ in range(2):
            assert (await up.chat("x" * 5 * HEAD_BYTES)).status_code == 200


async def test_so_many_connections_and_no_more(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_connections=2) as up:
        async with connected(up) as first, connected(up), connected(up) as third:
            assert await third.status() == 503
            assert await third.closed_after() < 5
            await first.send(HEALTH + b"\r\n")
            assert await first.status() == 200
        async with asyncio.timeout(20):
            while not await is_let_in(up):
                await asyncio.sleep(0.05)


async def is_let_in(up: Running) -> bool:
    """Whether there is room for a connection (one that is refused may be reset)."""
    try:
        return (await up.http.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False
