"""What every client asked and was told, and what the gateway says it has stored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.client import Seen


@dataclass(frozen=True)
class Attempt:
    """One request for one turn; a turn that was not answered is asked for again.

    Attributes:
        conversation: our own name of it; ``turn`` counts from 0.
        model: what was asked for, an agent or ``auto``.
        sent_to: the conversation's id as far as it was known, or ``new``.
        began: `time.monotonic`, like ``ended``.
    """

    conversation: str
    turn: int
    text: str
    model: str
    sent_to: str
    began: float
    ended: float
    seen: Seen

    @property
    def conversation_id(self) -> str | None:
        """Where the turn is stored, if it is; None: the client was never told."""
        return self.seen.conversation_id or (None if self.sent_to == "new" else self.sent_to)


@dataclass(frozen=True)
class Stored:
    """One exchange as the gateway gives it back."""

    user: str
    assistant: str
    agent: str
    model: str


@dataclass
class Ledger:
    """Every attempt, in the order in which they ended."""

    attempts: list[Attempt] = field(default_factory=list)

    def by_conversation(self) -> dict[str, list[Attempt]]:
        """The attempts of each conversation whose id the client was told, by that id."""
        found: dict[str, list[Attempt]] = {}
        for attempt in self.attempts:
            if attempt.conversation_id is not None:
                found.setdefault(attempt.conversation_id, []).append(attempt)
        return found

    @property
    def answered(self) -> list[Attempt]:
        """The turns that were acknowledged."""
        return [each for each in self.attempts if each.seen.outcome == "answered"]


def lost(attempts: Sequence[Attempt], stored: Sequence[Stored]) -> list[str]:
    """The acknowledged turns of a conversation that are not stored as they were answered.

    Args:
        attempts: all of the conversation, in order.
        stored: what it holds; turns nobody was told of may stand in between.
    """
    missing, position = [], 0
    for attempt in attempts:
        answer = attempt.seen.answer
        if answer is None:
            continue
        told = Stored(attempt.text, answer.text, answer.agent, answer.model)
        if told in stored[position:]:
            position = stored.index(told, position) + 1
        else:
            missing.append(f"{attempt.conversation}, turn {attempt.turn}: {told}")
    return missing


def uncalled_for(attempts: Sequence[Attempt], stored: Sequence[Stored]) -> list[str]:
    """What is stored though the client was told that it failed, or twice, or never asked for it.

    A turn whose connection broke, or was left, may be stored or not.
    """
    surplus = Counter(each.user for each in stored)
    for attempt in attempts:
        if attempt.seen.outcome != "refused":
            surplus[attempt.text] -= 1
    return [f"{count} × {text!r}" for text, count in surplus.items() if count > 0]


async def read_back(http: httpx.AsyncClient, ledger: Ledger) -> dict[str, list[Stored]]:
    """Every conversation that a client was told the id of; nothing of those that are not there."""
    stored: dict[str, list[Stored]] = {}
    for conversation_id in ledger.by_conversation():
        response = await http.get(f"/v1/conversations/{conversation_id}")
        if response.status_code == 404:
            stored[conversation_id] = []
        else:
            stored[conversation_id] = _exchanges_of(response.raise_for_status().json())
    return stored


def _exchanges_of(document: Mapping[str, Any]) -> list[Stored]:
    messages = document["messages"]
    pairs = zip(messages[::2], messages[1::2], strict=True)
    return [Stored(u["content"], a["content"], a["agent"], a["model"]) for u, a in pairs]
