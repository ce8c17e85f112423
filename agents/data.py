"""Examples: what one row says, whatever file it stands in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from agents.errors import DataError

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str

    def as_dict(self) -> dict[str, str]:
        """The message as the OpenAI API writes it."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True)
class Example:
    """One row: a conversation whose assistant turns are right.

    Attributes:
        messages: an optional system message, then user and assistant in turn, assistant last.
        extra: the row's other keys, for metrics that need more than two strings.
        rejected: a worse last answer, in preference data.
        where: file and line it came from.
    """

    messages: tuple[Message, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)
    rejected: str | None = None
    where: str = field(default="", compare=False)

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Everything before the last answer."""
        return self.messages[:-1]

    @property
    def reference(self) -> str:
        """The last answer."""
        return self.messages[-1].content


@dataclass(frozen=True)
class Text:
    """One row of plain text, for continued pre-training."""

    text: str
    where: str = field(default="", compare=False)


def parse_example(row: Any, where: str) -> Example:
    """A conversation from ``{"messages": [...]}``; `DataError` names what is wrong with it."""
    if not isinstance(row, dict) or not isinstance(row.get("messages"), list):
        raise DataError(f"{where}: expected an object with a list under `messages`")
    messages = tuple(_message(item, where) for item in row["messages"])
    _check_order(messages, where)
    extra = {key: value for key, value in row.items() if key != "messages"}
    return Example(messages, extra, where=where)


def _message(item: Any, where: str) -> Message:
    if not isinstance(item, dict) or item.get("role") not in get_args(Role):
        raise DataError(f"{where}: a message needs a role out of {', '.join(get_args(Role))}")
    content = item.get("content")
    if not isinstance(content, str) or not content.strip():
        raise DataError(f"{where}: the {item['role']} message has no text under `content`")
    return Message(item["role"], content)


def _check_order(messages: tuple[Message, ...], where: str) -> None:
    turns = messages[1:] if messages and messages[0].role == "system" else messages
    expected = ("user", "assistant")
    if not turns or len(turns) % 2:
        raise DataError(f"{where}: a row ends with the assistant's answer to a user message")
    for index, message in enumerate(turns):
        if message.role != expected[index % 2]:
            raise DataError(f"{where}: message {index + 1} should be from {expected[index % 2]}")
