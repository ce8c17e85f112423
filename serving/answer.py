"""Ask the engine for an agent's answer."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from agents.data import Message
from agents.prompt import with_system_prompt
from serving import fixed_reply
from serving.engine.client import EngineClient
from serving.lineup import engine_model
from serving.reconciler import InFlight
from serving.turn import Exchange, Part, Turn, messages_of, thread_of


class Answerer:
    """Turns a routed request into vLLM's answer, whole or chunk by chunk."""

    def __init__(self, client: EngineClient, in_flight: InFlight) -> None:
        self._client = client
        self._in_flight = in_flight

    async def whole(self, turn: Turn, part: Part, history: Sequence[Exchange]) -> dict[str, Any]:
        """The whole completion, under the version's own name."""
        if (said := part.version.config.reply) is not None:
            return fixed_reply.completion(said) | {"model": part.version.model}
        payload = _payload(turn, part, history)
        self._in_flight.start(payload["model"])
        try:
            completion = await self._client.chat(payload)
        finally:
            self._in_flight.finish(payload["model"])
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
        self._in_flight.start(payload["model"])
        try:
            async with aclosing(self._client.stream_chat(payload)) as arriving:
                async for chunk in arriving:
                    chunk["model"] = part.version.model
                    yield chunk
        finally:
            self._in_flight.finish(payload["model"])


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
