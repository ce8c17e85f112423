"""Ask the engine for an agent's answer."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from agents.data import Message
from agents.prompt import with_system_prompt
from serving import fixed_reply
from serving.engines import Engines
from serving.lineup import engine_model
from serving.turn import Exchange, Part, Turn, messages_of, thread_of


class Answerer:
    """Turns a routed request into vLLM's answer, whole or chunk by chunk."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def whole(self, turn: Turn, part: Part, history: Sequence[Exchange]) -> dict[str, Any]:
        """The whole completion, under the version's own name."""
        if (said := part.version.config.reply) is not None:
            return fixed_reply.completion(said) | {"model": part.version.model}
        payload = _payload(turn, part, history)
        engine = self._engines.choose(payload["model"], _beginning(payload))
        with engine.use(payload["model"]):
            completion = await engine.client.chat(payload)
        completion["model"] = part.version.model
        return completion

    async def chunks(
        self, turn: Turn, part: Part, history: Sequence[Exchange]
    ) -> AsyncGenerator[dict[str, Any]]:
        """The completion's chunks as the engine makes them; the last one carries the usage."""
        if (said := part.version.config.reply) is not None:
            for chunk in fixed_reply.chunks(said):
                yield chunk | {"model": part.version.model}
            return
        payload = _payload(turn, part, history)
        payload["stream_options"] = {"include_usage": True}
        engine = self._engines.choose(payload["model"], _beginning(payload))
        with engine.use(payload["model"]):
            async with aclosing(engine.client.stream_chat(payload)) as arriving:
                async for chunk in arriving:
                    chunk["model"] = part.version.model
                    yield chunk


def _payload(turn: Turn, part: Part, history: Sequence[Exchange]) -> dict[str, Any]:
    config = part.version.config
    messages = messages_of(thread_of(part.version, history), part.user)
    if turn.system is not None:
        messages = (Message("system", turn.system), *messages)
    return {
        "model": engine_model(part.version),
        "messages": [m.as_dict() for m in with_system_prompt(config.system_prompt, messages)],
        "temperature": config.generation.temperature,
        "max_tokens": config.generation.max_tokens,
        **turn.sampling,
    }


def _beginning(payload: Mapping[str, Any]) -> str:
    """The same for all turns of a conversation with one version, whoever keeps the history.

    That is what an engine's prefix cache holds: caches of different adapters share nothing.
    """
    first = next(m["content"] for m in payload["messages"] if m["role"] == "user")
    return f"{payload['model']}\n{first}"
