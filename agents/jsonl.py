"""JSON Lines, read strictly: a fault names its file and line."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agents.errors import DataError

_MOST_FAULTS = 10


def read_jsonl(path: Path, advice: str) -> list[tuple[str, Any]]:
    """The value of each line that is not blank, with where it stands (``file:line``).

    Args:
        path: a file in UTF-8 with one JSON value a line.
        advice: what to do when the file is missing.

    Raises:
        DataError: the file is missing or empty, or lines are not UTF-8 or not JSON.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {advice}") from None
    rows, faults = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f"{path}:{number}"
            try:
                rows.append((where, _value(line, where)))
            except DataError as fault:
                faults.append(str(fault))
    refuse_faults(faults)
    if not rows:
        raise DataError(f"{path}: no rows; write one JSON object a line")
    return rows


def refuse_faults(faults: Iterable[str]) -> None:
    """`DataError` with every fault, the first ten in full, if there is any."""
    listed = list(faults)
    if listed:
        more = len(listed) - _MOST_FAULTS
        tail = [f"and {more} more"] if more > 0 else []
        raise DataError("\n".join([*listed[:_MOST_FAULTS], *tail]))


def _value(line: bytes, where: str) -> Any:
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise DataError(f"{where}: not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON: {error}") from None
