"""The completion of an agent that always says the same, as vLLM would have sent it."""

import time
import uuid
from typing import Any

_NOTHING = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def completion(text: str) -> dict[str, Any]:
    """The whole completion; no model ran, so it used no tokens."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _named("chat.completion", [choice], _NOTHING)


def chunks(text: str) -> list[dict[str, Any]]:
    """The completion as a stream: the text in one piece, then the usage."""
    delta = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop"}
    said = _named("chat.completion.chunk", [choice], None)
    return [said, {**said, "choices": [], "usage": _NOTHING}]


def _named(
    kind: str, choices: list[dict[str, Any]], usage: dict[str, int] | None
) -> dict[str, Any]:
    identity = {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time())}
    return {**identity, "choices": choices, "usage": usage}
