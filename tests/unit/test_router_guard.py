import asyncio
from collections.abc import Sequence

import pytest

from agents.data import Message
from agents.errors import EngineUnavailable
from router import guard
from router.guard import GuardedLabelReads, LabelReadFailed
from router.turns import RoutingTurn

AGENTS = ("general", "home")
TURN = RoutingTurn((Message("user", "hello"),))


class Engine:
    """Does as it is told, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.does = "answer"

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.does == "stall":
            await asyncio.sleep(60)
        if self.does == "die":
            raise EngineUnavailable("gone")
        return [-50.0] * len(labels) if self.does == "ramble" else [-0.1, -3.0]


async def reason(reads: GuardedLabelReads) -> str | None:
    try:
        await reads.read(TURN, AGENTS)
    except LabelReadFailed as failure:
        return failure.reason
    return None


@pytest.mark.parametrize(
    ("does", "why"),
    [("answer", None), ("stall", "time-out"), ("die", "failed"), ("ramble", "failed")],
)
async def test_what_went_wrong_is_said_in_a_word(does: str, why: str | None) -> None:
    engine = Engine()
    engine.does = does
    assert await reason(GuardedLabelReads(engine, "router", 0.05)) == why


async def test_after_some_failures_it_is_left_alone_and_then_tried_by_one_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "_ALONE_S", 0.3)
    engine = Engine()
    reads = GuardedLabelReads(engine, "router", 1.0)
    engine.does = "die"
    assert [await reason(reads) for _ in range(5)] == ["failed"] * 3 + ["left alone"] * 2
    assert engine.asked == 3
    await asyncio.sleep(0.35)
    engine.does = "answer"
    tried = await asyncio.gather(*(reason(reads) for _ in range(4)))
    assert sorted(map(str, tried)) == ["None"] + ["left alone"] * 3
    assert await reason(reads) is None


async def test_a_success_in_between_starts_the_count_again() -> None:
    engine = Engine()
    reads = GuardedLabelReads(engine, "router", 1.0)
    for does in ("die", "die", "answer", "die", "die", "answer"):
        engine.does = does
        assert await reason(reads) == (None if does == "answer" else "failed")
