"""An agent's rows as tokens, as its method needs them: examples, pairs, or blocks of text."""

from collections.abc import Callable, Sequence
from os.path import commonprefix
from typing import Any

from agents.bases import profile_named
from agents.config import AgentConfig
from agents.data import Example, Message, Text
from agents.errors import DataError
from agents.jsonl import refuse_faults
from agents.prompt import only_text, with_system_prompt
from training.render import IGNORED, Pair, RenderedExample, prompt_ids, render, system_ids

_Renderer = Callable[[Any, AgentConfig, list[int], Example], RenderedExample | Pair]


def render_rows(
    tokenizer: Any, config: AgentConfig, rows: Sequence[Example | Text]
) -> list[RenderedExample] | list[Pair]:
    """Every row as its method needs it; of ``dpo``, pairs in which the last answer is labelled.

    Raises:
        DataError: rows are longer than ``training.max_length`` and may not be cut, or hold
            nothing but answers to cut.
    """
    if config.method == "cpt":
        return blocks(tokenizer, [row.text for row in rows if isinstance(row, Text)], config)
    system = system_ids(tokenizer, config.system_prompt)
    one: _Renderer = _pair if config.method == "dpo" else _single
    rendered = [one(tokenizer, config, system, row) for row in rows if isinstance(row, Example)]
    _refuse_long(config, rows, rendered)
    return rendered  # type: ignore[return-value]


def check_prompts(tokenizer: Any, config: AgentConfig, examples: Sequence[Example]) -> None:
    """Refuse evaluation prompts that leave no room for an answer in the engine's context.

    Raises:
        DataError: there are such prompts; names file and line.
    """
    context, answer = profile_named(config.base).max_model_len, config.generation.max_tokens
    lengths = (
        len(prompt_ids(tokenizer, with_system_prompt(config.system_prompt, example.prompt)))
        for example in examples
    )
    refuse_faults(
        f"{example.where}: an evaluation prompt of {length} tokens leaves no room for "
        f"generation.max_tokens={answer} in the {context} tokens of base {config.base!r}; "
        "shorten it"
        for example, length in zip(examples, lengths, strict=True)
        if length + answer > context
    )


def blocks(tokenizer: Any, texts: Sequence[str], config: AgentConfig) -> list[RenderedExample]:
    """Texts one after the other, each with its end, cut into blocks of ``training.max_length``."""
    ids = [
        token
        for text in texts
        for token in [
            *tokenizer(only_text(text), add_special_tokens=False)["input_ids"],
            tokenizer.eos_token_id,
        ]
    ]
    size = config.training.max_length
    parts = [ids[start : start + size] for start in range(0, len(ids), size)]
    return [RenderedExample(part, [IGNORED, *part[1:]]) for part in parts if len(part) > 1]


def shortened(row: RenderedExample, limit: int, keep: int = 0) -> RenderedExample:
    """A row of at most ``limit`` tokens: context is cut out of the middle of its longest stretch.

    Instructions stand at the beginning of a prompt and questions at its end, and no answer loses
    its end. A row in which there is too little to cut stays too long.

    Args:
        keep: tokens at the beginning that are not cut.
    """
    return _without(row, _to_cut(row.labels, len(row.input_ids) - limit, keep))


def shortened_pair(pair: Pair, limit: int, keep: int = 0) -> Pair:
    """Both halves, cut as `shortened` cuts at the same place, so that they answer one prompt."""
    shared = _shared(pair.chosen.input_ids, pair.rejected.input_ids)
    cut = _to_cut(pair.chosen.labels[:shared], length_of(pair) - limit, keep)
    return Pair(_without(pair.chosen, cut), _without(pair.rejected, cut))


def _single(
    tokenizer: Any, config: AgentConfig, system: list[int], row: Example
) -> RenderedExample:
    rendered = render(tokenizer, config.system_prompt, row)
    if config.training.too_long == "refuse":
        return rendered
    keep = _shared(system, rendered.input_ids)
    return shortened(rendered, config.training.max_length, keep)


def _pair(tokenizer: Any, config: AgentConfig, system: list[int], row: Example) -> Pair:
    assert row.rejected is not None
    answers = (row.reference, row.rejected)
    chosen, rejected = (
        _last_answer(
            render(
                tokenizer,
                config.system_prompt,
                Example((*row.prompt, Message("assistant", answer)), where=row.where),
            )
        )
        for answer in answers
    )
    if config.training.too_long == "refuse":
        return Pair(chosen, rejected)
    keep = _shared(system, chosen.input_ids)
    return shortened_pair(Pair(chosen, rejected), config.training.max_length, keep)


def _last_answer(row: RenderedExample) -> RenderedExample:
    """The row with the labels of its last answer alone."""
    end = max(at for at, label in enumerate(row.labels) if label != IGNORED)
    start = end
    while row.labels[start - 1] != IGNORED:
        start -= 1
    return RenderedExample(row.input_ids, [IGNORED] * start + row.labels[start:])


def _to_cut(labels: Sequence[int], excess: int, keep: int) -> slice:
    """Which tokens to cut; none if nothing need be cut, or there is too little to cut."""
    answer = 0  # any label will do: it makes what is kept no context to cut
    start, length = _longest_context([answer] * keep + [*labels[keep:]])
    if excess <= 0 or excess >= length:
        return slice(0, 0)
    cut = start + (length - excess) // 2
    return slice(cut, cut + excess)


def _without(row: RenderedExample, cut: slice) -> RenderedExample:
    return RenderedExample(
        row.input_ids[: cut.start] + row.input_ids[cut.stop :],
        row.labels[: cut.start] + row.labels[cut.stop :],
    )


def _shared(one: list[int], other: list[int]) -> int:
    """How many tokens two rows begin with alike."""
    return len(commonprefix([one, other]))  # noqa: RUF071 (tokens are meant)


def _refuse_long(
    config: AgentConfig, rows: Sequence[Example | Text], rendered: Sequence[RenderedExample | Pair]
) -> None:
    limit = config.training.max_length
    long = [row for row, found in zip(rows, rendered, strict=True) if length_of(found) > limit]
    if not long:
        return
    advice = "raise it, shorten them, or say training.too_long: truncate"
    if config.training.too_long == "truncate":
        advice = "system prompt and answers alone are too long to cut; raise it or shorten them"
    raise DataError(
        f"{len(long)} of {len(rows)} rows are longer than training.max_length={limit} tokens "
        f"(the first is {long[0].where or 'unnamed'}): {advice}"
    )


def length_of(row: RenderedExample | Pair) -> int:
    """Tokens of a row; of a pair, of its longer half."""
    if isinstance(row, Pair):
        return max(len(row.chosen.input_ids), len(row.rejected.input_ids))
    return len(row.input_ids)


def _longest_context(labels: Sequence[int]) -> tuple[int, int]:
    """Where the longest stretch without a label starts, and its length."""
    best, start = (0, 0), 0
    for at, label in enumerate([*labels, 0]):
        if label != IGNORED:
            if at - start > best[1]:
                best = (start, at - start)
            start = at + 1
    return best
