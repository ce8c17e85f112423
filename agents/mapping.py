"""A row's columns to what it teaches: a conversation, a preference, or plain text."""

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any

from agents.config import Source
from agents.data import Example, Text, parse_example
from agents.errors import DataError

_COLUMN = re.compile(r"\{([^{}]+?)(:json)?\}")


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
    return Text(fill(source.text or "{text}", row, where, gaps=True), where)


def fill(template: str, row: Mapping[str, Any], where: str, gaps: bool = False) -> str:
    """The template with the row's values in place of ``{column}`` and ``{column:json}``.

    Braces around anything but a word or the name of a column stay, so that JSON can be written
    as it is. What JSON has no kind for (dates, decimals, bytes of UTF-8) is text.

    Args:
        gaps: whether columns may be empty as long as one is not: many sets have instructions
            of which only some come with an input.
    """
    names = [name for name, _ in _COLUMN.findall(template) if _is_column(name, row)]
    values = {name: _readable(row, name, where) for name in names}
    empty = [name for name, found in values.items() if not _says_something(found)]
    if empty and (not gaps or len(empty) == len(values)):
        raise _unusable(row, empty[0], where)

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        found = values[match[1]]
        if match[2] or not isinstance(found, str | None):
            return json.dumps(found, ensure_ascii=False)
        return found or ""

    text = _COLUMN.sub(value, template)
    if not text.strip():
        raise DataError(f"{where}: {template} is empty")
    return text


def _single_turn(row: Mapping[str, Any], where: str, prompt: str, completion: str) -> Example:
    messages = [
        {"role": "user", "content": fill(prompt, row, where, gaps=True)},
        {"role": "assistant", "content": fill(completion, row, where)},
    ]
    used = {name for name, _ in _COLUMN.findall(prompt + completion)}
    return parse_example(
        {key: value for key, value in row.items() if key not in used} | {"messages": messages},
        where,
    )


def _is_column(name: str, row: Mapping[str, Any]) -> bool:
    """Whether braces around ``name`` mean a column: one of the row's, or one that is misspelt."""
    if name in row or re.fullmatch(r"\w+", name):
        return True
    return '"' not in name and bool(difflib.get_close_matches(name, row, n=1, cutoff=0.8))


def _readable(row: Mapping[str, Any], name: str, where: str) -> Any:
    """The column's value, as text where JSON has no kind for it."""
    if name not in row:
        raise _unusable(row, name, where)
    try:
        return json.loads(json.dumps(row[name], default=_text))
    except UnicodeDecodeError:
        raise DataError(f"{where}: column {name!r} holds bytes that are not UTF-8") from None


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _says_something(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None


def _column(row: Mapping[str, Any], name: str, where: str) -> Any:
    if row.get(name) is None:
        raise _unusable(row, name, where)
    return row[name]


def _unusable(row: Mapping[str, Any], name: str, where: str) -> DataError:
    what = "is empty" if name in row else "does not exist"
    return DataError(
        f"{where}: column {name!r} {what}; the row has {', '.join(row)}. Say what goes where "
        "with `messages`, or `prompt` and `completion`, beside `path` in agent.yaml"
    )
