"""Answers that are being generated, whether or not anybody reads them yet.

The requests of one turn are answered side by side, and an answer may begin before it is certain
who should give it. An answer that is given up ends on the engine too: its connection is closed.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Self

from serving.answer import Answerer
from serving.turn import Exchange, Part, Route, Speculation, Turn

Chunk = dict[str, Any]


class Answering:
    """One answer under way, from its making on."""

    def __init__(
        self, answerer: Answerer, turn: Turn, part: Part, history: Sequence[Exchange]
    ) -> None:
        self.part = part
        self._made: list[Chunk] = []
        # Unbounded: an answer is at most ``max_tokens`` long.
        self._unread: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self._task = asyncio.create_task(
            self._stream(answerer.chunks(turn, part, history))
            if turn.stream
            else answerer.whole(turn, part, history)
        )

    @property
    def tokens(self) -> int:
        """How many tokens a stream has brought so far (the engine sends a chunk for each)."""
        return sum(bool(text_of(chunk)) for chunk in self._made)

    async def chunks(self) -> AsyncGenerator[Chunk]:
        """A stream's chunks, those already made at once; raises what the engine raised."""
        while (chunk := await self._unread.get()) is not None:
            yield chunk
        await self._task

    async def completion(self) -> dict[str, Any]:
        """The whole completion; of a stream, what its chunks add up to."""
        return await self._task

    async def give_up(self) -> None:
        """End it, here and on the engine, if it has not ended yet."""
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # seen: nobody else will ask for it

    async def _stream(self, arriving: AsyncGenerator[Chunk]) -> dict[str, Any]:
        try:
            async with aclosing(arriving):
                async for chunk in arriving:
                    self._made.append(chunk)
                    self._unread.put_nowait(chunk)
        finally:
            self._unread.put_nowait(None)
        return joined(self._made)


@dataclass(eq=False)
class UnderWay:
    """The answers of one turn; on the way out of its ``async with``, what is unfinished ends.

    Attributes:
        answers: in the order of the route's parts, once it is settled.
    """

    answerer: Answerer
    turn: Turn
    answers: list[Answering] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give up what nobody will read."""
        for answering in self.answers:
            await answering.give_up()

    def begin(self, part: Part, history: Sequence[Exchange]) -> None:
        """Start an answer before it is certain that it is wanted."""
        self.answers.append(Answering(self.answerer, self.turn, part, history))

    async def settle(self, route: Route, history: Sequence[Exchange]) -> Route:
        """Answer exactly the parts of ``route``, and say what became of answers begun before."""
        begun, self.answers = self.answers, []
        for part in route.parts:
            same = next((each for each in begun if _is_same(each.part, part)), None)
            if same is None:
                self.begin(part, history)
            else:
                self.answers.append(same)
        if not begun:
            return route
        (early,) = begun
        if early in self.answers:
            return replace(route, speculation=Speculation(kept=True))
        await early.give_up()
        return replace(route, speculation=Speculation(kept=False, wasted_tokens=early.tokens))


def _is_same(one: Part, other: Part) -> bool:
    return (one.user, one.version.model) == (other.user, other.version.model)


def joined(chunks: Sequence[Chunk]) -> dict[str, Any]:
    """The completion that a stream's chunks add up to (text, reason to stop, usage)."""
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    usage = next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)
    ended = next((c["finish_reason"] for c in reversed(choices) if c.get("finish_reason")), None)
    message = {"role": "assistant", "content": "".join(map(text_of, chunks))}
    return {"choices": [{"message": message, "finish_reason": ended}], "usage": usage}


def text_of(chunk: Chunk) -> str:
    """The text that a chunk brings."""
    return "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
