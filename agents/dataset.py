"""All of an agent's data: sources joined, weighed, split and looked over."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from agents.config import AgentConfig, DataConfig, Source
from agents.data import Example, Text
from agents.errors import DataError
from agents.jsonl import refuse_faults
from agents.mapping import example_of, preference_of, text_of
from agents.sources import read_source

_Row = TypeVar("_Row", bound=Example | Text)


@dataclass(frozen=True)
class Dataset:
    """What an agent learns from and is judged by.

    Attributes:
        train: rows of the method's kind, as often as their source's weight says.
        eval: conversations whose last answer is the right one.
        duplicates: rows of train that repeat an earlier one of their source.
        leaks: rows of eval whose prompt is also in train.
    """

    train: tuple[Example | Text, ...]
    eval: tuple[Example, ...]
    duplicates: int
    leaks: tuple[Example, ...]

    @property
    def warnings(self) -> list[str]:
        """What its author should know, a line each."""
        found = []
        if self.duplicates:
            found.append(f"{self.duplicates} rows of train repeat another")
        if self.leaks:
            found.append(
                f"{len(self.leaks)} of {len(self.eval)} evaluation prompts are also in train, the "
                f"first at {self.leaks[0].where}: the score will flatter"
            )
        return found


def load_dataset(config: AgentConfig, folder: Path) -> Dataset:
    """Read everything under ``data``; relative paths start at ``folder``.

    Raises:
        DataError: a source is missing or holds broken rows, or nothing can be held out.
    """
    data, seed = config.data, config.training.seed
    parts = [_rows(config, source, folder) for source in data.train]
    held_out: list[Example] = []
    if data.eval is not None:
        held_out = eval_rows(data.eval, folder)
    elif config.evaluation is not None:
        held_out, parts = _hold_out(data, parts)
    weighed = [
        row
        for source, part in zip(data.train, parts, strict=True)
        for row in _weighed(part, source.weight, seed)
    ]
    every = [row for part in parts for row in part]
    prompts = {_prompt_key(row) for row in every if isinstance(row, Example)}
    return Dataset(
        train=tuple(weighed),
        eval=tuple(held_out),
        duplicates=sum(count - 1 for count in Counter(map(_row_key, every)).values()),
        leaks=tuple(row for row in held_out if _prompt_key(row) in prompts),
    )


def eval_rows(sources: Sequence[Source], folder: Path) -> list[Example]:
    """The conversations of evaluation sources."""
    rows: list[Example] = []
    faults: list[str] = []
    for source in sources:
        if source.weight != 1:
            raise DataError(f"{source.path}: an evaluation source has no weight")
        rows += _parsed(example_of, source, folder, faults)
    refuse_faults(faults)
    return rows


def _rows(config: AgentConfig, source: Source, folder: Path) -> list[Example | Text]:
    parsers: dict[str, Callable[[Source, Mapping[str, Any], str], Example | Text]] = {
        "sft": example_of,
        "dpo": preference_of,
        "cpt": text_of,
    }
    faults: list[str] = []
    rows = list(_parsed(parsers[config.method], source, folder, faults))
    refuse_faults(faults)
    return rows


def _parsed(
    parse: Callable[[Source, Mapping[str, Any], str], _Row],
    source: Source,
    folder: Path,
    faults: list[str],
) -> Iterator[_Row]:
    """The rows of a source that can be read; what is wrong with the others goes to ``faults``."""
    for where, row in read_source(source, folder):
        try:
            yield parse(source, row, where)
        except DataError as fault:
            faults.append(str(fault))


def _hold_out(
    data: DataConfig, parts: Sequence[Sequence[Example | Text]]
) -> tuple[list[Example], list[list[Example | Text]]]:
    """Evaluation rows, and what is left of each part to train on.

    Whole prompts are held out, so that no copy of one stays behind; which, depends on the prompt
    and the seed alone, so that more rows later move none across.
    """

    def is_held_out(row: Example | Text) -> bool:
        digest = hashlib.sha256(f"{data.split_seed}\n{_prompt_key(row)}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < data.eval_fraction * 2**64

    held_out = [
        Example(row.messages, row.extra, where=row.where)
        for part in parts
        for row in part
        if isinstance(row, Example) and is_held_out(row)
    ]
    left = [[row for row in part if not is_held_out(row)] for part in parts]
    if not held_out or not any(left):
        raise DataError(
            f"too few rows to hold out {data.eval_fraction:.0%}; add some, or name data.eval"
        )
    return held_out, left


def _weighed(rows: Sequence[Example | Text], weight: float, seed: int) -> Iterable[Example | Text]:
    """Every row ``weight`` times; of a fraction, as many rows as it is, drawn by the seed."""
    whole = int(weight)
    for _ in range(whole):
        yield from rows
    rest = round((weight - whole) * len(rows))
    if rest:
        yield from random.Random(seed).sample(list(rows), rest)


def _row_key(row: Example | Text) -> object:
    return row.text if isinstance(row, Text) else (row.messages, row.rejected)


def _prompt_key(row: Example | Text) -> str:
    """The prompt, case and white space aside."""
    if isinstance(row, Text):
        return " ".join(row.text.casefold().split())
    said = " | ".join(f"{message.role} {message.content}" for message in row.prompt)
    return " ".join(said.casefold().split())
