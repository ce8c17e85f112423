"""The mix of questions about one table."""

from __future__ import annotations

import random
from collections.abc import Callable

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
from agents.sql.data.query import Ask
from agents.sql.data.questions import columns, either, listing, lookup, ordered, rows, top
from agents.sql.data.schemas import Table

Builder = Callable[[random.Random, Table], Ask | None]


SINGLE: tuple[tuple[Builder, float], ...] = (
    (rows, 9),
    (listing, 13),
    (columns, 13),
    (lookup, 7),
    (either, 3),
    (count, 10),
    (distinct, 5),
    (agg, 9),
    (top, 12),
    (ordered, 5),
    (group_count, 6),
    (group_agg, 6),
    (having, 4),
    (group_top, 4),
    (scalar, 5),
)


def single(rng: random.Random, table: Table) -> Ask | None:
    """A random question about the table, None when it lacks the columns for it."""
    builder = rng.choices([b for b, _ in SINGLE], [w for _, w in SINGLE])[0]
    return builder(rng, table)
