"""Questions across a junction table."""

from __future__ import annotations

import random
from dataclasses import dataclass

from agents.sql.data.conditions import equal, say
from agents.sql.data.drawing import Style, draw_style, draw_table
from agents.sql.data.joins import aliases
from agents.sql.data.query import Ask, Query
from agents.sql.data.schemas import Column, Entity, Junction, Table, load
from agents.sql.data.words import count_word, pick


@dataclass(frozen=True)
class Side:
    """One end of the junction: its table, alias and the junction's column for it."""

    table: Table
    alias: str
    key: str
    phrases: tuple[str, ...]  # "<rows of this table> that {v} takes"

    @property
    def label(self) -> Column:
        found = self.table.label
        assert found
        return found


@dataclass(frozen=True)
class Triple:
    """Two tables linked by a third."""

    left: Side
    right: Side
    middle: Table
    alias: str

    def source(self, start: Side, end: Side | None = None) -> str:
        """FROM clause from one end over the junction, at will to the other end."""
        text = f"{start.table.name} {start.alias} JOIN {self.middle.name} {self.alias} ON "
        text += f"{self.alias}.{start.key} = {start.alias}.{start.table.pk}"
        if not end:
            return text
        test = f"{self.alias}.{end.key} = {end.alias}.{end.table.pk}"
        return f"{text} JOIN {end.table.name} {end.alias} ON {test}"


def _middle(junction: Junction, style: Style, left: Table, right: Table, key: str) -> Table:
    entities, _, _ = load()
    one, many = junction.table, junction.table + "s"
    entity = entities.get(one) or Entity(one, many, "that", many, ())
    keys = (
        (style.spell(junction.left_key), left.name, left.pk),
        (style.spell(key), right.name, right.pk),
    )
    return Table(style.spell(many.replace(" ", "_")), entity, (), "", keys)


def draw_triple(rng: random.Random) -> Triple:
    """A junction of domains.txt with its tables."""
    entities, _, junctions = load()
    j, style = rng.choice(junctions), draw_style(rng)
    left = draw_table(rng, entities[j.left], style, size=rng.choice((1, 2)), key=True)
    right = draw_table(rng, entities[j.right], style, size=rng.choice((1, 2)), key=True)
    middle = _middle(j, style, left, right, rng.choice(j.right_keys))
    (left_key, _, _), (right_key, _, _) = middle.keys
    a, b = aliases(left.name, right.name)
    alias = "x" if middle.name[0].lower() in (a[0], b[0]) else middle.name[0].lower()
    return Triple(
        Side(left, a, left_key, j.left_of), Side(right, b, right_key, j.right_of), middle, alias
    )


def across(rng: random.Random, triple: Triple) -> Ask:
    """A random question from one end of the junction to the other."""
    start, end = triple.left, triple.right
    if rng.random() < 0.5:
        start, end = end, start
    roll = rng.random()
    if roll < 0.4:
        return _counted(rng, triple, start, end)
    value = rng.choice(end.label.spec.values)
    phrase = rng.choice(start.phrases).replace("{v}", say(rng, value, 0.3))
    said = f"{start.table.entity.plural} {phrase}"
    cond = equal(rng, end.label, value)
    extra = cond.sql.replace("{t}", end.alias + ".")
    query = Query(f"{start.alias}.{start.label.name}", triple.source(start, end), extra=extra)
    text = pick(rng, f"List the {said}.|Name the {said}.|{said}|Find the {said}.")
    if roll > 0.85:
        text = pick(rng, f"Count the {said}.|Number of {said}")
        query = Query("COUNT(*)", query.source, extra=extra)
    return Ask(text, query, "fixed", start.table)


def _counted(rng: random.Random, triple: Triple, start: Side, end: Side) -> Ask:
    one, many, some = (
        start.table.entity.singular,
        end.table.entity.plural,
        start.table.entity.plural,
    )
    group, label = f"{start.alias}.{start.table.pk}", f"{start.alias}.{start.label.name}"
    roll = rng.random()
    if roll < 0.5:
        text = pick(rng, f"How many {many} are there for each {one}?|Number of {many} per {one}")
        query = Query(f"{label}, COUNT(*)", triple.source(start), group=group)
    elif roll < 0.75:
        k = rng.randint(2, 6)
        text = f"Which {some} have more than {count_word(rng, k)} {many}?"
        query = Query(label, triple.source(start), group=group, having=f"COUNT(*) > {k}")
    else:
        text = pick(rng, f"Which {one} has the most {many}?|{one} with the most {many}")
        query = Query(label, triple.source(start), group=group, order="COUNT(*) DESC", limit=1)
    return Ask(text, query, "fixed", start.table)
