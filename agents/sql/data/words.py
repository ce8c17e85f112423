"""Words that all questions share: noun phrases, plurals, orders."""

from __future__ import annotations

import random

from agents.sql.data.conditions import SMALL, Cond, condition, is_plural
from agents.sql.data.schemas import Column, Table

NUMBERS = ("int", "real", "real1")


def pick(rng: random.Random, text: str) -> str:
    """One of the |-separated wordings."""
    return rng.choice(text.split("|"))


def count_word(rng: random.Random, n: int) -> str:
    """3 or "three"."""
    return SMALL[n] if n <= 10 and rng.random() < 0.3 else str(n)


def conds_for(
    rng: random.Random, table: Table, most: int = 2, skip: frozenset[str] = frozenset()
) -> tuple[Cond, ...]:
    """One condition, at times two, on different columns."""
    found: list[Cond] = []
    for _ in range(2 if most > 1 and rng.random() < 0.27 else 1):
        cond = condition(rng, table, skip | {c.column.name for c in found})
        if cond:
            found.append(cond)
    lead = [c for c in found if c.pre][:1]  # the WHERE keeps the order of the words
    return tuple(lead + [c for c in found if c not in lead])


_SINGULAR = {
    "that were ": "that was ",
    "that are ": "that is ",
    "that have ": "that has ",
    "who have ": "who has ",
    "who are ": "who is ",
    "that run ": "that runs ",
    "who were ": "who was ",
    "who do not ": "who does not ",
    "that do ": "that does ",
    "that need ": "that needs ",
    "that expire ": "that expires ",
    "that score ": "that scores ",
    "who earn ": "who earns ",
    "who make ": "who makes ",
    "who charge ": "who charges ",
    "who pay ": "who pays ",
    "who teach ": "who teaches ",
    "that pay ": "that pays ",
}


def noun(
    rng: random.Random,
    table: Table,
    conds: tuple[Cond, ...],
    *,
    either: bool = False,
    one: bool = False,
) -> str:
    """ "shipped orders over $50", in the plural or, with `one`, the singular."""
    word = table.entity.singular if one else table.entity.plural
    pre = [] if either else [c for c in conds if c.pre][:1]
    posts = [c.post for c in conds if c not in pre]
    link = " or " if either else pick(rng, " and | and | ")
    if len(posts) == 2 and posts[0].startswith(("whose", "where", "who", "that")):
        link = " or " if either else " and "
    text = link.join(posts)
    if one:
        for many, single_form in _SINGULAR.items():
            text = text.replace(many, single_form)
    return " ".join(x for x in (pre[0].pre if pre else "", word, text) if x)


def names_of(rng: random.Random, columns: list[Column]) -> str:
    """ "name, price and stock"."""
    said = [c.spoken for c in columns]
    return (
        said[0]
        if len(said) == 1
        else ", ".join(said[:-1]) + pick(rng, " and | and | & ") + said[-1]
    )


def label_of(table: Table) -> str:
    """The column that names a row."""
    return table.label.name if table.label else table.pk


def plural(word: str) -> str:
    """Plural of a spoken column name."""
    if is_plural(word) or word.startswith("number of"):
        return word if is_plural(word) else word.replace("number", "numbers", 1)
    if " of " in word:
        head, _, rest = word.partition(" of ")
        return f"{plural(head)} of {rest}"
    if word.endswith("y") and word[-2] not in "aeo":
        return word[:-1] + "ies"
    if word.endswith("species"):
        return word
    return word + ("es" if word.endswith(("s", "x", "ch")) else "s")


def order_words(rng: random.Random, column: Column) -> tuple[bool, str]:
    """(ascending, words) for an ORDER BY on the column."""
    up, c = rng.random() < 0.5, column.spoken
    if column.spec.kind in ("label", "cat"):
        plain = f"sorted by {c}|ordered by {c}|in alphabetical order of {c}|by {c} from A to Z"
        return (True, pick(rng, plain)) if up else (False, f"sorted by {c} from Z to A")
    if column.spec.kind in ("date", "year"):
        words = (
            f"sorted by {c}|ordered by {c}, oldest first|by {c}, earliest first"
            if up
            else f"by {c}, newest first|sorted by {c}, most recent first|ordered by {c} descending"
        )
    else:
        words = (
            f"sorted by {c}|ordered by {c}|from lowest to highest {c}|sorted by {c}, lowest "
            f"first|in ascending order of {c}"
            if up
            else f"by {c}, highest first|sorted by "
            f"{c} descending|from highest to lowest {c}|ordered by {c} from high to low|sorted "
            f"by {c} in descending order"
        )
    return up, pick(rng, words)
