"""Turns of one stored conversation come one after the other, and not many wait for that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serving.gateway.admission import Admission

#: How many may wait for the turn before them; beyond that one conversation would fill the queue
#: that all share, while most slots are idle.
MOST_WAITING = 8


class ConversationQueue:
    """Keeps a conversation to one at a time, first come, first served."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._lock = asyncio.Lock()
        self._waiting = 0

    @asynccontextmanager
    async def turn(self, end: float) -> AsyncIterator[None]:
        """Have the conversation to itself while the block runs.

        Args:
            end: how long to wait for that, by the event loop's clock.

        Raises:
            ApiError: too many wait, or the time is up (429, with a time to come back).
        """
        if self._waiting >= MOST_WAITING:
            why = f"{self._waiting} turns wait for this conversation"
            raise self._admission.refusal(why, self._waiting + 1)
        self._waiting += 1
        try:
            async with asyncio.timeout_at(end):
                await self._lock.acquire()
        except TimeoutError:
            why = "the turn before this one in its conversation took too long"
            raise self._admission.refusal(why, self._waiting) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._lock.release()
