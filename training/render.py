"""Messages to tokens: what the model reads, and which of it the model is taught.

The chat template of the base's tokenizer renders the conversation, exactly as the engine does
when it serves it (`tests/integration` compares the two byte for byte).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any

from agents.data import Example, Message
from agents.errors import ConfigError, DataError
from agents.prompt import with_system_prompt

IGNORED = -100
"""The label of a token that is context only (PyTorch's cross-entropy skips it)."""


@dataclass(frozen=True)
class RenderedExample:
    """Token ids of one conversation and, position by position, the label or `IGNORED`."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Pair:
    """The same conversation with the better and with the worse last answer."""

    chosen: RenderedExample
    rejected: RenderedExample


def render(tokenizer: Any, system_prompt: str, example: Example) -> RenderedExample:
    """Render one example; every assistant turn is trained, its end-of-turn token included.

    Args:
        tokenizer: a Hugging Face tokenizer with a chat template.

    Raises:
        ConfigError: the chat template drops system messages, as some of Phi-3's do.
        DataError: the template rewrites earlier turns, so that answers cannot be found.
    """
    messages = [m.as_dict() for m in with_system_prompt(system_prompt, example.messages)]
    text = _apply(tokenizer, messages)
    if system_prompt.strip() not in text:
        raise ConfigError(
            "the base's chat template leaves out the system message, so system_prompt would "
            "never reach the model: choose a base whose template knows system messages"
        )
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    labels = [IGNORED] * len(encoded["input_ids"])
    special = {key for key, token in tokenizer.added_tokens_decoder.items() if token.special}
    for start, end in _answer_spans(tokenizer, messages, text):
        for position, (left, right) in enumerate(encoded["offset_mapping"]):
            if left >= start and right <= end and right > left:
                labels[position] = encoded["input_ids"][position]
                if labels[position] in special:  # the end of the turn
                    break
    return RenderedExample(encoded["input_ids"], labels)


def system_ids(tokenizer: Any, system_prompt: str) -> list[int]:
    """What a conversation begins with, whatever is said in it."""
    text = _apply(tokenizer, [m.as_dict() for m in with_system_prompt(system_prompt, ())])
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """A conversation that waits for its answer, as the engine's model gets it."""
    text = _apply(tokenizer, [m.as_dict() for m in messages], add_generation_prompt=True)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _answer_spans(
    tokenizer: Any, messages: list[dict[str, str]], text: str
) -> list[tuple[int, int]]:
    """Where in ``text`` each answer stands, from its first character past its end of turn."""
    spans = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = _apply(tokenizer, messages[:index], add_generation_prompt=True)
        through = _apply(tokenizer, messages[: index + 1])
        # Not all of it: Phi-3's template closes every conversation with <|endoftext|>.
        end = len(commonprefix([text, through]))  # noqa: RUF071 (characters are meant)
        if not text.startswith(before) or end < len(before) + len(message["content"].strip()):
            raise DataError("the chat template rewrites earlier turns; use single-turn rows")
        spans.append((len(before), end))
    return spans


def _apply(
    tokenizer: Any, messages: list[dict[str, str]], add_generation_prompt: bool = False
) -> str:
    text: str = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=add_generation_prompt
    )
    return text
