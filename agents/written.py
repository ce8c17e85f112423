"""Conversations that people wrote, as plain text that is quick to write and to read.

Blocks are separated by an empty line; ``?`` is what the user says, ``=`` the agent's answer, and
what stands before the first ``?`` is what the conversation is about, if anything::

    @ CREATE TABLE beers (name TEXT, brewery TEXT, abv REAL)
    ? strongest one?
    = SELECT name FROM beers ORDER BY abv DESC LIMIT 1
    ? and its brewery
    = SELECT brewery FROM beers ORDER BY abv DESC LIMIT 1
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Block:
    """One conversation: what it is about, and (request, answer) pairs."""

    about: str
    pairs: tuple[tuple[str, str], ...]


def read_blocks(path: Path) -> Iterator[Block]:
    """The conversations of a file. Raises `ValueError` that names the first line at fault."""
    for text in path.read_text("utf-8").split("\n\n"):
        if text.strip():
            yield _block(text.strip())


def _block(text: str) -> Block:
    about, *turns = f"\n{text}".split("\n? ")
    parts = [turn.split("\n= ") for turn in turns]
    if not turns or any(len(part) != 2 for part in parts):
        raise ValueError(f"not requests with one answer each: {text.splitlines()[0]}")
    pairs = tuple((request.strip(), answer.strip()) for request, answer in parts)
    return Block(about.strip().removeprefix("@ "), pairs)
