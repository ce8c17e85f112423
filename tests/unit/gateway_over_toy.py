"""Chats with a gateway over a toy engine, whole and streamed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from serving.gateway.state import GatewayState
from tests.unit.running_gateway import CHAT, running_gateway
from tests.unit.toy_vllm import ToyVllm


@asynccontextmanager
async def gateway(
    engine: ToyVllm, home: Path, **settings: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, GatewayState]]:
    """A client of a gateway that is ready."""
    async with running_gateway(home, engine, **settings) as running:
        yield running.http, running.state


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
