"""The conversation as an agent's model sees it; the same in training, evaluation and serving."""

from collections.abc import Sequence

from agents.data import Message


def with_system_prompt(system_prompt: str, messages: Sequence[Message]) -> list[Message]:
    """The agent's own system prompt first; a caller's system message is joined to it."""
    if messages and messages[0].role == "system":
        joined = f"{system_prompt}\n\n{messages[0].content}"
        return [Message("system", joined), *messages[1:]]
    return [Message("system", system_prompt), *messages]
