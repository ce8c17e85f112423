"""Labelled turns for agents that were added later, made from their own examples.

An added agent brings single requests and their answers. The router must also know it in the
middle of conversations: entered from another agent, stayed with, and left again.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.data import Example
from router.turns import OUT_OF_SCOPE, LabelledConversation

#: The most examples that are made into turns: an agent with many must not drown the others.
_MOST_EXAMPLES = 600
_HELD_OUT = 0.15

Row = dict[str, Any]
"""A line of labelled JSONL (`router.turns.load_labelled`)."""


@dataclass(frozen=True)
class NewcomerRows:
    """Labelled rows of one added agent.

    Attributes:
        train: for the fast path, the agent's description among them.
        calibration: for the thresholds.
        judged: requests that neither of them saw, to judge the router by.
    """

    train: list[Row]
    calibration: list[Row]
    judged: list[Row]


def rows_for(
    name: str,
    description: str,
    train: Sequence[Example],
    judged: Sequence[Example],
    train_donors: Sequence[LabelledConversation],
    calibration_donors: Sequence[LabelledConversation],
) -> NewcomerRows:
    """Rows of the agent ``name``, mixed with conversations of the others.

    Args:
        train: the agent's own training examples; some are kept for calibration.
        judged: its evaluation examples.
        train_donors: conversations the router is fitted on; calibration_donors: those its
            thresholds are fitted on.
    """
    rng = random.Random(0)
    chosen = rng.sample(list(train), min(_MOST_EXAMPLES, len(train)))
    cut = max(1, round(len(chosen) * _HELD_OUT))
    return NewcomerRows(
        train=[
            {"text": description, "domain": name},
            *_conversations(name, chosen[cut:] or chosen, train_donors, rng),
        ],
        calibration=list(_conversations(name, chosen[:cut], calibration_donors, rng)),
        judged=[{"text": example.prompt[-1].content, "domain": name} for example in judged],
    )


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write labelled JSONL."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def _conversations(
    name: str,
    examples: Sequence[Example],
    donors: Sequence[LabelledConversation],
    rng: random.Random,
) -> Iterator[Row]:
    """Every example alone; every second one in a conversation: entered, stayed with, or left."""
    donors = [donor for donor in donors if donor.turns[0].agent != OUT_OF_SCOPE]
    for number, example in enumerate(examples):
        own = _turns(name, example)
        yield {"turns": own[:-1]}
        if number % 6 == 0:
            yield {"turns": [*own, *_turns(name, rng.choice(examples))[:-1]]}
        elif number % 6 == 2:
            yield {"turns": [*_answered(rng.choice(donors)), *own[:-1]]}
        elif number % 6 == 4:
            yield {"turns": [*own, *_first(rng.choice(donors))]}


def _turns(name: str, example: Example) -> list[Row]:
    """The turns of an example, its system message aside."""
    return [
        {"role": message.role, "content": message.content}
        | ({"domain": name} if message.role == "user" else {})
        for message in example.messages
        if message.role != "system"
    ]


def _first(donor: LabelledConversation) -> list[Row]:
    """The first request of a conversation."""
    turn = donor.turns[0]
    return [{"role": "user", "content": turn.turn.text, "domain": turn.agent}]


def _answered(donor: LabelledConversation) -> list[Row]:
    """The first request of a conversation with its answer, if it has one."""
    later = donor.turns[1].turn.messages if len(donor.turns) > 1 else ()
    answer = next((message.content for message in later if message.role == "assistant"), "Done.")
    return [*_first(donor), {"role": "assistant", "content": answer}]
