from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from agents.data import Message
from agents.errors import TrainingError
from router.label_read import FLOOR, read_labels
from router.turns import LabelledConversation, LabelledTurn, RoutingTurn
from training.label_read import (
    LabelReadTraining,
    choose_turns,
    label_id,
    render_label_read,
)
from training.render import IGNORED

AGENTS = ("cron", "general", "home")


class Letters:
    """A tokenizer that makes a token of each character, and of a blank with a letter."""

    def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        assert not add_special_tokens
        whole = len(text) == 2 and text[0] == " "
        return {"input_ids": [ord(text[1]) + 1000] if whole else [ord(c) for c in text]}


class FixedEngine:
    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        return [-0.1, -50.0, -3.0]


def conversation(identity: str, *agents: str) -> LabelledConversation:
    turns, current = [], None
    for agent in agents:
        turns.append(LabelledTurn(RoutingTurn((Message("user", agent),), current), agent))
        current = agent
    return LabelledConversation(identity, tuple(turns))


def test_handwritten_turns_are_taken_twice_and_composed_ones_fill_the_rest() -> None:
    conversations = [conversation("hand-1", "cron", "general")] + [
        conversation(f"train-{n}", "home", "home", "cron") for n in range(100)
    ]
    rows = choose_turns(conversations, LabelReadTraining(rows=104, hand_offs=0.6, first_turns=0.1))
    assert len(rows) == 104
    assert rows.count(conversations[0].turns[0]) == rows.count(conversations[0].turns[1]) == 2
    composed = [row for row in rows if row not in conversations[0].turns]
    hand_offs = [row for row in composed if row.turn.current not in (None, row.agent)]
    assert len(hand_offs) == 60
    assert sum(row.turn.current is None for row in composed) == 10


def test_what_one_kind_lacks_the_others_fill() -> None:
    """Single requests have no hand-offs at all, conversations may have few."""
    singles = [conversation(f"row-{n}", "home" if n % 2 else "cron") for n in range(300)]
    assert len(choose_turns(singles, LabelReadTraining(rows=200))) == 200
    few = [conversation(f"c-{n}", "home", "home", "home", "cron") for n in range(20)]
    rows = choose_turns(few, LabelReadTraining(rows=80))
    assert Counter(row.turn.current not in (None, row.agent) for row in rows)[True] == 40


def test_rare_agents_are_seen_up_to_three_times() -> None:
    rare = [conversation(f"rare-{n}", "none") for n in range(5)]
    common = [conversation(f"row-{n}", "home" if n % 2 else "cron") for n in range(3000)]
    rows = choose_turns([*common, *rare], LabelReadTraining(rows=300))
    counts = Counter(row.agent for row in rows)
    assert counts["none"] == 15 and min(counts["home"], counts["cron"]) > 100


def test_only_the_label_is_trained() -> None:
    row = LabelledTurn(RoutingTurn((Message("user", "x"),)), "home")
    rendered = render_label_read(Letters(), row, {"home": 7})
    assert rendered.input_ids[-1] == rendered.labels[-1] == 7
    assert set(rendered.labels[:-1]) == {IGNORED}


def test_a_label_of_two_tokens_is_refused() -> None:
    assert label_id(Letters(), " A") == 1065
    with pytest.raises(TrainingError, match="3 tokens"):
        label_id(Letters(), " AB")


async def test_labels_the_engine_does_not_report_count_as_improbable() -> None:
    turn = RoutingTurn((Message("user", "x"),))
    read = await read_labels(FixedEngine(), "router", turn, AGENTS)
    assert np.exp(read).sum() == pytest.approx(1.0)
    assert read[0] - read[1] == pytest.approx(-0.1 - FLOOR)
