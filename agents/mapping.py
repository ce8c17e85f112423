"""A row's columns to what it teaches: a conversation, a preference, or plain text."""

import json
import re
from collections.abc import Mapping
from typing import Any

from agents.config import Source
from agents.data import Example, Text, parse_example
from agents.errors import DataError

_COLUMN = re.compile(r"\{(\w+)(:json)?\}")


def example_of(source: Source, row: Mapping[str, Any], where: str) -> Example:
    """A conversation; `DataError` if a column is missing or empty."""
    if source.messages or (
        source.prompt is None and source.completion is None and "messages" in row
    ):
        column = source.messages or "messages"
        return parse_example({**row, "messages": _column(row, column, where)}, where)
    return _single_turn(
        row, where, source.prompt or "{prompt}", source.completion or "{completion}"
    )


def preference_of(source: Source, row: Mapping[str, Any], where: str) -> Example:
    """A conversation whose last answer is the chosen one, with the rejected one beside it."""
    chosen, rejected = source.chosen or "{chosen}", source.rejected or "{rejected}"
    worse = fill(rejected, row, where)
    if source.messages or (source.prompt is None and "messages" in row):
        before = _column(row, source.messages or "messages", where)
        answer = {"role": "assistant", "content": fill(chosen, row, where)}
        if not isinstance(before, list):
            raise DataError(f"{where}: expected a list of messages")
        example = parse_example({"messages": [*before, answer]}, where)
    else:
        example = _single_turn(row, where, source.prompt or "{prompt}", chosen)
    if worse.strip() == example.reference.strip():
        raise DataError(f"{where}: chosen and rejected are the same")
    return Example(example.messages, example.extra, rejected=worse, where=where)


def text_of(source: Source, row: Mapping[str, Any], where: str) -> Text:
    """Plain text."""
    return Text(fill(source.text or "{text}", row, where), where)


def fill(template: str, row: Mapping[str, Any], where: str) -> str:
    """The template with the row's values in place of ``{column}`` and ``{column:json}``.

    Braces around anything but a word stay, so that JSON can be written as it is.
    """

    def value(match: re.Match[str]) -> str:
        found = _column(row, match[1], where)
        if match[2]:
            return json.dumps(found, ensure_ascii=False)
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    text = _COLUMN.sub(value, template)
    if not text.strip():
        raise DataError(f"{where}: {template} is empty")
    return text


def _single_turn(row: Mapping[str, Any], where: str, prompt: str, completion: str) -> Example:
    messages = [
        {"role": "user", "content": fill(prompt, row, where)},
        {"role": "assistant", "content": fill(completion, row, where)},
    ]
    used = {name for name, _ in _COLUMN.findall(prompt + completion)}
    return parse_example(
        {key: value for key, value in row.items() if key not in used} | {"messages": messages},
        where,
    )


def _column(row: Mapping[str, Any], name: str, where: str) -> Any:
    if row.get(name) is None:
        what = "is empty" if name in row else "does not exist"
        raise DataError(
            f"{where}: column {name!r} {what}; the row has {', '.join(row)}. Say what goes where "
            "with `messages`, or `prompt` and `completion`, beside `path` in agent.yaml"
        )
    return row[name]
