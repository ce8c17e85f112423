"""One turn of a conversation: what comes in, and what is known of it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from agents.data import Message
from agents.registry import Version
from router.router import Decision


class Exchange(TypedDict):
    """A user message and its answer, as a conversation stores them (plain JSON).

    ``agent`` is who answered; None in a history that a client brought along and that nobody
    has attributed yet. ``model`` is the version that did. ``parts`` is there when several agents
    did: what each was asked and answered.
    """

    user: str
    assistant: str
    agent: str | None
    model: str | None
    parts: NotRequired[list["Exchange"]]


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
class Part:
    """One request of a turn, and who answers it.

    Attributes:
        user: the request's words; of a turn with one request, the whole message.
        decision: None when the caller pinned the agent.
    """

    user: str
    version: Version
    decision: Decision | None

    @property
    def agent(self) -> str:
        """The agent's name."""
        return self.version.agent


@dataclass(frozen=True)
class Speculation:
    """An answer that was begun before it was decided who gives it.

    Attributes:
        kept: whether the decision was for that agent.
        wasted_tokens: of an answer in vain, how many tokens a stream had brought by then.
    """

    kept: bool
    wasted_tokens: int = 0


@dataclass(frozen=True)
class Route:
    """Who answers a turn: one agent or, when it holds several requests, one for each.

    Attributes:
        milliseconds: how long finding it out took.
        speculation: None if no answer was begun before the decision.
    """

    parts: tuple[Part, ...]
    milliseconds: float = 0.0
    speculation: Speculation | None = None

    @property
    def is_split(self) -> bool:
        """Whether several agents answer."""
        return len(self.parts) > 1

    @property
    def agent(self) -> str:
        """The agent's name, or the agents' joined by ``+`` (which no name holds)."""
        return "+".join(part.agent for part in self.parts)

    @property
    def model(self) -> str:
        """The version that answers, or the versions joined by ``+``."""
        return "+".join(part.version.model for part in self.parts)

    @property
    def stage(self) -> str:
        """What decided: ``pinned``, ``split``, or the router's stage."""
        if self.is_split:
            return "split"
        decision = self.parts[0].decision
        return "pinned" if decision is None else decision.stage


def said_singly(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """A history with one agent to each exchange: turns of several requests are taken apart."""
    return [part for exchange in exchanges for part in exchange.get("parts", [exchange])]


def messages_of(exchanges: Sequence[Exchange], user: str) -> tuple[Message, ...]:
    """A history and the message that follows it, as one list of messages."""
    messages: list[Message] = []
    for exchange in exchanges:
        messages += [Message("user", exchange["user"]), Message("assistant", exchange["assistant"])]
    return (*messages, Message("user", user))


def thread_of(agent: Version, exchanges: Sequence[Exchange]) -> list[Exchange]:
    """The part of a history that the agent should see: the requests it answered itself.

    An agent with an adapter was trained so, and the base model alone is no less misled by other
    agents' answers: after a turn in JSON it answers small talk in JSON. Who wants an agent to
    see everything pins it, and sends the history.
    """
    return [each for each in said_singly(exchanges) if each["agent"] == agent.agent]
