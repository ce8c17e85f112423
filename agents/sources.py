"""Rows of a source, whatever it is: JSON Lines, CSV, Parquet, or a dataset of a hub."""

import csv
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.config import HUB_DATASET, Source
from agents.errors import DataError
from agents.jsonl import read_jsonl, refuse_faults

Row = tuple[str, dict[str, Any]]
"""Where a row stands (``file:line``), and its columns."""

_ADVICE = "check `data` in agent.yaml; paths are relative to its folder"


def read_source(source: Source, folder: Path) -> list[Row]:
    """Every row of a source; relative paths start at ``folder``.

    Raises:
        DataError: it is missing, empty, of an unknown kind, or holds rows that are not UTF-8,
            not JSON objects, or not as wide as the header; names file and line.
    """
    if source.path.startswith("hf:"):
        return _hub(source)
    path = _path(source, folder)
    readers: dict[str, Callable[[Path], list[Row]]] = {
        ".jsonl": _jsonl,
        ".csv": _csv,
        ".tsv": _csv,
        ".parquet": _parquet,
    }
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: unknown kind of file; known: {', '.join(readers)}")
    if not path.is_file():
        raise DataError(f"{path}: no such file; {_ADVICE}")
    rows = readers[path.suffix.lower()](path)
    if not rows:
        raise DataError(f"{path}: no rows")
    return rows


def digest_of(sources: tuple[Source, ...], folder: Path) -> str:
    """Hex sha256 of the sources' bytes, one after the other (of a hub dataset, its name)."""
    digest = hashlib.sha256()
    for source in sources:
        if source.path.startswith("hf:"):
            digest.update(f"{source.path} {source.subset} {source.split}".encode())
            continue
        path = _path(source, folder)
        try:
            digest.update(path.read_bytes())
        except FileNotFoundError:
            raise DataError(f"{path}: no such file; {_ADVICE}") from None
    return digest.hexdigest()


def _path(source: Source, folder: Path) -> Path:
    return folder / source.path  # an absolute path stays what it is


def _jsonl(path: Path) -> list[Row]:
    rows = read_jsonl(path, _ADVICE)
    refuse_faults(
        f"{where}: expected a JSON object" for where, row in rows if not isinstance(row, dict)
    )
    return rows


def _csv(path: Path) -> list[Row]:
    lines, faults = [], []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            lines.append(line.decode("utf-8-sig" if number == 1 else "utf-8") + "\n")
        except UnicodeDecodeError:
            faults.append(f"{path}:{number}: not UTF-8; save the file as UTF-8")
    refuse_faults(faults)
    reader = csv.DictReader(lines, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    rows: list[Row] = []
    try:
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if None in row or None in row.values():
                columns = len(reader.fieldnames or ())
                faults.append(f"{where}: not as many columns as the header's {columns}")
            rows.append((where, row))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not CSV: {error}") from None
    refuse_faults(faults)
    return rows


def _parquet(path: Path) -> list[Row]:
    import pyarrow
    from pyarrow import parquet

    try:
        rows = parquet.read_table(path).to_pylist()
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: not a Parquet file: {error}") from None
    return [(f"{path}:{number}", row) for number, row in enumerate(rows, 1)]


def _hub(source: Source) -> list[Row]:
    import datasets

    named = re.fullmatch(HUB_DATASET, source.path)
    assert named is not None
    try:
        rows = datasets.load_dataset(
            named["name"], source.subset, split=source.split, revision=named["revision"]
        )
    except Exception as error:  # the library raises whatever its network stack does
        raise DataError(
            f"{source.path}: cannot be loaded ({type(error).__name__}: {error}); check its name, "
            "revision, subset and split, and that this machine reaches the hub"
        ) from error
    return [(f"{source.path}:{number}", dict(row)) for number, row in enumerate(rows, 1)]
