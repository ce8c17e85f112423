"""What the fast path sees of a turn: n-grams of its texts, and who answered before."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from router.turns import RoutingTurn

#: Characters of a text that are looked at, so that a pasted document costs no more than a page.
_LONGEST = 600
_WORD = re.compile(r"\w+|[^\w\s]")


def word_ngrams(text: str) -> Iterator[str]:
    """Single words and punctuation marks, and pairs of neighbours."""
    singles = list(words(text))
    yield from singles
    for left, right in pairwise(singles):
        yield f"{left} {right}"


def char_ngrams(text: str) -> Iterator[str]:
    """Two to five characters within a word, blanks around it included (``char_wb``)."""
    for word in _cut(text).split():
        padded = f" {word} "
        for size in range(2, 6):
            if len(padded) <= size:
                yield padded
                break
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


def words(text: str) -> Iterator[str]:
    """Single words and punctuation marks."""
    yield from _WORD.findall(_cut(text))


def context(turn: RoutingTurn) -> Iterator[str]:
    """Who answered before, alone and with how much the user says now."""
    current = turn.current or ""
    length = min(len(turn.text.split()), 12)
    yield f"current={current}"
    yield f"current={current} words={length // 3}"
    yield f"words={length}"


#: Each block is weighed and normalised on its own, then all stand side by side.
BLOCKS: Mapping[str, Callable[[RoutingTurn], Iterator[str]]] = {
    "word": lambda turn: word_ngrams(turn.text),
    "char": lambda turn: char_ngrams(turn.text),
    "previous": lambda turn: words(turn.previous_text),
    "context": context,
}


def _cut(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} {text[-_LONGEST // 2 :]}"
    return text.casefold()
