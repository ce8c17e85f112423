"""Examples: rows of chat messages in JSON Lines, read strictly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from agents.errors import DataError
from agents.jsonl import read_jsonl

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
    """

    messages: tuple[Message, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Everything before the last answer."""
        return self.messages[:-1]

    @property
    def reference(self) -> str:
        """The last answer."""
        return self.messages[-1].content


def load_examples(path: Path) -> list[Example]:
    """Read a JSONL file of ``{"messages": [...]}`` rows.

    Raises:
        DataError: the file is missing or empty, or a row is broken; names file and line.
    """
    return [_parse(row, where) for where, row in read_jsonl(path, _ADVICE)]


_ADVICE = "check `data` in agent.yaml: one JSON object with `messages` a line"


def _parse(row: Any, where: str) -> Example:
    if not isinstance(row, dict) or not isinstance(row.get("messages"), list):
        raise DataError(f"{where}: expected an object with a list under `messages`")
    messages = tuple(_message(item, where) for item in row["messages"])
    _check_order(messages, where)
    return Example(messages, {key: value for key, value in row.items() if key != "messages"})


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
