"""A real HTTP server with the three endpoints of vLLM that the reconciler uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from serving.engine.client import BASE_MODEL


@dataclass
class ToyEngine:
    """Has adapters by name and path; refuses those it is told to, with vLLM's status for it."""

    refuses: dict[str, int] = field(default_factory=dict)
    adapters: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ToyEngine"]:
        """Listen, the second time on the same port and empty, as a restarted engine would."""
        self.adapters = {}
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/load_lora_adapter", self._load)
        app.router.add_post("/v1/unload_lora_adapter", self._unload)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _models(self, _: web.Request) -> web.Response:
        adapters = [{"id": name, "parent": BASE_MODEL} for name in self.adapters]
        return web.json_response({"data": [{"id": BASE_MODEL, "parent": None}, *adapters]})

    async def _load(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        name = body["lora_name"]
        self.calls.append(f"load {name}")
        if name in self.refuses:
            return _error(self.refuses[name], f"cannot load {name}")
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


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": status}}, status=status)
