"""How much is worked on at once: a fixed number of turns, a queue of fixed length, and no more."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from serving.gateway.errors import ApiError
from serving.own_time import EngineWait

# A turn's time in its slot is averaged over about this many turns.
_REMEMBERED = 20
_LONGEST_RETRY_S = 60.0


class Admission:
    """Gives out slots, first come, first served; refuses at once what the queue cannot hold.

    Args:
        slots: how many turns the engines work on at a time; less while one of them is out.
        queue: how many may wait beside them.
        patience_s: how long one of them may wait.
    """

    def __init__(self, slots: Callable[[], int], queue: int, patience_s: float) -> None:
        self._slots = slots
        self._queue = queue
        self._patience_s = patience_s
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turn_s = 1.0
        self._tickets = 0
        self.in_flight = 0
        """Turns that have a slot."""

    @property
    def queued(self) -> int:
        """Turns that wait: for a slot, or for the turn before them in their conversation."""
        return self._tickets - self.in_flight

    def ticket(self) -> "Ticket":
        """A place for one turn, held while the block runs.

        Raises:
            ApiError: there is none (429, with the time after which one is likely).
        """
        if self._tickets >= self._slots() + self._queue:
            raise self._full(f"{self.in_flight} turns are being answered and {self.queued} wait")
        return Ticket(self, asyncio.get_running_loop().time() + self._patience_s)

    def refusal(self, why: str, waves: float) -> ApiError:
        """429, with the time after which so many turns, one after the other, are answered."""
        retry_s = min(max(1.0, waves * self._turn_s), _LONGEST_RETRY_S)
        message = f"Too much is asked at once: {why}. Try again in {math.ceil(retry_s)} s."
        return ApiError(429, message, "overloaded", retry_after_s=retry_s)

    def _full(self, why: str) -> ApiError:
        return self.refusal(why, (self.queued + 1) / self._slots())

    async def _take(self, end: float) -> None:
        if not self._waiting and self.in_flight < self._slots():
            self.in_flight += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._hand_out()
        try:
            async with asyncio.timeout_at(end):
                await place
        except (TimeoutError, asyncio.CancelledError) as stop:
            if not place.cancelled():  # it was handed a slot in the moment it gave up
                self.in_flight -= 1
                self._hand_out()
            elif place in self._waiting:
                self._waiting.remove(place)
            if isinstance(stop, TimeoutError):
                raise self._full(f"no slot came free in {self._patience_s:g} s") from None
            raise

    def _give_back(self, held_s: float) -> None:
        self._turn_s += (held_s - self._turn_s) / _REMEMBERED
        self.in_flight -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        slots = self._slots()
        while self._waiting and self.in_flight < slots:
            place = self._waiting.popleft()
            if not place.done():  # else it is being cancelled
                place.set_result(None)
                self.in_flight += 1


class Ticket:
    """One turn's place: first in the queue, then, after `slot`, in a slot.

    Attributes:
        end: how long it may wait, by the event loop's clock.
    """

    def __init__(self, admission: Admission, end: float) -> None:
        self._admission = admission
        self.end = end
        self._slot_since: float | None = None

    async def slot(self) -> None:
        """Wait for a slot; cancelled, the place in the queue is free at once."""
        wait = EngineWait()
        try:
            await self._admission._take(self.end)
        finally:
            wait.end()
        self._slot_since = time.perf_counter()

    def __enter__(self) -> "Ticket":
        self._admission._tickets += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._slot_since is not None:
            self._admission._give_back(time.perf_counter() - self._slot_since)
        self._admission._tickets -= 1
