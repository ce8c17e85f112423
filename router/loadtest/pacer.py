"""Calls at exact moments.

The timers of event loops on Linux are a millisecond coarse, which is long beside a routing
decision; a thread that sleeps until each moment is exact to a tenth of that.
"""

import asyncio
import threading
import time
from collections.abc import Callable

from router.loadtest.schedule import Times


class Pacer:
    """Calls ``fire(i)`` in the running event loop at ``begin + times[i]`` (`perf_counter`)."""

    def __init__(self, times: Times, begin: float, fire: Callable[[int], None]) -> None:
        self._moments = (times + begin).tolist()
        self._fire = fire
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pacer", daemon=True)
        self.done = asyncio.Event()

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def stop(self) -> None:
        """Call nothing more; returns when the thread has ended."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        number, count = 0, len(self._moments)
        while number < count:
            wait = self._moments[number] - time.perf_counter()
            if wait > 0 and self._stopping.wait(wait):
                return
            if self._stopping.is_set():
                return
            due, now = number, time.perf_counter()
            while number < count and self._moments[number] <= now:
                number += 1
            if number > due:
                self._loop.call_soon_threadsafe(self._fire_all, due, number)
        self._loop.call_soon_threadsafe(self.done.set)

    def _fire_all(self, first: int, end: int) -> None:
        for number in range(first, end):
            self._fire(number)
