"""A real HTTP server with the endpoints of vLLM that the gateway uses."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from serving.engine.client import BASE_MODEL


@dataclass
class ToyEngine:
    """Has adapters by name and path; answers chats in words, and every label read alike.

    Attributes:
        refuses: adapters it does not load, with vLLM's status for it.
        first_s: from a request to the first word of its answer, or to a whole one.
        gap_s: from one word of a stream to the next.
        words: of an answer, each of them ``word``.
        goes_on: answers wait while it is clear.
        is_broken: whether it answers every chat and label read with 500.
        root, max_model_len, max_loras: what it says of its base and of how it was started.
        breaks_after: words after which it drops the connection of a stream.
        working: answers it is busy with; ``most`` of them at once so far.
        chats: the bodies of all chats; ``sent`` the words of all streams.
        reads: how many label reads it was asked for.
        headers: those of the last chat.
    """

    refuses: dict[str, int] = field(default_factory=dict)
    adapters: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    first_s: float = 0.0
    gap_s: float = 0.0
    words: int = 3
    word: str = "word"
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    breaks_after: int | None = None
    is_broken: bool = False
    root: str = "/models/default-b179c9523d0e"
    max_model_len: int = 8192
    max_loras: int = 8
    working: int = 0
    most: int = 0
    chats: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    reads: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self.goes_on.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Listen, the second time on the same port and empty, as a restarted engine would."""
        self.adapters = {}
        app = web.Application(client_max_size=2**24)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/load_lora_adapter", self._load)
        app.router.add_post("/v1/unload_lora_adapter", self._unload)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/completions", self._label_read)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _models(self, _: web.Request) -> web.Response:
        adapters = [{"id": name, "parent": BASE_MODEL} for name in self.adapters]
        base: dict[str, Any] = {"id": BASE_MODEL, "parent": None, "root": self.root}
        base["max_model_len"] = self.max_model_len
        return web.json_response({"data": [base, *adapters]})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _metrics(self, _: web.Request) -> web.Response:
        line = f'vllm:lora_requests_info{{max_lora="{self.max_loras}",running_lora_adapters=""}} 1'
        return web.Response(text=f"{line}\n")

    async def _load(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        name = body["lora_name"]
        self.calls.append(f"load {name}")
        own_name = name.rpartition(":")[2]
        if own_name in self.refuses:
            return _error(self.refuses[own_name], f"cannot load {own_name}")
        if name in self.adapters:
            return _error(400, f"{name} has already been loaded")
        self.adapters[name] = body["lora_path"]
        return web.Response(text="Success")

    async def _unload(self, request: web.Request) -> web.Response:
        name = (await request.json())["lora_name"]
        self.calls.append(f"unload {name}")
        if self.adapters.pop(name, None) is None:
            return _error(404, f"{name} cannot be found")
        return web.Response(text="Success")

    async def _label_read(self, _: web.Request) -> web.Response:
        self.reads += 1
        if self.is_broken:
            return _error(500, "out of order")
        return web.json_response({"choices": [{"logprobs": {"top_logprobs": [{}]}}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        if body["model"] not in {BASE_MODEL, *self.adapters}:
            return _error(404, f"The model {body['model']} does not exist")
        self.chats.append(body)
        if self.is_broken:
            return _error(500, "out of order")
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self.working += 1
        self.most = max(self.most, self.working)
        try:
            await asyncio.sleep(self.first_s)
            await self.goes_on.wait()
            return await (self._stream(request) if body.get("stream") else self._whole())
        finally:
            self.working -= 1

    async def _whole(self) -> web.Response:
        message = {"role": "assistant", "content": " ".join([self.word] * self.words)}
        return web.json_response({"choices": [{"message": message}], "usage": self._usage()})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for number in range(self.words):
            if number == self.breaks_after:
                assert request.transport is not None
                request.transport.abort()
                return response
            if number:
                await asyncio.sleep(self.gap_s)
            delta = {"content": f"{self.word} "}
            await _event(response, {"choices": [{"index": 0, "delta": delta}]})
            self.sent += 1
        await _event(response, {"choices": [], "usage": self._usage()})
        await response.write(b"data: [DONE]\n\n")
        return response

    def _usage(self) -> dict[str, int]:
        return {"prompt_tokens": 7, "completion_tokens": self.words}


async def _event(response: web.StreamResponse, document: dict[str, Any]) -> None:
    await response.write(b"data: " + json.dumps(document).encode() + b"\n\n")


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": status}}, status=status)
