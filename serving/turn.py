"""One turn of a conversation: what comes in, and what is known of it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from agents.data import Message
from agents.registry import Version
from router.router import Decision


class Exchange(TypedDict):
    """A user message and its answer, as a conversation stores them (plain JSON).

    ``agent`` is who answered; None in a history that a client brought along and that nobody
    has attributed yet. ``model`` is the version that did.
    """

    user: str
    assistant: str
    agent: str | None
    model: str | None


@dataclass(frozen=True)
class Turn:
    """What a caller wants answered.

    Attributes:
        user: the message to answer.
        system: the caller's own system message, if any.
        pinned: the agent that must answer, or None to have the turn routed.
        sampling: the caller's OpenAI sampling parameters, by name.
        stream: whether the answer's chunks are wanted as they come.
    """

    user: str
    system: str | None = None
    pinned: str | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = False


@dataclass(frozen=True)
class Route:
    """Who answers a turn; ``decision`` is None when the caller pinned the agent."""

    version: Version
    decision: Decision | None

    @property
    def agent(self) -> str:
        """The agent's name."""
        return self.version.agent


def messages_of(exchanges: Sequence[Exchange], user: str) -> tuple[Message, ...]:
    """A history and the message that follows it, as one list of messages."""
    messages: list[Message] = []
    for exchange in exchanges:
        messages += [Message("user", exchange["user"]), Message("assistant", exchange["assistant"])]
    return (*messages, Message("user", user))


def thread_of(agent: Version, exchanges: Sequence[Exchange]) -> list[Exchange]:
    """The part of a history that the agent should see: the turns it answered itself.

    An agent with an adapter was trained so, and the base model alone is no less misled by other
    agents' answers: after a turn in JSON it answers small talk in JSON. Who wants an agent to
    see everything pins it, and sends the history.
    """
    return [exchange for exchange in exchanges if exchange["agent"] == agent.agent]
