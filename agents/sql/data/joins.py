"""Questions over two tables.

Convention: joins use aliases made of the tables' initials; parents "without" come from a LEFT JOIN
with IS NULL, which, unlike NOT IN, survives a NULL key; a count per parent groups by the parent's
key and leaves out parents without children unless the question asks for them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from agents.sql.data.conditions import Cond, an, equal, lit, say
from agents.sql.data.drawing import draw_style, draw_table
from agents.sql.data.grouping import aggregate
from agents.sql.data.query import Ask, Query
from agents.sql.data.questions import superlative
from agents.sql.data.schemas import Column, Relation, Table, families, load
from agents.sql.data.words import (
    NUMBERS,
    conds_for,
    count_word,
    label_of,
    names_of,
    noun,
    pick,
    plural,
)


@dataclass(frozen=True)
class Pair:
    """A drawn parent and child with the child's foreign key and the two aliases."""

    relation: Relation
    parent: Table
    child: Table
    key: str
    p: str
    c: str

    @property
    def label(self) -> Column:
        found = self.parent.label
        assert found
        return found

    @property
    def source(self) -> str:
        """FROM clause starting at the child."""
        return (
            f"{self.child.name} {self.c} JOIN {self.parent.name} {self.p} "
            f"ON {self.c}.{self.key} = {self.p}.{self.parent.pk}"
        )

    def source_from_parent(self, kind: str = "JOIN") -> str:
        """FROM clause starting at the parent."""
        return (
            f"{self.parent.name} {self.p} {kind} {self.child.name} {self.c} "
            f"ON {self.c}.{self.key} = {self.p}.{self.parent.pk}"
        )

    @property
    def named(self) -> str:
        """The parent's label with its alias."""
        return f"{self.p}.{self.label.name}"


def aliases(first: str, second: str) -> tuple[str, str]:
    """Different short aliases for two tables."""
    a, b = first[0].lower(), second[0].lower()
    return (a, b) if a != b else (a + "1", a + "2")


def draw_pair(rng: random.Random) -> Pair:
    """Two related tables."""
    style = draw_style(rng)
    if rng.random() < 0.55:
        relation, small, big = families().relation(rng)
    else:
        entities, relations, _ = load()
        relation = rng.choice(relations)
        small, big = entities[relation.child], entities[relation.parent]
    parent = draw_table(rng, big, style, size=rng.choice((1, 2, 2, 3)), key=True)
    key = style.spell(rng.choice(relation.keys))
    others = {c.spoken for c in parent.columns if c is not parent.label} | {big.singular}
    child = draw_table(
        rng,
        small,
        style,
        size=rng.choice((2, 2, 3, 3)),
        key=rng.random() < 0.8,
        taken=frozenset({*relation.keys, *others}),
    )
    child = replace(child, keys=((key, parent.name, parent.pk),))
    return Pair(relation, parent, child, key, *aliases(parent.name, child.name))


def _of(rng: random.Random, pair: Pair) -> tuple[str, Cond]:
    value = rng.choice(pair.label.spec.values)
    said = rng.choice(pair.relation.of_parent).replace("{p}", say(rng, value, 0.25))
    cond = equal(rng, pair.label, value)
    return said, replace(cond, sql=cond.sql.replace("{t}", pair.p + "."))


def _on(conds: tuple[Cond, ...], alias: str) -> str:
    return " AND ".join(c.sql.replace("{t}", alias + ".") for c in conds)


def of_named(rng: random.Random, pair: Pair) -> Ask | None:
    """The children of a parent given by name: rows, names, count or aggregate."""
    said, cond = _of(rng, pair)
    child, c = pair.child, pair.c
    conds = conds_for(rng, child, 1) if rng.random() < 0.2 else ()
    n = (
        f"{noun(rng, child, conds)} {said}"
        if not any(x.post and not x.pre for x in conds)
        else f"{child.entity.plural} {said} {conds[0].post}"
    )
    query = Query("COUNT(*)", pair.source, conds, extra=cond.sql, alias=c + ".")
    form = rng.random()
    if form < 0.25:
        text = pick(rng, "How many {n} are there?|Count the {n}.|Number of {n}")
        if not conds and rng.random() < 0.5:
            did = pair.relation.did.replace("{p}", say(rng, cond.value, 0.2))
            text = f"How many {child.entity.plural} {did}?"
        return Ask(text.replace("{n}", n), query, "count", child)
    found = aggregate(rng, child, child.of_kind(*NUMBERS))
    if form < 0.42 and found:
        function, words, column = found
        text = pick(rng, f"What is the {words} of {n}?|{words} of {n}|Show the {words} of {n}.")
        return Ask(text, replace(query, select=f"{function}({c}.{column.name})"), "agg", child)
    if form < 0.62:
        text = pick(rng, f"Show all {n}.|Get all details of the {n}.|All {n}|Find all {n}.")
        return Ask(text, replace(query, select=c + ".*"), "rows", child)
    if form < 0.8 and child.label:
        text = pick(
            rng,
            f"List the {n}.|Which {n} are there?|Name the {n}.|{n}|Give me the "
            f"{plural(child.label.spoken)} of the {n}.",
        )
        return Ask(text, replace(query, select=f"{c}.{child.label.name}"), "list", child)
    wanted = [x for x in rng.sample(child.columns, min(2, len(child.columns)))]
    select = ", ".join(f"{c}.{x.name}" for x in wanted)
    text = pick(rng, f"Show the {{c}} of {n}.|What are the {{c}} of {n}?|{{c}} for {n}")
    return Ask(
        text.replace("{c}", _said(rng, wanted)), replace(query, select=select), "columns", child
    )


def _said(rng: random.Random, wanted: list[Column]) -> str:
    return names_of(rng, wanted).replace("discontinued", "discontinued flag")


def by_parent(rng: random.Random, pair: Pair) -> Ask | None:
    """Children filtered by an attribute of the parent."""
    conds = conds_for(rng, pair.parent, 1, frozenset({pair.label.name}))
    if not conds or not label_of(pair.child):
        return None
    who, c = noun(rng, pair.parent, conds), pair.c
    of = rng.choice(pair.relation.of_parent)
    of = of.replace("the {p}", "{p}").replace("project {p}", "{p}").replace("{p} project", "{p}")
    for word in ("account", "sensor", "policy", "patient", "the post", "the album", "the playlist"):
        of = of.replace(word + " {p}", "{p}")
    n = f"{pair.child.entity.plural} {of.replace('{p}', who)}"
    query = Query("", pair.source, alias=c + ".", extra=_on(conds, pair.p))
    found = aggregate(rng, pair.child, pair.child.of_kind(*NUMBERS))
    form = rng.random()
    if form < 0.3:
        text = pick(rng, "How many {n} are there?|Count the {n}.|Number of {n}")
        return Ask(text.replace("{n}", n), replace(query, select="COUNT(*)"), "count", pair.child)
    if form < 0.55 and found:
        function, words, column = found
        text = pick(
            rng, f"What is the {words} of {n}?|{words} of {n}|Calculate the {words} of {n}."
        )
        select = f"{function}({c}.{column.name})"
        return Ask(text, replace(query, select=select), "agg", pair.child)
    if form < 0.75 or not pair.child.label:
        text = pick(rng, f"Show all {n}.|Find all {n}.|Get all details of {n}.")
        return Ask(text, replace(query, select=c + ".*"), "rows", pair.child)
    text = pick(rng, f"List the {n}.|Name the {n}.|Which are the {n}?|{n}")
    return Ask(text, replace(query, select=f"{c}.{pair.child.label.name}"), "list", pair.child)


def with_child(rng: random.Random, pair: Pair) -> Ask | None:
    """Parents that have a child meeting a condition."""
    conds = conds_for(rng, pair.child, 1)
    if not conds:
        return None
    one = an(noun(rng, pair.child, conds, one=True))
    n = f"{pair.parent.entity.plural} {rng.choice(pair.relation.with_child).replace('{c}', one)}"
    people = pair.parent.entity.who == "who"
    rest = n.removeprefix(pair.parent.entity.plural + " ").split(" ", 1)[1]
    text = pick(
        rng,
        f"Which {pair.parent.entity.plural} {rest}?|List the {n}.|Find the {n}.|Name the "
        f"{n}.|{plural(pair.label.spoken)} of {n}|{n}"
        + (f"|Who {rest}?" if people and not rest.startswith(("own ", "have ", "teach ")) else ""),
    )
    query = Query(pair.named, pair.source_from_parent(), extra=_on(conds, pair.c), distinct=True)
    return Ask(text, query, "fixed", pair.parent)


def per_parent(rng: random.Random, pair: Pair) -> Ask | None:
    """Count or aggregate of the children for each parent."""
    one, many, by = pair.parent.entity.singular, pair.child.entity.plural, pair.named
    group = f"{pair.p}.{pair.parent.pk}"
    query = Query(f"{by}, COUNT(*)", pair.source_from_parent(), group=group)
    found = aggregate(rng, pair.child, pair.child.of_kind(*NUMBERS))
    form = rng.random()
    if found and form < 0.45:
        function, words, column = found
        value = f"{function}({pair.c}.{column.name})"
        text = pick(
            rng,
            f"What is the {words} of {many} per {one}?|{words} of {many} for each {one}|"
            f"Show each {one} with the {words} of its {many}.|For every {one}, show the "
            f"{words} of the {many}.|{words} of {many} by {one}",
        )
    else:
        value = "COUNT(*)"
        text = pick(
            rng,
            f"How many {many} does each {one} have?|Number of {many} per {one}|Show each "
            f"{one} with the number of {many}.|Count the {many} for each {one}.|List every "
            f"{one} and how many {many} they have.|{many} per {one}, with the "
            f"{one}'s {pair.label.spoken}",
        )
        if form > 0.85:
            value = f"COUNT({pair.c}.{pair.key})"
            text = text.rstrip(".?") + pick(
                rng,
                ", including those with none.|, also those without any.|"
                ", with 0 for those that have none.",
            )
            query = replace(query, source=pair.source_from_parent("LEFT JOIN"))
    query = replace(query, select=f"{by}, {value}")
    if rng.random() < 0.2:
        text = text.rstrip(".?") + pick(rng, ", highest first.|, sorted from high to low.")
        query = replace(query, order=f"{value} DESC")
    return Ask(text, query, "group", pair.child)


def top_parent(rng: random.Random, pair: Pair) -> Ask | None:
    """The parent, or the top n, by count or aggregate of its children."""
    entity, many, up = pair.parent.entity, pair.child.entity.plural, rng.random() < 0.85
    found = aggregate(rng, pair.child, pair.child.of_kind(*NUMBERS))
    n = 1 if rng.random() < 0.6 else rng.choice((3, 5, 10, 2))
    value, what = "COUNT(*)", f"most {many}"
    if found and found[0] in ("SUM", "AVG") and rng.random() < 0.5:
        value = f"{found[0]}({pair.c}.{found[2].name})"
        kind = "total" if found[0] == "SUM" else "average"
        what = f"{'highest' if up else 'lowest'} {kind} {found[2].spoken} of {many}"
        what = what.replace("total total", "total")
    if n == 1:
        text = pick(
            rng,
            f"Which {entity.singular} has the {what}?|Find the {entity.singular} with the "
            f"{what}.|{entity.singular} with the {what}|Name the {entity.singular} that has "
            f"the {what}.",
        )
        if entity.who == "who" and rng.random() < 0.3:
            text = f"Who has the {what}?"
    else:
        k = count_word(rng, n)
        text = pick(
            rng,
            f"Which {k} {entity.plural} have the {what}?|The {k} {entity.plural} with the "
            f"{what}|List the {k} {entity.plural} with the {what}.",
        )
    # "Fewest" would have to count the parents without children too: not asked.
    order = value + (" DESC" if up or value == "COUNT(*)" else "")
    query = Query(
        pair.named,
        pair.source_from_parent(),
        group=f"{pair.p}.{pair.parent.pk}",
        order=order,
        limit=n,
    )
    return Ask(text, query, "top_parent", pair.child)


def without(rng: random.Random, pair: Pair) -> Ask | None:
    """Parents without children."""
    plurals, many = pair.parent.entity.plural, pair.child.entity.plural
    said = rng.choice(
        (
            *pair.relation.without,
            *pair.relation.without,
            f"without any {many}",
            f"with no {many}",
            f"that do not have any {many}",
        )
    ).replace("{many}", many)
    if pair.parent.entity.who == "who" and said.startswith("that "):
        said = "who " + said[5:]
    if said.startswith(("that", "who")) and rng.random() < 0.5:
        text = f"Which {plurals} {said.split(' ', 1)[1]}?"
    else:
        text = pick(
            rng,
            f"List the {plurals} {said}.|{plurals} {said}|Find the {plurals} {said}.|"
            f"Name all {plurals} {said}.|Show the {plural(pair.label.spoken)} of {plurals} "
            f"{said}.|Are there {plurals} {said}? Which ones?",
        )
    query = Query(
        pair.named, pair.source_from_parent("LEFT JOIN"), extra=f"{pair.c}.{pair.key} IS NULL"
    )
    if rng.random() < 0.18:
        text = f"How many {plurals} {'are there ' if said.startswith('with') else ''}{said}?"
        text = text.replace(f"{plurals} who ", f"{plurals} ").replace(
            f"{plurals} that ", f"{plurals} "
        )
        query = replace(query, select="COUNT(*)")
    return Ask(text, query, "fixed", pair.parent)


def many_children(rng: random.Random, pair: Pair) -> Ask | None:
    """Parents with more than n children."""
    plurals, many = pair.parent.entity.plural, pair.child.entity.plural
    k = rng.randint(1, 10)
    test, amount = f"COUNT(*) > {k}", f"more than {count_word(rng, k)}"
    if rng.random() < 0.4:
        test, amount = f"COUNT(*) >= {k + 1}", f"at least {count_word(rng, k + 1)}"
    elif k == 1:
        many = pair.child.entity.singular
    text = pick(
        rng,
        f"Which {plurals} have {amount} {many}?|List the {plurals} with {amount} {many}.|"
        f"{plurals} with {amount} {many}|Find the {plurals} that have {amount} {many}.",
    )
    query = Query(
        pair.named, pair.source_from_parent(), group=f"{pair.p}.{pair.parent.pk}", having=test
    )
    return Ask(text, query, "fixed", pair.parent)


def side_by_side(rng: random.Random, pair: Pair) -> Ask | None:
    """Each child with its parent's name."""
    one, col = pair.parent.entity.singular, pair.label.spoken
    options = [pair.child.label] if pair.child.label else pair.child.of_kind(*NUMBERS, "date")
    if not options:
        return None
    column = options[0]
    conds = conds_for(rng, pair.child, 1, frozenset({column.name})) if rng.random() < 0.3 else ()
    n = noun(rng, pair.child, conds)
    text = pick(
        rng,
        f"Show the {column.spoken} of {{n}} together with the {one}'s {col}.|List the "
        f"{column.spoken} and the {one}'s {col} for {{n}}.|For {{n}}, show the {column.spoken} "
        f"and the {one} {col}.|{{n}}: {column.spoken} and {col} of the {one}",
    )
    if pair.child.label and rng.random() < 0.4:
        text = pick(rng, f"List the {{n}} with their {one}.|Show the {{n}} and the {one} of each.")
    query = Query(f"{pair.c}.{column.name}, {pair.named}", pair.source, conds, alias=pair.c + ".")
    return Ask(text.replace("{n}", n), query, "columns2", pair.child)


def parent_of(rng: random.Random, pair: Pair) -> Ask | None:
    """The parent, or a column of it, of a child given by name."""
    label, one = pair.child.label, pair.parent.entity.singular
    if not label:
        return None
    value = rng.choice(label.spec.values)
    said = say(rng, value, 0.3)
    if rng.random() < 0.4:
        said = f"the {pair.child.entity.singular} {said}"
    options = [c for c in pair.parent.columns if c.spec.kind not in ("bool", "fkint")]
    column = pair.label if rng.random() < 0.4 else rng.choice(options)
    text = pick(
        rng,
        f"What is the {column.spoken} of the {one} of {said}?|{column.spoken} of {said}'s {one}|"
        f"Show the {column.spoken} of the {one} of {said}.",
    )
    if column is pair.label:
        text = pick(
            rng, f"Which {one} does {said} belong to?|Name the {one} of {said}.|{said}: {one}?"
        )
    select = f"{pair.p}.{column.name}"
    query = Query(select, pair.source, extra=f"{pair.c}.{label.name} = {lit(value)}")
    return Ask(text, query, "fixed", pair.parent)


def by_attribute(rng: random.Random, pair: Pair) -> Ask | None:
    """Children counted or aggregated by a category of their parents."""
    groups = pair.parent.of_kind("cat")
    if not groups:
        return None
    group, many = rng.choice(groups), pair.child.entity.plural
    by = f"{pair.parent.entity.singular} {group.spoken}"
    found = aggregate(rng, pair.child, pair.child.of_kind(*NUMBERS))
    value, what = "COUNT(*)", f"number of {many}"
    if found and rng.random() < 0.5:
        value, what = f"{found[0]}({pair.c}.{found[2].name})", f"{found[1]} of {many}"
    text = pick(
        rng,
        f"What is the {what} per {by}?|{what} by {by}|Show the {what} for each {by}.|"
        f"Give me the {what} grouped by {by}.",
    )
    name = f"{pair.p}.{group.name}"
    query = Query(f"{name}, {value}", pair.source, group=name)
    return Ask(text, query, "fixed", pair.child)


def top_child(rng: random.Random, pair: Pair) -> Ask | None:
    """The first child of a named parent by a number or a date."""
    child, c = pair.child, pair.c
    options = [x for x in child.of_kind(*NUMBERS, "date", "year") if "null" not in x.spec.phrases]
    if not options or not child.label:
        return None
    said, cond = _of(rng, pair)
    column = rng.choice(options)
    pre, post, order = superlative(rng, column)
    thing = " ".join(x for x in (pre, child.entity.singular, said) if x)
    if post:
        thing += f", by {column.spoken}"
        thing = ("highest " if order.endswith("DESC") else "lowest ") + thing
        if column.spec.kind in ("date", "year"):
            return None
    text = pick(rng, f"What is the {thing}?|Find the {thing}.|Name the {thing}.|{thing}")
    query = Query(
        f"{c}.{child.label.name}",
        pair.source,
        extra=cond.sql,
        order=f"{c}.{order.removesuffix(' ASC')}",
        limit=1,
    )
    return Ask(text, query, "fixed", child)


DOUBLE: tuple[tuple[Callable[[random.Random, Pair], Ask | None], float], ...] = (
    (of_named, 24),
    (by_parent, 13),
    (with_child, 8),
    (per_parent, 15),
    (top_parent, 9),
    (without, 10),
    (many_children, 6),
    (side_by_side, 8),
    (parent_of, 7),
    (by_attribute, 8),
    (top_child, 6),
)


def double(rng: random.Random, pair: Pair) -> Ask | None:
    """A random question over the two tables."""
    builder = rng.choices([b for b, _ in DOUBLE], [w for _, w in DOUBLE])[0]
    return builder(rng, pair)
