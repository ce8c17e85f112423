"""How well turns were routed under load; the measures are those of ``router/evaluate.py``."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from router.loadtest import report as r
from router.loadtest.distribution import summary
from router.loadtest.record import Record
from router.loadtest.stats import share_interval


def routing(records: Sequence[Record]) -> r.Routing | None:
    """Accuracy, hand-offs and stages of the turns somebody was chosen for; None if there is none.

    A turn that was routed well and then failed counts here; its failure counts as an error.
    """
    judged = [record for record in records if record.agent is not None]
    if not judged:
        return None
    right = [record.agent == record.expected for record in judged]
    pairs = _pairs(judged)
    expected = [turn for before, turn in pairs if before.expected != turn.expected]
    false = [
        turn
        for before, turn in pairs
        if before.expected == turn.expected != turn.agent != before.agent
    ]
    return r.Routing(
        judged_turns=len(judged),
        accuracy=sum(right) / len(right),
        accuracy_95=share_interval(right),
        handoffs=sum(before.agent != turn.agent for before, turn in pairs),
        handoffs_expected=len(expected),
        handoff_recall=_share([turn.agent == turn.expected for turn in expected]),
        false_handoffs_per_100_turns=100 * len(false) / len(judged),
        confusion=_confusion(judged),
        stages=_stages(judged),
    )


def recall(records: Sequence[Record], agent: str) -> float | None:
    """Share of an agent's turns that reached it; None if it had none."""
    mine = [t.agent == agent for t in records if t.expected == agent and t.agent is not None]
    return _share(mine)


def _pairs(judged: Sequence[Record]) -> list[tuple[Record, Record]]:
    """Each turn with the one before it in the same conversation."""
    conversations: dict[int, list[Record]] = defaultdict(list)
    for record in judged:
        conversations[record.arrival].append(record)
    ordered = [sorted(turns, key=lambda turn: turn.turn) for turns in conversations.values()]
    return [pair for turns in ordered for pair in pairwise(turns)]


def _confusion(judged: Sequence[Record]) -> dict[str, dict[str, int]]:
    counts = Counter((record.expected, str(record.agent)) for record in judged)
    table: dict[str, dict[str, int]] = defaultdict(dict)
    for (right, chosen), count in sorted(counts.items()):
        table[right][chosen] = count
    return dict(table)


def _stages(judged: Sequence[Record]) -> dict[str, r.Stage]:
    by_stage: dict[str, list[Record]] = defaultdict(list)
    for record in judged:
        by_stage[record.stage or "unknown"].append(record)
    return {
        stage: r.Stage(
            share=len(mine) / len(judged),
            accuracy=_share([record.agent == record.expected for record in mine]),
            route=summary([record.route_ms for record in mine if record.route_ms is not None]),
        )
        for stage, mine in sorted(by_stage.items())
    }


def _share(outcomes: Sequence[bool]) -> float | None:
    return sum(outcomes) / len(outcomes) if outcomes else None
