"""The whole gateway, listening, in front of a `ToyEngine`: real sockets, no model."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from agents.settings import ROOT, Settings
from serving.engine.own import engine_client, free_port
from serving.gateway.state import GatewayState
from serving.run import _listening, _server
from serving.services import open_services
from tests.unit.toy_engine import ToyEngine

CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Running:
    """A gateway and the engine behind it (the first, if there are several)."""

    url: str
    http: httpx.AsyncClient
    engine: ToyEngine
    state: GatewayState

    async def chat(
        self, text: str = "hello", model: str = "general", **fields: Any
    ) -> httpx.Response:
        """One question, pinned unless said otherwise."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return await self.http.post(CHAT, json=body)

    async def gauge(self, name: str, **labels: str) -> float:
        """The value of a metric with these labels."""
        page = (await self.http.get("/metrics")).text
        samples = [s for family in text_string_to_metric_families(page) for s in family.samples]
        return next(s.value for s in samples if (s.name, s.labels) == (name, labels))


def write_catalog(folder: Path, *agents: str) -> Path:
    """A catalog folder with these of the shipped agents."""
    for name in agents:
        ignored = shutil.ignore_patterns("data", "*.py", "__pycache__")
        shutil.copytree(ROOT / "agents" / name, folder / name, ignore=ignored)
    return folder


@asynccontextmanager
async def running_gateway(
    home: Path, *engines: ToyEngine, **settings: Any
) -> AsyncIterator[Running]:
    """The gateway with all shipped agents; the engines are running already, or a new one is."""
    if not engines:
        async with ToyEngine().running() as engine, running_gateway(home, engine, **settings) as up:
            yield up
        return
    chosen = Settings(**{"home": home, "reconcile_every_s": 0.05, "port": free_port(), **settings})
    clients = [engine_client(chosen, engine.url) for engine in engines]
    with _listening(chosen) as listener:
        url = f"http://127.0.0.1:{chosen.port}"
        async with (
            open_services(chosen, clients) as state,
            _served(state, listener),
            httpx.AsyncClient(base_url=url, timeout=30) as http,
        ):
            await until(lambda: state.is_ready() and state.engines.were_tried)
            yield Running(url, http, engines[0], state)


@asynccontextmanager
async def _served(state: GatewayState, listener: Any) -> AsyncIterator[None]:
    server = _server(state)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition; TimeoutError when the time is up."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
