"""The whole gateway in this process, with the shipped router, over a toy engine."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from agents.settings import Settings
from serving.engine.client import EngineClient
from serving.gateway.app import create_app
from serving.gateway.state import GatewayState
from serving.services import open_services
from tests.unit.toy_vllm import ToyVllm

CHAT = "/v1/chat/completions"


@asynccontextmanager
async def gateway(
    engine: ToyVllm, home: Path, **settings: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, GatewayState]]:
    """A client of a gateway that is ready."""
    chosen = Settings(home=home, engine_url=engine.url, reconcile_every_s=0.05, **settings)
    async with open_services(chosen, EngineClient(engine.url, 30.0)) as state:

        @asynccontextmanager
        async def open_state() -> AsyncIterator[GatewayState]:
            yield state

        app = create_app(open_state)
        async with asyncio.timeout(30):
            while not state.is_ready():
                await asyncio.sleep(0.01)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                yield http, state


async def chat(http: httpx.AsyncClient, text: str, **fields: Any) -> dict[str, Any]:
    """The completion of one message, or of ``messages``."""
    body = {"messages": [{"role": "user", "content": text}], **fields}
    response = await http.post(CHAT, json=body)
    assert response.status_code == 200, response.text
    completion: dict[str, Any] = response.json()
    return completion


async def stream(http: httpx.AsyncClient, text: str, **fields: Any) -> list[dict[str, Any]]:
    """The chunks of one streamed answer."""
    body = {"messages": [{"role": "user", "content": text}], "stream": True, **fields}
    response = await http.post(CHAT, json=body)
    lines = [line[6:] for line in response.text.split("\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]", response.text
    return [json.loads(line) for line in lines[:-1]]


def content_of(completion: dict[str, Any]) -> str:
    return str(completion["choices"][0]["message"]["content"])


def text_of(chunks: list[dict[str, Any]]) -> str:
    """The text of a stream."""
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)
