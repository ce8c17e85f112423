"""A real HTTP server that answers chats and label reads as vLLM does, as slowly as it is told."""

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.unit.toy_engine import ToyEngine


@dataclass
class ToyVllm(ToyEngine):
    """Every answer is the agent's name and the question; a label read is what ``label`` says.

    Attributes:
        label: the letter for a prompt; anything it raises is a 500.
        read_s: how long a label read takes; rambles: whether it names no letter at all.
        first_s: time to an answer's first word; word_s: time between its words.
        chats: the bodies of all chats; broken_off: models whose answers nobody waited for.
        most_at_once: how many chats were open at the same time.
        log: what happened, in order.
    """

    label: Callable[[str], str] = lambda _: "B"
    read_s: float = 0.0
    rambles: bool = False
    first_s: float = 0.0
    word_s: float = 0.0
    fails: set[str] = field(default_factory=set)
    chats: list[dict[str, Any]] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)
    most_at_once: int = 0
    log: list[str] = field(default_factory=list)
    _open: int = 0

    def asked(self, agent: str) -> list[str]:
        """The user's messages in the last chat with an agent."""
        body = next(b for b in reversed(self.chats) if _ours(b["model"]).partition("@")[0] == agent)
        return [m["content"] for m in body["messages"] if m["role"] == "user"]

    async def _label_read(self, request: web.Request) -> web.Response:
        prompt = (await request.json())["prompt"]
        self.reads += 1
        self.log.append("read")
        await asyncio.sleep(self.read_s)
        letter = self.label(prompt)
        self.log.append("decided")
        if self.rambles:
            return web.json_response({"choices": [{"text": "Well"}]})
        likely = {f" {each}": math.log(0.0025) for each in "ABCDE"} | {f" {letter}": math.log(0.99)}
        return web.json_response({"choices": [{"logprobs": {"top_logprobs": [likely]}}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = _ours(body["model"])
        self.chats.append(body)
        self.log.append(f"chat {model}")
        if model in self.fails:
            return web.json_response({"error": {"message": "out of order"}}, status=500)
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            words = f"{model} on {body['messages'][-1]['content']}".split()
            send = self._stream if body.get("stream") else self._whole
            return await send(request, model, words)
        except (asyncio.CancelledError, ConnectionResetError):
            self.broken_off.append(model)
            raise
        finally:
            self._open -= 1

    async def _whole(self, _: web.Request, model: str, words: list[str]) -> web.Response:
        await asyncio.sleep(self.first_s + self.word_s * len(words))
        message = {"role": "assistant", "content": " ".join(words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": f"chatcmpl-{model}", "object": "chat.completion", "created": 1}
        return web.json_response(
            {**body, "model": model, "choices": [choice], "usage": _usage(words)}
        )

    async def _stream(
        self, request: web.Request, model: str, words: list[str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await asyncio.sleep(self.first_s)
        await response.prepare(request)
        deltas = [{"role": "assistant", "content": ""}, *({"content": f"{w} "} for w in words)]
        for delta in deltas:
            await _event(response, model, [{"index": 0, "delta": delta, "finish_reason": None}])
            await asyncio.sleep(self.word_s)
        await _event(response, model, [{"index": 0, "delta": {}, "finish_reason": "stop"}])
        await _event(response, model, [], usage=_usage(words))
        await response.write(b"data: [DONE]\n\n")
        return response


def _usage(words: list[str]) -> dict[str, int]:
    return {"prompt_tokens": 5, "completion_tokens": len(words), "total_tokens": 5 + len(words)}


def _ours(served: str) -> str:
    """What the gateway calls a model; on the server its home's id stands before it."""
    return served.rpartition(":")[2]


async def _event(response: web.StreamResponse, model: str, choices: list[Any], **more: Any) -> None:
    body = {"id": f"chatcmpl-{model}", "object": "chat.completion.chunk", "created": 1}
    chunk = {**body, "model": model, "choices": choices, **more}
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
