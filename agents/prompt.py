"""The conversation as an agent's model sees it; the same in training, evaluation and serving."""

import re
from collections.abc import Sequence

from agents.data import Message

_SPECIAL_TOKEN = re.compile(r"<\|(\w+)\|>")


def with_system_prompt(system_prompt: str, messages: Sequence[Message]) -> list[Message]:
    """The agent's own system prompt first; a caller's system message is joined to it."""
    said = [Message(message.role, only_text(message.content)) for message in messages]
    if said and said[0].role == "system":
        return [Message("system", f"{system_prompt}\n\n{said[0].content}"), *said[1:]]
    return [Message("system", system_prompt), *said]


def only_text(text: str) -> str:
    """The text without chat-template tokens such as ``<|im_end|>``: a blank breaks them up.

    An engine reads them wherever they stand, so a message could end its turn and forge another.
    """
    return _SPECIAL_TOKEN.sub(r"< |\1| >", text)
