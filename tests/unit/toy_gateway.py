"""A real HTTP server with the endpoints of the gateway that load tests use, in its own thread.

What it answers and how long it takes is given beforehand, so that reports can be checked.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

AGENTS = ("cron", "general", "home", "sql", "triage")

Json = dict[str, Any]


@dataclass
class ToyGateway:
    """Answers each turn with ``words`` in a stream; routes by the first word of the message.

    Attributes:
        key: the API key it asks for.
        misroutes: messages that go to ``general`` although they name another agent.
        status: of every answer; or one after the other, by a function of the request's number.
        stall: (from, to) in seconds after the first request: answers wait for its end.
        at_once: how many turns it works on at a time; others queue.
        ends: how a stream ends: ``done``, with an ``error`` event, ``cut`` off, or ``silent``.
    """

    key: str | None = None
    first_s: float = 0.0
    gap_s: float = 0.0
    words: int = 4
    misroutes: frozenset[str] = frozenset()
    status: Callable[[int], int] = lambda number: 200
    stall: tuple[float, float] | None = None
    at_once: int = 1000
    ends: str = "done"
    port: int = 0
    bodies: list[Json] = field(default_factory=list)
    stored: dict[str, int] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    live: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(AGENTS, True))
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def serving(self) -> Iterator["ToyGateway"]:
        """Serve from a thread until the block is left."""
        loop, ready = asyncio.new_event_loop(), threading.Event()
        stopping = asyncio.Event()

        async def run() -> None:
            self._slots = asyncio.Semaphore(self.at_once)
            runner = web.AppRunner(self._app(), shutdown_timeout=0.1, handler_cancellation=True)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
            self.port = runner.addresses[0][1]
            ready.set()
            await stopping.wait()
            await runner.cleanup()

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
        thread.start()
        assert ready.wait(30)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stopping.set)
            thread.join()
            loop.close()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._checked])
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_post("/v1/route", self._route)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_delete("/v1/conversations/{id}", self._delete)
        app.router.add_get("/admin/agents", self._agents)
        app.router.add_post("/admin/agents/{name}/unload", self._unload)
        app.router.add_post("/admin/agents/{name}/activate", self._activate)
        return app

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "wrong key")
        response: web.StreamResponse = await handler(request)
        return response

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": name} for name in ("auto", *AGENTS)]})

    async def _metrics(self, _: web.Request) -> web.Response:
        page = "# TYPE philharmonic_requests_in_flight gauge\nphilharmonic_requests_in_flight 3.0\n"
        waiting = (
            '# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting{engine="0"} 2\n'
        )
        return web.Response(text=page + waiting)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        body = await self._begin(request)
        if (status := self.status(len(self.bodies))) != 200:
            return _error(status, "not now")
        async with self._slots:
            await asyncio.sleep(self.first_s)
        agent = self._agent(body)
        decision = {"agent": agent, "stage": "fast", "confidence": 0.9, "milliseconds": 1.5}
        return web.json_response(decision, headers={"x-philharmonic-gateway-ms": "0.75"})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._begin(request)
        if (status := self.status(len(self.bodies))) != 200:
            return _error(status, "not now")
        agent = body["model"] if body["model"] in AGENTS else self._agent(body)
        if not self.live[agent]:
            return _error(503, f"{agent} is being loaded")
        about: Json = {"agent": agent, "model": f"{agent}@1", "stage": "pinned"}
        if body["model"] == "auto":
            about |= {"stage": "label_read", "confidence": 0.8, "route_ms": 2.5}
        if body.get("conversation_id") is not None:
            about["conversation_id"] = self._conversation(body["conversation_id"])
        async with self._slots:
            return await self._stream(request, body, about)

    async def _stream(self, request: web.Request, body: Json, about: Json) -> web.StreamResponse:
        headers = {f"x-philharmonic-{k.replace('_', '-')}": str(v) for k, v in about.items()}
        headers |= {"content-type": "text/event-stream", "x-philharmonic-gateway-ms": "0.5"}
        await asyncio.sleep(self.first_s)
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for number in range(self.words):
            if number:
                await asyncio.sleep(self.gap_s)
            chunk: Json = {"model": about["model"], "choices": [{"delta": {"content": "word "}}]}
            await _event(response, chunk if number else {**chunk, "philharmonic": about})
        await self._end(request, response)
        return response

    async def _end(self, request: web.Request, response: web.StreamResponse) -> None:
        match self.ends:
            case "error":
                await _event(response, {"error": {"message": "the engine is gone"}})
            case "cut":
                assert request.transport is not None
                request.transport.abort()
            case "done":
                await _event(response, {"choices": [{"delta": {}, "finish_reason": "stop"}]})
                usage = {"prompt_tokens": 7, "completion_tokens": 2 * self.words}
                await _event(response, {"choices": [], "usage": usage})
                await response.write(b"data: [DONE]\n\n")

    async def _begin(self, request: web.Request) -> Json:
        if not self.bodies:
            self._started = time.monotonic()
        body: Json = await request.json()
        self.bodies.append(body)
        if self.stall is not None:
            at = time.monotonic() - self._started
            if self.stall[0] <= at < self.stall[1]:
                await asyncio.sleep(self.stall[1] - at)
        return body

    def _agent(self, body: Json) -> str:
        text = body["messages"][-1]["content"]
        first = text.split()[0]
        return first if first in AGENTS and text not in self.misroutes else "general"

    def _conversation(self, asked: str) -> str:
        name = f"conv_{len(self.stored)}" if asked == "new" else asked
        self.stored[name] = self.stored.get(name, 0) + 1
        return name

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["id"])
        return web.json_response({"deleted": True})

    async def _agents(self, _: web.Request) -> web.Response:
        rows = [
            {
                "name": name,
                "live": 1 if name != "general" else None,
                "versions": [{"version": 1, "loaded": is_live}],
            }
            for name, is_live in self.live.items()
        ]
        return web.json_response({"agents": rows})

    async def _unload(self, request: web.Request) -> web.Response:
        self.calls["unload"] += 1
        self.live[request.match_info["name"]] = False
        return web.json_response({})

    async def _activate(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.calls["activate"] += 1
        asyncio.get_running_loop().call_later(0.2, self.live.__setitem__, name, True)
        return web.json_response({})


async def _event(response: web.StreamResponse, document: Json) -> None:
    await response.write(b"data: " + json.dumps(document).encode() + b"\n\n")


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": status}}, status=status)
