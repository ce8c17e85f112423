"""A TCP proxy between clients and gateway whose connections can be cut."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65536
#: A socket that lingers for no time is reset, not closed: what was on its way is lost.
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes bytes to a port of loopback and back, until it is told to cut them off."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Listen on a free port for the length of the block."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.reset_all()

    def reset_all(self) -> int:
        """Cut every connection, on both of its sides; how many clients had one."""
        writers, self._open = self._open, set()
        for writer in writers:
            _reset(writer)
        return len(writers) // 2

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            _reset(writer)  # nobody listens there: as near to a refusal as a proxy can come
            return
        both = {writer, there}
        self._open |= both
        await asyncio.gather(_pass(reader, there), _pass(there_reader, writer))
        self._open -= both


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, until its end; a connection that breaks on one side breaks on the other."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:
        _reset(writer)
    else:
        with suppress(OSError):
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    found = writer.get_extra_info("socket")
    with suppress(OSError):  # it is closed already
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
