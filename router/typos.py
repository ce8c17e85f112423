"""Typing errors, to see how steady decisions are under them."""

import random
from collections.abc import Callable, Mapping

#: One slip for as many characters, and at least one.
_CHARACTERS_A_SLIP = 25

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS: Mapping[str, str] = {
    key: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in _ROWS
    for at, key in enumerate(row)
}


def mistyped(text: str) -> str:
    """``text`` with a letter here and there swapped, left out, doubled or missed.

    The same text always gets the same errors.
    """
    rng = random.Random(text)
    letters = [at for at, character in enumerate(text) if character.lower() in _NEIGHBOURS]
    slips = min(len(letters), 1 + len(text) // _CHARACTERS_A_SLIP)
    for at in sorted(rng.sample(letters, slips), reverse=True):
        text = rng.choice(_SLIPS)(text, at, rng)
    return text


def _swapped(text: str, at: int, rng: random.Random) -> str:
    return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]


def _left_out(text: str, at: int, rng: random.Random) -> str:
    return text[:at] + text[at + 1 :]


def _doubled(text: str, at: int, rng: random.Random) -> str:
    return text[: at + 1] + text[at:]


def _missed(text: str, at: int, rng: random.Random) -> str:
    return text[:at] + rng.choice(_NEIGHBOURS[text[at].lower()]) + text[at + 1 :]


_SLIPS: tuple[Callable[[str, int, random.Random], str], ...] = (
    _swapped,
    _left_out,
    _doubled,
    _missed,
)
