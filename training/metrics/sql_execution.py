"""Judge SQL by executing it: two SELECTs are equal when they return the same rows."""

import math
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence

Row = tuple[object, ...]

TIME_LIMIT_S = 2.0
MAX_ROWS = 10_000
MAX_VALUE_BYTES = 1_000_000
STEPS_BETWEEN_CLOCK_CHECKS = 10_000

_CREATE_TABLE = re.compile(
    r"\bCREATE\s+(?:TEMP(?:ORARY)?\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"""(?P<table>(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|\w+)(?:\.\w+)?)\s*(?=\()""",
    re.IGNORECASE,
)
_QUOTED = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/"""
_TOKEN = re.compile(rf"{_QUOTED}|[()]|\w+", re.DOTALL)
_SELECT = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)
_READ_ACTIONS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)


def score(prediction: str, reference: str, extra: Mapping[str, object]) -> dict[str, float]:
    """Run both queries on the database of `extra["messages"]` and `extra["rows"]`."""
    connection = _database(_contents(extra), _strings(extra, "rows"))
    try:
        try:
            expected = _select(connection, reference)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise ValueError(f"reference query does not run: {error}: {reference}") from error
        try:
            actual = _select(connection, prediction)
        except (sqlite3.Error, sqlite3.Warning, ValueError):
            return {"score": 0.0}
    finally:
        connection.close()
    return {"score": float(_equal(actual, expected, ordered=_has_top_level_order(reference)))}


def create_statements(text: str) -> list[tuple[str, str]]:
    """Find every CREATE TABLE in a text that may also hold prose: (table, statement) pairs."""
    found = []
    for match in _CREATE_TABLE.finditer(text):
        end = _closing_parenthesis(text, match.end())
        if end is not None:
            found.append((match["table"], text[match.start() : end]))
    return found


def _closing_parenthesis(text: str, start: int) -> int | None:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return None


def _has_top_level_order(query: str) -> bool:
    depth = 0
    for token in _TOKEN.finditer(query):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0 and token[0].upper() == "ORDER":
            return True
    return False


def _database(contents: Sequence[str], rows: Sequence[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for content in contents:
            for table, statement in create_statements(content):
                # A conversation may restate or correct its schema: the last definition counts.
                connection.execute(f"DROP TABLE IF EXISTS {table}")
                connection.execute(statement)
        for row in rows:
            connection.execute(row)
    except (sqlite3.Error, sqlite3.Warning) as error:
        connection.close()
        raise ValueError(f"cannot build the database: {error}") from error
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    connection.set_authorizer(_authorize)
    return connection


def _authorize(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _READ_ACTIONS else sqlite3.SQLITE_DENY


def _select(connection: sqlite3.Connection, query: str) -> list[Row]:
    if not _SELECT.match(query):
        raise ValueError("not a SELECT")
    deadline = time.monotonic() + TIME_LIMIT_S
    connection.set_progress_handler(
        lambda: int(time.monotonic() > deadline), STEPS_BETWEEN_CLOCK_CHECKS
    )
    rows: list[Row] = connection.execute(query).fetchmany(MAX_ROWS + 1)
    if len(rows) > MAX_ROWS:
        raise ValueError("too many rows")
    return rows


def _equal(actual: Sequence[Row], expected: Sequence[Row], *, ordered: bool) -> bool:
    if len(actual) != len(expected):
        return False
    if ordered:
        return all(map(_rows_match, actual, expected))
    missing = list((Counter(expected) - Counter(actual)).elements())
    for row in (Counter(actual) - Counter(expected)).elements():
        match = next((i for i, other in enumerate(missing) if _rows_match(row, other)), None)
        if match is None:
            return False
        del missing[match]
    return True


def _rows_match(left: Row, right: Row) -> bool:
    return len(left) == len(right) and all(map(_values_match, left, right))


def _values_match(left: object, right: object) -> bool:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-9)
    return left == right


def _contents(extra: Mapping[str, object]) -> list[str]:
    messages = extra["messages"]
    if not isinstance(messages, Sequence):
        raise TypeError("messages must be a list")
    return [str(message["content"]) for message in messages]


def _strings(extra: Mapping[str, object], key: str) -> list[str]:
    values = extra[key]
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise TypeError(f"{key} must be a list of statements")
    return [str(value) for value in values]
