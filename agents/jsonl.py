"""JSON Lines, read strictly: a fault names its file and line."""

import json
from pathlib import Path
from typing import Any

from agents.errors import DataError


def read_jsonl(path: Path, advice: str) -> list[tuple[str, Any]]:
    """The value of each line that is not blank, with where it stands (``file:line``).

    Args:
        path: a file in UTF-8 with one JSON value a line.
        advice: what to do when the file is missing.

    Raises:
        DataError: the file is missing or empty, or a line is not UTF-8 or not JSON.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {advice}") from None
    rows = [
        (f"{path}:{number}", _value(line, f"{path}:{number}"))
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not rows:
        raise DataError(f"{path}: no rows; write one JSON object a line")
    return rows


def _value(line: bytes, where: str) -> Any:
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise DataError(f"{where}: not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON: {error}") from None
