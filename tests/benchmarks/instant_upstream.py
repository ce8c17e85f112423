"""An OpenAI-compatible server that answers at once, so that what is measured is the way to it.

    python -m tests.benchmarks.instant_upstream --port 9000

Every completion is the same 64 words; streamed, they come in 16 pieces, each written on its own
turn of the event loop, as an engine's tokens are. Adapters are loaded and unloaded by name as on
vLLM. uvloop and httptools without a framework: about 40 microseconds of CPU an answer.

With `--first-ms` and `--gap-ms` the pieces of a stream come at those distances instead, each by
its own deadline, so that what a load generator should measure is known beforehand.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import httptools
import uvloop

from serving.engine.client import BASE_MODEL

WORDS = tuple(f"word{number}" for number in range(64))
TEXT = " ".join(WORDS)
WORDS_PER_PIECE = 4
# The timers of event loops are a millisecond coarse: the last of each delay is waited for awake.
TIMER_S = 0.002
PIECES = len(WORDS) // WORDS_PER_PIECE
CREATED = 1_700_000_000
USAGE = {"prompt_tokens": 16, "completion_tokens": 64, "total_tokens": 80}

Json = dict[str, Any]


def response(status: int, body: str, content_type: str = "application/json") -> bytes:
    """A whole HTTP/1.1 response."""
    payload = body.encode()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\n"
        f"content-type: {content_type}\r\ncontent-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def error(status: int, message: str) -> bytes:
    """An error in the shape vLLM gives it."""
    return response(status, json.dumps({"error": {"message": message, "code": status}}))


DECISION = response(
    200, json.dumps({"agent": BASE_MODEL, "stage": "fast", "confidence": 1.0, "milliseconds": 0.1})
)


@lru_cache(maxsize=64)
def completion(model: str) -> bytes:
    """The answer of `model`, whole."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": TEXT},
        "finish_reason": "stop",
    }
    body = {"id": "chatcmpl-0", "object": "chat.completion", "created": CREATED, "model": model}
    return response(200, json.dumps({**body, "choices": [choice], "usage": USAGE}))


@lru_cache(maxsize=64)
def stream(model: str, include_usage: bool) -> tuple[bytes, ...]:
    """The answer of `model` as chunks of a chunked response; the first one carries the head."""
    events = [*_deltas(model), *([_chunk(model, [], usage=USAGE)] if include_usage else [])]
    lines = [*map(json.dumps, events), "[DONE]"]
    chunks = [f"data: {line}\n\n".encode() for line in lines]
    framed = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    fields = b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    head = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n"
    return (head + framed[0], *framed[1:-1], framed[-1] + b"0\r\n\r\n")


def _deltas(model: str) -> Iterator[Json]:
    yield _chunk(model, [_choice({"role": "assistant", "content": ""})])
    for start in range(0, len(WORDS), WORDS_PER_PIECE):
        piece = " ".join(WORDS[start : start + WORDS_PER_PIECE])
        yield _chunk(model, [_choice({"content": piece if start == 0 else " " + piece})])
    yield _chunk(model, [_choice({}, finish_reason="stop")])


def _choice(delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def _chunk(model: str, choices: list[Json], **more: Any) -> Json:
    body = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": CREATED}
    return {**body, "model": model, "choices": choices, **more}


@dataclass(frozen=True)
class Delays:
    """When the pieces of a stream come, in seconds: the first after the request, then the gaps."""

    first_s: float = 0.0
    gap_s: float = 0.0


class Adapters:
    """The models on offer: the base and what has been loaded, name to path."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}

    def load(self, body: Json) -> bytes:
        """``POST /v1/load_lora_adapter``"""
        name = body["lora_name"]
        if name in self._paths and not body.get("load_inplace"):
            return error(400, f"The lora adapter '{name}' has already been loaded.")
        self._paths[name] = body["lora_path"]
        return response(200, f"Success: LoRA adapter '{name}' added successfully.", "text/plain")

    def unload(self, body: Json) -> bytes:
        """``POST /v1/unload_lora_adapter``"""
        name = body["lora_name"]
        if self._paths.pop(name, None) is None:
            return error(404, f"The lora adapter '{name}' cannot be found.")
        return response(200, f"Success: LoRA adapter '{name}' removed successfully.", "text/plain")

    def cards(self) -> bytes:
        """``GET /v1/models``"""
        common = {"object": "model", "created": CREATED, "owned_by": "vllm"}
        base = {**common, "id": BASE_MODEL, "root": BASE_MODEL, "parent": None}
        loaded = [
            {**common, "id": name, "root": path, "parent": BASE_MODEL}
            for name, path in self._paths.items()
        ]
        return response(200, json.dumps({"object": "list", "data": [base, *loaded]}))


class Upstream(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, adapters: Adapters, delays: Delays) -> None:
        self._delays = delays
        self._parser = httptools.HttpRequestParser(self)
        self._streams: set[asyncio.Task[None]] = set()
        self._get: dict[str, Callable[[], bytes]] = {
            "/health": lambda: response(200, "", "text/plain"),
            "/version": lambda: response(200, '{"version": "0.0.0"}'),
            "/v1/models": adapters.cards,
        }
        self._post: dict[str, Callable[[Json], bytes]] = {
            "/v1/load_lora_adapter": adapters.load,
            "/v1/unload_lora_adapter": adapters.unload,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._streams:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path = url.decode().partition("?")[0]

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body = json.loads(self._body) if self._body else {}
        if self._path == "/v1/chat/completions":
            self._complete(body)
        elif self._path == "/v1/route":
            self._transport.write(DECISION)
        elif self._parser.get_method() == b"GET" and self._path in self._get:
            self._transport.write(self._get[self._path]())
        elif self._path in self._post:
            self._transport.write(self._post[self._path](body))
        else:
            self._transport.write(error(404, f"{self._path}: not found"))

    def _complete(self, body: Json) -> None:
        if not body.get("stream"):
            self._transport.write(completion(body["model"]))
            return
        options = body.get("stream_options") or {}
        chunks = stream(body["model"], bool(options.get("include_usage")))
        task = asyncio.get_running_loop().create_task(self._send(chunks))
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)

    async def _send(self, chunks: tuple[bytes, ...]) -> None:
        begun = time.perf_counter()
        for number, chunk in enumerate(chunks):
            # The role and the first words come together, and so do the last words and the end.
            gaps = min(max(number - 1, 0), PIECES - 1)
            due = begun + self._delays.first_s + gaps * self._delays.gap_s
            await asyncio.sleep(max(0.0, due - time.perf_counter() - TIMER_S))
            while time.perf_counter() < due:
                await asyncio.sleep(0)
            self._transport.write(chunk)


async def serve(port: int, delays: Delays) -> None:
    """Answer on loopback until cancelled."""
    adapters = Adapters()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(adapters, delays), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, required=True, help="port to listen on, on loopback")
    parser.add_argument(
        "--first-ms", type=float, default=0.0, help="time to a stream's first words"
    )
    parser.add_argument("--gap-ms", type=float, default=0.0, help="time between its pieces")
    options = parser.parse_args()
    delays = Delays(options.first_ms / 1000, options.gap_ms / 1000)
    uvloop.run(serve(options.port, delays))


if __name__ == "__main__":
    main()
