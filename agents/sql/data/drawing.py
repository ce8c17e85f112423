"""Draws concrete tables: naming habits, which columns, what they are called."""

from __future__ import annotations

import random
from dataclasses import dataclass

from agents.sql.data.schemas import Column, Entity, Spec, Table

RESERVED = {"order", "case", "transaction", "group", "index", "table", "match"}


SHORT = {
    "quantity": "qty",
    "amount": "amt",
    "number": "no",
    "department": "dept",
    "address": "addr",
    "customer": "cust",
    "employee": "emp",
    "category": "cat",
    "average": "avg",
    "year": "yr",
    "name": "nm",
    "manager": "mgr",
    "country": "ctry",
    "population": "pop",
    "temperature": "temp",
    "duration": "dur",
    "weight": "wt",
    "height": "ht",
    "distance": "dist",
    "position": "pos",
    "level": "lvl",
    "total": "tot",
    "payment": "pmt",
    "product": "prod",
    "phone": "tel",
    "title": "ttl",
    "price": "prc",
    "rating": "rtg",
    "salary": "sal",
    "date": "dt",
}


@dataclass(frozen=True)
class Style:
    """Naming habits of one schema."""

    case: str
    singular: bool
    prefix: bool
    pk: str
    short: bool
    table_form: str

    def spell(self, name: str) -> str:
        """`hire_date` as this schema would write it."""
        if self.short:
            name = "_".join(SHORT.get(w, w) for w in name.split("_"))
        if self.case == "snake":
            return name
        if self.case == "UPPER":
            return name.upper()
        words = name.split("_")
        camel = "".join(w[:1].upper() + w[1:] for w in words)
        return camel if self.case == "Camel" else camel[0].lower() + camel[1:]

    def table(self, entity: Entity) -> str:
        """Name of the entity's table."""
        single = entity.singular.replace(" ", "_")
        plain = single if self.singular and single not in RESERVED else entity.table
        return self.spell(self.table_form.replace("{t}", plain))

    def key(self, entity: Entity) -> str:
        """Name of the entity's primary key."""
        own = entity.singular.replace(" ", "_") + "_id"
        return self.spell(own if self.pk == "own" else "id")


def draw_style(rng: random.Random) -> Style:
    """Mostly snake_case, plural tables, `id` keys."""
    return Style(
        case=rng.choices(("snake", "Camel", "camel", "UPPER"), (78, 11, 8, 3))[0],
        singular=rng.random() < 0.22,
        prefix=rng.random() < 0.06,
        pk=rng.choice(("id", "id", "id", "own", "own")),
        short=rng.random() < 0.1,
        table_form=rng.choices(
            ("{t}", "tbl_{t}", "{t}_list", "{t}_data", "all_{t}", "my_{t}", "{t}_info"),
            (91, 2, 2, 2, 1, 1, 1),
        )[0],
    )


def _column(rng: random.Random, spec: Spec, name: str, style: Style, prefix: str) -> Column:
    unit = spec.phrases.get("unit", ("",))[0].strip()
    suffix = {"$": "usd", "kg": "kg", "cm": "cm", "m": "m", "minutes": "min"}.get(unit, "")
    if suffix and rng.random() < 0.08 and not name.endswith(suffix):
        name += "_" + suffix
    hinted = spec.kind == "cat" and 2 <= len(spec.values) <= 6 and rng.random() < 0.12
    return Column(style.spell(prefix + name), spec, rng.choice(spec.spoken), hinted)


def draw_table(
    rng: random.Random,
    entity: Entity,
    style: Style,
    *,
    size: int = 4,
    key: bool | None = None,
    taken: frozenset[str] = frozenset(),
) -> Table:
    """A table of the label and up to `size` further columns in a random order."""
    labels = [s for s in entity.specs if s.kind == "label"]
    others = [s for s in entity.specs if s.kind != "label"]
    others = rng.sample(others, min(size, len(others)))
    if rng.random() < 0.6:
        others.sort(key=entity.specs.index)
    prefix = entity.singular[:4].rstrip("aeiou ") + "_" if style.prefix else ""
    columns: list[Column] = []
    names, spoken = set(taken), set(taken)
    for spec in labels + others:
        free = [n for n in spec.names if n not in names]
        if not free:
            continue
        name = free[0] if rng.random() < 0.4 else rng.choice(free)
        column = _column(rng, spec, name, style, prefix)
        if column.spoken not in spoken and column.name not in {c.name for c in columns}:
            names.add(name)
            spoken.add(column.spoken)
            columns.append(column)
    has_key = key if key is not None else rng.random() < 0.7
    return Table(style.table(entity), entity, tuple(columns), style.key(entity) if has_key else "")
