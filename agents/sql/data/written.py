"""Rows out of written.txt; where a conversation starts and how it is laid out is drawn."""

import random
import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from agents.sql.data.conversation import MAX_TOKENS, Row, opening, say, tokens
from agents.written import Block

#: Words that lean on the question before.
_LEANING = re.compile(
    r"^(and|but|or|now|only|just|same|also|instead|then|plus|sorry|no|not|add|without|with)\b"
    r"|\b(those|these|them|that|this|it|its|one|ones|they|their|he|she|his|her|same|instead|"
    r"again|too|as well|else|rather|also)\b",
    re.IGNORECASE,
)
#: Queries more alike than that ask nearly the same thing: the later one may be a follow-up.
_ALIKE = 0.7
_FEWEST_WORDS = 4


def rows(block: Block, rng: random.Random) -> Iterator[Row]:
    """The conversation as it was written, and once more from a later question on, if one can.

    A user's first question is the hardest, since no earlier answer shows what the schema's
    names are for; so each conversation gives two of them where its questions allow it.
    """
    yield _row(block, 0, rng)
    starts = [at for at in range(1, len(block.pairs)) if stands_alone(block, at)]
    if starts:
        yield _row(block, rng.choice(starts), rng)


def stands_alone(block: Block, at: int) -> bool:
    """Whether the question makes sense without those before it; in doubt it does not."""
    (_, before), (question, query) = block.pairs[at - 1 : at + 1]
    return (
        len(question.split()) >= _FEWEST_WORDS
        and not _LEANING.search(question)
        and SequenceMatcher(None, before, query, autojunk=False).ratio() < _ALIKE
    )


def _row(block: Block, start: int, rng: random.Random) -> Row:
    """The questions from ``start`` on, as many as fit."""
    (question, query), *later = block.pairs[start:]
    messages = [*opening(rng, block.about, question), say("assistant", query)]
    for question, query in later:
        added = [say("user", question), say("assistant", query)]
        if tokens(messages + added) > MAX_TOKENS:
            break
        messages += added
    return {"messages": messages}
