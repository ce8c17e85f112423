"""Judge a router on labelled conversations, its own decisions fed back as the current agent."""

import asyncio
import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from router.combine import expected_calibration_error
from router.router import Decision, Router
from router.turns import OUT_OF_SCOPE, LabelledConversation, LabelledTurn


@dataclasses.dataclass(frozen=True)
class Judged:
    """One decision beside what was right.

    Attributes:
        right: the agent that should have answered.
        before: the agent that should have answered the turn before, if there was one.
        kept: whether the router stayed with its own last decision.
        in_scope: whether the turn fits an agent (its label is not ``none``).
    """

    row: LabelledTurn
    right: str
    before: str | None
    kept: bool
    in_scope: bool
    decision: Decision

    @property
    def correct(self) -> bool:
        """Whether the right agent was chosen."""
        return self.decision.agent == self.right


async def judge(
    router: Router, conversations: Sequence[LabelledConversation], at_once: int = 1
) -> list[list[Judged]]:
    """Route every turn in order; one list for each conversation.

    Args:
        at_once: conversations in progress at a time; more than one is sooner done, but its
            latencies are those of a busy engine.
    """
    slots = asyncio.Semaphore(at_once)

    async def judge_one(conversation: LabelledConversation) -> list[Judged]:
        async with slots:
            return await _judge_one(router, conversation)

    return await asyncio.gather(*map(judge_one, conversations))


def report(judged: Sequence[Sequence[Judged]]) -> dict[str, Any]:
    """The scores; shares are of 1, latencies in milliseconds."""
    turns = [turn for conversation in judged for turn in conversation]
    correct = np.array([turn.correct for turn in turns])
    confidence = np.array([turn.decision.confidence for turn in turns])
    switches = [turn for turn in turns if turn.before not in (None, turn.right)]
    false = [t for t in turns if t.before == t.right and not t.kept and not t.correct]
    return {
        "conversations": len(judged),
        "turns": len(turns),
        "in_scope_accuracy": _share([turn.correct for turn in turns if turn.in_scope]),
        "turn_accuracy": _share(correct),
        "turn_accuracy_95": wilson_interval(int(correct.sum()), len(turns)),
        "conversation_accuracy": _share([all(t.correct for t in each) for each in judged]),
        "handoff_recall": _share([turn.correct for turn in switches]),
        "false_handoffs_per_100_turns": 100 * len(false) / len(turns),
        "ece": expected_calibration_error(confidence, correct),
        "recall": {
            agent: _share([turn.correct for turn in turns if turn.right == agent])
            for agent in sorted({turn.right for turn in turns})
        },
        "confusion": confusion(turns),
        "stage_share": _stage_share(turns),
        "stage_accuracy": {
            stage: _share([t.correct for t in turns if t.decision.stage == stage])
            for stage in _stage_share(turns)
        },
        "latency_ms": _latency(turns),
    }


def confusion(turns: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """How often each right agent's turns went to each agent."""
    counts = Counter((turn.right, turn.decision.agent) for turn in turns)
    agents = sorted({agent for pair in counts for agent in pair})
    return {right: {chosen: counts[right, chosen] for chosen in agents} for right in agents}


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.96
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return (centre - spread) / scale, (centre + spread) / scale


async def _judge_one(router: Router, conversation: LabelledConversation) -> list[Judged]:
    judged: list[Judged] = []
    for row in conversation.turns:
        current = judged[-1].decision.agent if judged else None
        decision = await router.route(dataclasses.replace(row.turn, current=current))
        judged.append(
            Judged(
                row=row,
                right=router.spec.fallback if row.agent == OUT_OF_SCOPE else row.agent,
                before=judged[-1].right if judged else None,
                kept=decision.agent == current,
                in_scope=row.agent != OUT_OF_SCOPE,
                decision=decision,
            )
        )
    return judged


def _share(outcomes: Any) -> float | None:
    return float(np.mean(outcomes)) if len(outcomes) else None


def _stage_share(turns: Sequence[Judged]) -> dict[str, float]:
    counts = Counter(turn.decision.stage for turn in turns)
    return {stage: count / len(turns) for stage, count in sorted(counts.items())}


def _latency(turns: Sequence[Judged]) -> dict[str, Any]:
    stages = {
        stage: _percentiles([t for t in turns if t.decision.stage == stage])
        for stage in _stage_share(turns)
    }
    return {**_percentiles(turns), **stages}


def _percentiles(turns: Sequence[Judged]) -> dict[str, float]:
    p50, p95 = np.percentile([turn.decision.milliseconds for turn in turns], [50, 95])
    return {"p50": float(p50), "p95": float(p95)}
