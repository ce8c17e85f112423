"""Label reads that cannot hold a turn up: limited in time, and left alone after they failed.

A circuit breaker (Nygard, Release It!): a router LLM that fails several times in a row is not
asked for a while; then one turn tries it again.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Literal

from agents.errors import EngineError, RouterError
from router.combine import Array
from router.label_read import LabelReadEngine, read_labels
from router.turns import RoutingTurn

Reason = Literal["time-out", "failed", "left alone"]

#: Failures in a row after which the router LLM is left alone, and for how long.
_FAILURES = 3
_ALONE_S = 10.0


class LabelReadFailed(RouterError):
    """The fast path has to decide alone; ``reason`` says why in a word."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class GuardedLabelReads:
    """Asks a router LLM; safe to share between tasks."""

    def __init__(self, engine: LabelReadEngine, model: str, timeout_s: float) -> None:
        self._engine = engine
        self._model = model
        self._timeout_s = timeout_s
        self._failures = 0
        self._asked_again_at = 0.0

    async def read(self, turn: RoutingTurn, agents: Sequence[str]) -> Array:
        """Uncalibrated log-probabilities over ``agents``.

        Raises:
            LabelReadFailed: it took too long, failed, or failed too often just now to be asked.
        """
        now = time.monotonic()
        if self._failures >= _FAILURES:
            if now < self._asked_again_at:
                raise LabelReadFailed("left alone", "the router LLM failed too often just now")
            # This turn tries again; the others go on without, until it has an answer.
            self._asked_again_at = now + self._timeout_s + _ALONE_S
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await read_labels(self._engine, self._model, turn, agents)
        except TimeoutError:
            self._failed()
            message = f"the router LLM took longer than {self._timeout_s:g} s"
            raise LabelReadFailed("time-out", message) from None
        except EngineError as error:
            self._failed()
            raise LabelReadFailed("failed", str(error)) from error
        self._failures = 0
        return found

    def _failed(self) -> None:
        self._failures += 1
        self._asked_again_at = time.monotonic() + _ALONE_S
