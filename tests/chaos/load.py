"""Clients that begin conversations at a steady rate, and ask again until they are answered."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.chaos.client import Seen, ask
from tests.chaos.conversations import MAX_TOKENS, Conversation
from tests.chaos.ledger import Attempt, Ledger

#: Below the 5 s after which uvicorn closes: a connection just being closed must not be used.
_KEEPALIVE_S = 2.0
_AGAIN_S = 2.0
_LONGEST_AGAIN_S = 10.0
_LEAVE_AFTER = 2
_GONE = "conversation_not_found"


@asynccontextmanager
async def road(url: str, timeout_s: float) -> AsyncIterator[httpx.AsyncClient]:
    """A client for any number of connections at once."""
    limits = httpx.Limits(keepalive_expiry=_KEEPALIVE_S)
    async with httpx.AsyncClient(base_url=url, timeout=timeout_s, limits=limits) as http:
        yield http


@dataclass
class Load:
    """Plays conversations and writes down what became of them.

    Attributes:
        direct, proxied: the ways to the gateway.
        finished: the conversations all of whose turns were answered.
    """

    direct: httpx.AsyncClient
    proxied: httpx.AsyncClient
    ledger: Ledger = field(default_factory=Ledger)
    finished: int = 0

    async def open_loop(
        self, conversations: Sequence[Conversation], rate: float, patience_s: float
    ) -> None:
        """Begin ``rate`` conversations a second, whatever becomes of those before.

        Args:
            patience_s: how long after the last one has begun clients go on asking.
        """
        begin = time.monotonic()
        end = begin + len(conversations) / rate + patience_s

        async def at(moment: float, conversation: Conversation) -> None:
            await asyncio.sleep(moment - time.monotonic())
            await self._play(conversation, end)

        async with asyncio.TaskGroup() as users:
            for number, conversation in enumerate(conversations):
                users.create_task(at(begin + number / rate, conversation))

    async def closed_loop(
        self, conversations: Iterable[Conversation], users: int, seconds: float
    ) -> None:
        """So many clients, each of which begins a conversation when its last one is over."""
        end = time.monotonic() + seconds
        waiting = iter(conversations)

        async def user() -> None:
            for conversation in waiting:
                await self._play(conversation, end)
                if time.monotonic() > end:
                    return

        async with asyncio.TaskGroup() as playing:
            for _ in range(users):
                playing.create_task(user())

    async def _play(self, conversation: Conversation, end: float) -> None:
        http = self.proxied if conversation.by_proxy else self.direct
        sent_to, leaves = "new", conversation.leaves
        for turn, text in enumerate(conversation.texts):
            while True:
                began = time.monotonic()
                body = _body(conversation, text, sent_to)
                seen = await ask(http, body, _LEAVE_AFTER if leaves else None)
                now = time.monotonic()
                attempt = Attempt(
                    conversation.name, turn, text, conversation.model, sent_to, began, now, seen
                )
                self.ledger.attempts.append(attempt)
                leaves = False
                if seen.outcome == "answered":
                    break
                if now > end or seen.why == _GONE:
                    return
                await asyncio.sleep(_pause(seen))
            sent_to = seen.conversation_id or sent_to
        self.finished += 1


def _body(conversation: Conversation, text: str, sent_to: str) -> Mapping[str, object]:
    return {
        "model": conversation.model,
        "conversation_id": sent_to,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": MAX_TOKENS,
        "stream": conversation.streams,
    }


def _pause(seen: Seen) -> float:
    """As long as the gateway says, within reason."""
    return min(seen.retry_after_s or _AGAIN_S, _LONGEST_AGAIN_S)
