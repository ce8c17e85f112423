"""Second questions that change one thing about the first."""

from __future__ import annotations

import random
from dataclasses import replace

from agents.sql.data.conditions import condition, equal, say
from agents.sql.data.query import Ask
from agents.sql.data.words import NUMBERS, label_of, order_words, pick, plural


def refine(rng: random.Random, ask: Ask) -> Ask | None:
    """ "only the paid ones"."""
    skip = frozenset(c.column.name for c in ask.query.conds)
    cond = condition(rng, ask.table, skip)
    if not cond or ask.query.either or ask.query.limit or len(skip) > 1:
        return None
    if cond.pre:
        text = pick(
            rng,
            f"Only the {cond.pre} ones.|just the {cond.pre} ones|Limit that to the "
            f"{cond.pre} ones.|Now only {cond.pre} {ask.table.entity.plural}.",
        )
    else:
        text = pick(
            rng,
            f"Only those {cond.post}.|just the ones {cond.post}|Of those, only the ones "
            f"{cond.post}.|Limit it to {ask.table.entity.plural} {cond.post}.|Keep only the "
            f"ones {cond.post}.|Now only {ask.table.entity.plural} {cond.post}.",
        )
    query = replace(ask.query, conds=(*ask.query.conds, cond))
    return Ask(text, query, ask.kind, ask.table)


def swap(rng: random.Random, ask: Ask) -> Ask | None:
    """ "same for Paris"."""
    places = [i for i, c in enumerate(ask.query.conds) if c.value]
    if not places or ask.query.either:
        return None
    at = rng.choice(places)
    old = ask.query.conds[at]
    if old.column.spec.kind == "date":
        value = str(int(old.value) + rng.choice((-1, 1, 2)))
        new = replace(old, sql=old.sql.replace(old.value, value), value=value)
    else:
        options = [v for v in old.column.spec.values if v != old.value]
        value = rng.choice(options)
        new = equal(rng, old.column, value)
    said = say(rng, value, 0.1)
    text = pick(
        rng,
        f"Same for {said}.|And for {said}?|what about {said}?|Now {said} instead.|"
        f"Do the same for {said}.|and {said}?",
    )
    conds = tuple(new if i == at else c for i, c in enumerate(ask.query.conds))
    return Ask(text, replace(ask.query, conds=conds), ask.kind, ask.table)


def how_many(rng: random.Random, ask: Ask) -> Ask | None:
    """ "how many is that?"."""
    if ask.query.limit:
        return None
    text = pick(
        rng,
        "How many is that?|how many are there?|Just the count, please.|How many of them "
        "are there?|Count them.|Just tell me how many.",
    )
    query = replace(ask.query, select="COUNT(*)", order="", limit=0)
    return Ask(text, query, "count", ask.table)


def names_only(rng: random.Random, ask: Ask) -> Ask | None:
    """ "just the names"."""
    if not ask.table.label or ask.kind == "list":
        return None
    word = plural(ask.table.label.spoken)
    text = pick(
        rng, f"Just the {word}.|Only the {word}, please.|I only need the {word}.|{word} only"
    )
    select = ask.query.alias + label_of(ask.table)
    return Ask(text, replace(ask.query, select=select), "list", ask.table)


def everything(rng: random.Random, ask: Ask) -> Ask | None:
    """ "show all columns"."""
    if ask.kind == "rows":
        return None
    text = pick(
        rng, "Show all their details.|Give me all columns.|Full rows, please.|show everything"
    )
    return Ask(text, replace(ask.query, select=ask.query.alias + "*"), "rows", ask.table)


def add_column(rng: random.Random, ask: Ask) -> Ask | None:
    """ "also show the price"."""
    used = ask.query.select
    options = [c for c in ask.table.columns if c.name not in used and c.spec.kind != "bool"]
    if not options or "*" in used:
        return None
    column = rng.choice(options)
    text = pick(
        rng,
        f"Also show the {column.spoken}.|Add the {column.spoken}.|with the {column.spoken} "
        f"as well|Include their {column.spoken} too.",
    )
    query = replace(ask.query, select=f"{used}, {ask.query.alias}{column.name}")
    return Ask(text, query, "columns", ask.table)


def sort(rng: random.Random, ask: Ask) -> Ask | None:
    """ "sort them by price"."""
    kinds = ("label", "cat", *NUMBERS, "date", "year")
    options = ask.table.of_kind(*kinds)
    if not options or ask.query.limit:
        return None
    column = rng.choice(options)
    up, words = order_words(rng, column)
    text = pick(rng, f"Now {words}.|{words}, please|The same, {words}.|Show them {words}.")
    if up and rng.random() < 0.6:
        text = pick(
            rng, f"Sort them by {column.spoken}.|Order by {column.spoken}.|sort by {column.spoken}"
        )
    order = f"{ask.query.alias}{column.name}{'' if up else ' DESC'}"
    return Ask(text, replace(ask.query, order=order), "ordered", ask.table)


def limit(rng: random.Random, ask: Ask) -> Ask | None:
    """ "top 3 only"."""
    n = rng.choice([x for x in (1, 3, 5, 10) if x != ask.query.limit])
    if n == 1:
        text = pick(rng, "Only the first one.|just the top one")
    elif ask.query.limit:
        text = pick(rng, f"Make it {n}.|Top {n} instead.|And the top {n}?")
    else:
        text = pick(
            rng, f"Top {n} only.|Just the first {n}.|only the first {n} please|Limit it to {n}."
        )
    return Ask(text, replace(ask.query, limit=n), ask.kind, ask.table)


def reverse(rng: random.Random, ask: Ask) -> Ask | None:
    """ "other way round"."""
    order = ask.query.order
    if not order or "," in order:
        return None
    flipped = order.removesuffix(" DESC") if order.endswith(" DESC") else order + " DESC"
    text = pick(
        rng,
        "Now the other way round.|Reverse the order.|And the opposite?|And from the other "
        "end?|now in reverse order",
    )
    return Ask(text, replace(ask.query, order=flipped), ask.kind, ask.table)


def break_down(rng: random.Random, ask: Ask) -> Ask | None:
    """ "per category?"."""
    skip = {c.column.name for c in ask.query.conds}
    options = [c for c in ask.table.of_kind("cat") if c.name not in skip]
    if not options or "," in ask.query.select or "DISTINCT" in ask.query.select:
        return None
    column = rng.choice(options)
    text = pick(
        rng,
        f"Break that down by {column.spoken}.|Per {column.spoken}?|and by {column.spoken}?|"
        f"Now for each {column.spoken}.|Split it by {column.spoken}.",
    )
    name = ask.query.alias + column.name
    query = replace(ask.query, select=f"{name}, {ask.query.select}", group=name)
    return Ask(text, query, "group", ask.table)


def sort_groups(rng: random.Random, ask: Ask) -> Ask | None:
    """ "highest first"."""
    if ask.query.order:
        return None
    value = ask.query.select.rsplit(", ", 1)[1]
    text = pick(
        rng, "Highest first.|Sort from high to low.|biggest first please|Sort it descending."
    )
    return Ask(text, replace(ask.query, order=f"{value} DESC"), "group", ask.table)


def big_groups(rng: random.Random, ask: Ask) -> Ask | None:
    """ "only those with more than 5"."""
    value = ask.query.select.rsplit(", ", 1)[1]
    if ask.query.limit or not value.startswith("COUNT(*)"):
        return None
    n = rng.randint(1, 20)
    text = pick(rng, f"Only those with more than {n}.|just the ones above {n}|Keep those over {n}.")
    return Ask(text, replace(ask.query, having=f"{value} > {n}"), "group", ask.table)


def other_function(rng: random.Random, ask: Ask) -> Ask | None:
    """ "and the minimum?"."""
    function = ask.query.select.split("(")[0]
    words = {"AVG": "average", "MIN": "minimum", "MAX": "maximum", "SUM": "total"}
    if function not in words or "," in ask.query.select:
        return None
    new = rng.choice([w for w in ("AVG", "MIN", "MAX") if w != function])
    text = pick(
        rng,
        f"And the {words[new]}?|what about the {words[new]}?|Now the {words[new]}.|"
        f"the {words[new]} instead",
    )
    query = replace(ask.query, select=ask.query.select.replace(function, new, 1))
    return Ask(text, query, "agg", ask.table)


_ROWS = (refine, refine, refine, swap, swap, how_many, sort, sort, limit)
MOVES = {
    "rows": (*_ROWS, names_only, names_only),
    "list": (*_ROWS, everything, add_column),
    "columns": (*_ROWS, names_only, everything, add_column),
    "columns2": (refine, refine, sort, how_many),
    "lookup": (swap,),
    "ordered": (refine, limit, limit, reverse, how_many, swap),
    "count": (refine, refine, swap, swap, break_down, break_down),
    "agg": (refine, swap, other_function, other_function, break_down),
    "top": (limit, reverse, add_column, everything),
    "group": (sort_groups, big_groups, swap),
    "gtop": (reverse, limit),
    "top_parent": (limit,),
    "distinct": (sort, refine, swap),
}


def follow_up(rng: random.Random, ask: Ask) -> Ask | None:
    """A random second question that fits the first, if there is one."""
    moves = MOVES.get(ask.kind)
    if not moves:
        return None
    found = rng.choice(moves)(rng, ask)
    return found if found and found.query.sql() != ask.query.sql() else None
