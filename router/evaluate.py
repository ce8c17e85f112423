"""Judge a router on labelled conversations, its own decisions fed back as the current agent."""

import asyncio
import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.data import Message
from router.router import Decision, Router
from router.scores import (
    auroc,
    expected_calibration_error,
    recall_at,
    reliability,
    wilson_interval,
)
from router.turns import OUT_OF_SCOPE, LabelledConversation, LabelledTurn, RoutingTurn
from router.typos import mistyped

FALSE_REFUSALS = 0.02
"""Share of in-scope turns at whose refusal the out-of-scope recall is reported."""

_MOST_MISTYPED = 500


@dataclasses.dataclass(frozen=True)
class Judged:
    """One decision beside what was right.

    Attributes:
        asked: the turn as the router saw it, its own last decision as the current agent.
        right: the agent that should have answered.
        before: the agent that should have answered the turn before, if there was one.
        in_scope: whether the turn fits an agent (its label is not ``none``).
        to_fallback: whether it belongs to the fallback, out of scope or not.
        strangeness: how much it looks like a turn that fits none; 0..1.
    """

    row: LabelledTurn
    asked: RoutingTurn
    right: str
    before: str | None
    in_scope: bool
    to_fallback: bool
    strangeness: float
    decision: Decision

    @property
    def correct(self) -> bool:
        """Whether the right agent was chosen."""
        return self.decision.agent == self.right

    @property
    def kept(self) -> bool:
        """Whether the router stayed with its own last decision."""
        return self.decision.agent == self.asked.current


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


async def flip_rate(router: Router, judged: Sequence[Sequence[Judged]]) -> float:
    """Share of turns that go to another agent once they are mistyped; of 500 at most."""
    turns = [turn for conversation in judged for turn in conversation]
    flips = []
    for turn in random.Random(0).sample(turns, min(_MOST_MISTYPED, len(turns))):
        *before, last = turn.asked.messages
        messages = (*before, Message("user", mistyped(last.content)))
        decision = await router.route(RoutingTurn(messages, turn.asked.current))
        flips.append(decision.agent != turn.decision.agent)
    return float(np.mean(flips))


def split_known(
    conversations: Sequence[LabelledConversation], agents: Sequence[str]
) -> tuple[list[LabelledConversation], Counter[str]]:
    """The conversations that a router for these agents can get right, and what others are about.

    Returns:
        Conversations whose every label is known, and how many turns have each unknown label.
    """
    known = {*agents, OUT_OF_SCOPE}
    unknown = Counter(
        row.agent for each in conversations for row in each.turns if row.agent not in known
    )
    fair = [each for each in conversations if all(row.agent in known for row in each.turns)]
    return fair, unknown


def report(judged: Sequence[Sequence[Judged]]) -> dict[str, Any]:
    """The scores; shares are of 1, latencies in milliseconds, what nothing can be said of None."""
    turns = [turn for conversation in judged for turn in conversation]
    outcomes = {
        "in_scope_accuracy": [turn.correct for turn in turns if turn.in_scope],
        "turn_accuracy": [turn.correct for turn in turns],
        "conversation_accuracy": [all(t.correct for t in each) for each in judged],
        "handoff_recall": [t.correct for t in turns if t.before not in (None, t.right)],
        "oos_refused": [turn.correct for turn in turns if not turn.in_scope],
    }
    false = [t for t in turns if t.before == t.right and not t.kept and not t.correct]
    return {
        "conversations": len(judged),
        "turns": len(turns),
        **{name: _share(each) for name, each in outcomes.items()},
        "intervals_95": {
            name: list(wilson_interval(sum(each), len(each)))
            for name, each in outcomes.items()
            if each
        },
        "false_handoffs_per_100_turns": 100 * len(false) / len(turns),
        **_out_of_scope(turns),
        **_calibration(turns),
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


async def _judge_one(router: Router, conversation: LabelledConversation) -> list[Judged]:
    judged: list[Judged] = []
    fallback = router.spec.fallback
    for row in conversation.turns:
        current = judged[-1].decision.agent if judged else None
        asked = dataclasses.replace(row.turn, current=current)
        decision = await router.route(asked)
        judged.append(
            Judged(
                row=row,
                asked=asked,
                right=fallback if row.agent == OUT_OF_SCOPE else row.agent,
                before=judged[-1].right if judged else None,
                in_scope=row.agent != OUT_OF_SCOPE,
                to_fallback=row.agent in (OUT_OF_SCOPE, fallback),
                strangeness=decision.strangeness(fallback),
                decision=decision,
            )
        )
    return judged


def _out_of_scope(turns: Sequence[Judged]) -> dict[str, float | None]:
    """How well turns that fit none stand out from those that fit an agent."""
    inside = np.array([turn.strangeness for turn in turns if not turn.to_fallback])
    outside = np.array([turn.strangeness for turn in turns if not turn.in_scope])
    if not len(inside) or not len(outside):
        return {"oos_recall_at_2pct_false_refusal": None, "oos_auroc": None}
    return {
        "oos_recall_at_2pct_false_refusal": recall_at(inside, outside, FALSE_REFUSALS),
        "oos_auroc": auroc(inside, outside),
    }


def _calibration(turns: Sequence[Judged]) -> dict[str, Any]:
    """Calibration error and reliability of the decisions, and of the raw stage behind each."""
    raw = [max(t.decision.uncalibrated.items(), key=lambda item: item[1]) for t in turns]
    seen = {
        "before": (
            np.array([probability for _, probability in raw]),
            np.array([name == turn.right for (name, _), turn in zip(raw, turns, strict=True)]),
        ),
        "after": (
            np.array([turn.decision.confidence for turn in turns]),
            np.array([turn.correct for turn in turns]),
        ),
    }
    return {
        "ece": expected_calibration_error(*seen["after"]),
        "ece_uncalibrated": expected_calibration_error(*seen["before"]),
        "reliability": {name: reliability(*each) for name, each in seen.items()},
    }


def _share(outcomes: Sequence[bool]) -> float | None:
    return float(np.mean(outcomes)) if outcomes else None


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
