"""Turns: what the router is asked about, and labelled ones to fit and judge it with."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.data import Message
from agents.errors import DataError
from agents.jsonl import read_jsonl

#: The label of a turn that fits no agent; such turns belong to the router's fallback.
OUT_OF_SCOPE = "none"

#: Mistakes in service: of turns that should leave the current agent, the share that stays; of all
#: others, the share that goes anywhere else; and turns of which nobody knows who answered before.
_OVERLOOKED = 0.3
_STRAYED = 0.03
_FORGOTTEN = 0.02


@dataclass(frozen=True)
class RoutingTurn:
    """One question to the router: who answers the last of these messages?

    Attributes:
        messages: user and assistant messages in order, the user's to be answered last.
        current: the agent that answered the user's message before it, if there was one.
    """

    messages: tuple[Message, ...]
    current: str | None = None

    @property
    def text(self) -> str:
        """What the user said last."""
        return self.messages[-1].content

    @property
    def previous_text(self) -> str:
        """What the user said before that; empty in the first turn."""
        said = [message.content for message in self.messages[:-1] if message.role == "user"]
        return said[-1] if said else ""


@dataclass(frozen=True)
class LabelledTurn:
    """A turn and the agent that should answer it (or `OUT_OF_SCOPE`).

    Attributes:
        intent: what it wants of the agent, where the row says so.
    """

    turn: RoutingTurn
    agent: str
    intent: str | None = None


@dataclass(frozen=True)
class LabelledConversation:
    """The user turns of one conversation; each one's `current` is the right one."""

    id: str
    turns: tuple[LabelledTurn, ...]


def load_labelled(path: Path) -> list[LabelledConversation]:
    """Read labelled JSONL.

    A row is a conversation, ``{"id": …, "turns": [{"role", "content", "domain"}]}`` with a
    ``domain`` on every user turn, or a single request, ``{"text": …, "domain": …}``; the domain
    ``none`` is out of scope. An ``intent`` beside the domain is taken along.

    Raises:
        DataError: the file is missing or empty, or a row is broken; names file and line.
    """
    return [_parse(row, where) for where, row in read_jsonl(path, _ADVICE)]


_ADVICE = "give a JSONL file with a conversation, or a text with its domain, a line"


def all_turns(conversations: Sequence[LabelledConversation]) -> list[LabelledTurn]:
    """The turns of all conversations, one after the other."""
    return [turn for conversation in conversations for turn in conversation.turns]


def hold_out(
    conversations: Sequence[LabelledConversation], share: float
) -> tuple[list[LabelledConversation], list[LabelledConversation]]:
    """Split at random, ``share`` of the conversations of each first agent into the second part.

    The same conversations are always split the same way. A conversation without which an agent
    would have no turn left to learn from is kept.
    """
    rng = random.Random(0)
    by_agent: dict[str, list[LabelledConversation]] = {}
    for conversation in conversations:
        by_agent.setdefault(conversation.turns[0].agent, []).append(conversation)
    kept: list[LabelledConversation] = []
    held: list[LabelledConversation] = []
    for group in by_agent.values():
        rng.shuffle(group)
        cut = round(len(group) * share)
        held += group[:cut]
        kept += group[cut:]
    known = {row.agent for row in all_turns(kept)}
    needed = [each for each in held if not known.issuperset(row.agent for row in each.turns)]
    return kept + needed, [each for each in held if each not in needed]


def as_served(
    conversations: Sequence[LabelledConversation], agents: Sequence[str]
) -> list[LabelledConversation]:
    """The conversations as a router that sometimes errs meets them: some current agents are wrong.

    What learns from labels alone believes the current agent, and then one wrong decision makes
    all that follow wrong (Ross, Gordon and Bagnell, "A reduction of imitation learning", 2011).
    The mistakes are those that routers make: they overlook a hand-off and stay for a while, or
    they stray for a turn. The same conversations always get the same mistakes.
    """
    rng = random.Random(0)
    return [
        replace(each, turns=tuple(_as_served(each.turns, agents, rng))) for each in conversations
    ]


def _as_served(
    rows: Sequence[LabelledTurn], agents: Sequence[str], rng: random.Random
) -> Iterator[LabelledTurn]:
    current = None
    for row in rows:
        known = None if rng.random() < _FORGOTTEN else current
        yield replace(row, turn=replace(row.turn, current=known))
        if current not in (None, row.agent) and rng.random() < _OVERLOOKED:
            continue
        others = [name for name in agents if name != row.agent]
        current = rng.choice(others) if rng.random() < _STRAYED else row.agent


def _parse(row: Any, where: str) -> LabelledConversation:
    number = where.rpartition(":")[2]
    if isinstance(row, dict) and isinstance(row.get("turns"), list):
        turns, identity = row["turns"], str(row.get("id", f"row-{number}"))
    elif isinstance(row, dict) and "text" in row:
        turns = [{**row, "role": "user", "content": row["text"]}]
        identity = f"row-{number}"
    else:
        raise DataError(f"{where}: expected an object with `turns`, or with `text` and `domain`")
    labelled = tuple(_labelled(turns, where))
    if not labelled:
        raise DataError(f"{where}: no user turn")
    return LabelledConversation(identity, labelled)


def _labelled(turns: list[Any], where: str) -> Iterator[LabelledTurn]:
    messages: list[Message] = []
    current: str | None = None
    for number, turn in enumerate(turns, 1):
        message = _message(turn, f"{where}: turn {number}")
        messages.append(message)
        if message.role == "user":
            agent = turn.get("domain")
            if not isinstance(agent, str) or not agent:
                raise DataError(f"{where}: turn {number}: a user turn needs its `domain`")
            yield LabelledTurn(RoutingTurn(tuple(messages), current), agent, _intent(turn))
            current = agent


def _intent(turn: dict[str, Any]) -> str | None:
    return str(turn["intent"]) if turn.get("intent") is not None else None


def _message(turn: Any, where: str) -> Message:
    if not isinstance(turn, dict) or turn.get("role") not in ("user", "assistant"):
        raise DataError(f"{where}: `role` must be user or assistant")
    content = turn.get("content")
    if not isinstance(content, str) or not content.strip():
        raise DataError(f"{where}: no text under `content`")
    return Message(turn["role"], content)
