"""The mix of questions about one table."""

from __future__ import annotations

import random
from collections.abc import Callable

from agents.sql.data.arithmetic import arithmetic
from agents.sql.data.conditions import lit, say
from agents.sql.data.grouping import (
    agg,
    count,
    distinct,
    group_agg,
    group_count,
    group_top,
    having,
    scalar,
)
from agents.sql.data.query import Ask, Query
from agents.sql.data.questions import columns, either, listing, lookup, ordered, ranked, rows, top
from agents.sql.data.schemas import Table
from agents.sql.data.words import pick

Builder = Callable[[random.Random, Table], Ask | None]


def boss(rng: random.Random, t: Table) -> Ask | None:
    """A table joined with itself over the manager column."""
    keys = t.of_kind("fkint")
    if not keys or not t.pk or not t.label:
        return None
    key, one, label = keys[0], t.entity.singular, t.label
    a = t.name[0].lower()
    b = "m" if a != "m" else "n"
    source = f"{t.name} {a} JOIN {t.name} {b} ON {a}.{key.name} = {b}.{t.pk}"
    if rng.random() < 0.6:
        text = pick(
            rng,
            f"Show each {one} with the name of their manager.|List {t.entity.plural} and their "
            f"managers' names.|{one} and manager names side by side|Who is whose manager? Give "
            "both names.",
        )
        return Ask(text, Query(f"{a}.{label.name}, {b}.{label.name}", source), "fixed", t)
    value = rng.choice(label.spec.values)
    said = say(rng, value, 0.2)
    text = pick(
        rng,
        f"Who reports to {said}?|Which {t.entity.plural} have {said} as their manager?|"
        f"List everyone managed by {said}.",
    )
    query = Query(f"{a}.{label.name}", source, extra=f"{b}.{label.name} = {lit(value)}")
    return Ask(text, query, "fixed", t)


SINGLE: tuple[tuple[Builder, float], ...] = (
    (rows, 8),
    (listing, 13),
    (columns, 12),
    (lookup, 6),
    (either, 4),
    (count, 11),
    (distinct, 5),
    (agg, 19),
    (top, 10),
    (ranked, 4),
    (ordered, 4),
    (group_count, 6),
    (group_agg, 5.5),
    (having, 4),
    (group_top, 3.5),
    (scalar, 11),
    (arithmetic, 80),  # few tables have the columns for it
    (boss, 33),
)


def single(rng: random.Random, table: Table) -> Ask | None:
    """A random question about the table, None when it lacks the columns for it."""
    builder = rng.choices([b for b, _ in SINGLE], [w for _, w in SINGLE])[0]
    return builder(rng, table)
