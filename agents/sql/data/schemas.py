"""The kinds of tables and their relations, read from domains.txt and families.txt.

domains.txt, one line each:
    # singular | plural | who/that | table name, when it is not the plural
    column names | kind arguments | spoken names | key=phrase/phrase;flag
    > child | parent | foreign key names | child of {p} | parent with {c} | parent without | did {p}
    & left | junction | right | left key | right key | right of left {v} | left of right {v}

families.txt gives one set of columns to many nouns, a plural after a slash where it is irregular:
    * family | that/who | noun,noun/plural,...
    > child family | parent family | child of {p} | parent with {c} | parent without | did {p}
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from agents.sql.data.pools import POOLS

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Spec:
    """What one column means and how people talk about it."""

    names: tuple[str, ...]
    kind: str
    args: tuple[str, ...]
    spoken: tuple[str, ...]
    phrases: dict[str, tuple[str, ...]] = field(hash=False)

    @property
    def values(self) -> list[str]:
        joined = " ".join(self.args)
        return POOLS.get(joined) or joined.split(",")


@dataclass(frozen=True)
class Entity:
    """A kind of thing that fills a table."""

    singular: str
    plural: str
    who: str
    table: str
    specs: tuple[Spec, ...]


@dataclass(frozen=True)
class Relation:
    """A child table that points at a parent."""

    child: str
    parent: str
    keys: tuple[str, ...]
    of_parent: tuple[str, ...]
    with_child: tuple[str, ...]
    without: tuple[str, ...]
    did: str


@dataclass(frozen=True)
class Junction:
    """Two entities linked through a third table."""

    left: str
    table: str
    right: str
    left_key: str
    right_keys: tuple[str, ...]
    right_of: tuple[str, ...]
    left_of: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column as one schema spells it."""

    name: str
    spec: Spec
    spoken: str
    hinted: bool = False  # the schema lists its values


@dataclass(frozen=True)
class Table:
    """One drawn table; `pk` is empty where the schema has no key."""

    name: str
    entity: Entity
    columns: tuple[Column, ...]
    pk: str
    keys: tuple[tuple[str, str, str], ...] = ()  # (column, parent table, parent key)

    def of_kind(self, *kinds: str) -> list[Column]:
        """Columns of the given kinds."""
        return [c for c in self.columns if c.spec.kind in kinds]

    @property
    def label(self) -> Column | None:
        found = self.of_kind("label")
        return found[0] if found else None


def _phrases(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part in text.split(";"):
        key, _, phrases = part.strip().partition("=")
        if key:
            found[key] = tuple(phrases.split("/"))
    return found


def _spec(line: str) -> Spec:
    names, kind, spoken, phrases = ([p.strip() for p in line.split(" |")] + ["", ""])[:4]
    first, *args = kind.split()
    columns = tuple(names.split(","))
    said = tuple(spoken.split(",")) if spoken else (columns[0].replace("_", " "),)
    return Spec(columns, first, tuple(args), said, _phrases(phrases))


@cache
def load() -> tuple[dict[str, Entity], list[Relation], list[Junction]]:
    """Entities by singular, relations and junctions of domains.txt."""
    heads: list[list[str]] = []
    specs: dict[str, list[Spec]] = {}
    relations, junctions = [], []
    for line in (HERE / "domains.txt").read_text("utf-8").splitlines():
        parts = [p.strip() for p in line[1:].split("|")]
        if line.startswith("#"):
            heads.append(parts)
            specs[parts[0]] = []
        elif line.startswith(">"):
            of_parent, with_child, without = (tuple(p.split("/")) for p in parts[3:6])
            keys = tuple(parts[2].split(","))
            relations.append(
                Relation(parts[0], parts[1], keys, of_parent, with_child, without, parts[6])
            )
        elif line.startswith("&"):
            right_of, left_of = (tuple(p.split("/")) for p in parts[5:7])
            left, table, right, left_key = parts[:4]
            keys = tuple(parts[4].split(","))
            junctions.append(Junction(left, table, right, left_key, keys, right_of, left_of))
        else:
            specs[heads[-1][0]].append(_spec(line))
    entities = {
        h[0]: Entity(h[0], h[1], h[2], (h[3:] or [h[1]])[0].replace(" ", "_"), tuple(specs[h[0]]))
        for h in heads
    }
    return entities, relations, junctions


@dataclass(frozen=True)
class Families:
    """The nouns of each family and how families relate."""

    entities: dict[str, list[Entity]]
    links: list[tuple[str, str, tuple[str, ...], str]]

    def relation(self, rng: random.Random) -> tuple[Relation, Entity, Entity]:
        """A relation between two nouns, with the child and the parent."""
        child_family, parent_family, (of_parent, with_child, without), did = rng.choice(self.links)
        child = rng.choice(self.entities[child_family])
        parent = rng.choice(self.entities[parent_family])
        key = parent.singular.replace(" ", "_")
        said = tuple(tuple(p.split("/")) for p in (of_parent, with_child, without))
        keys = (key + "_id", key + "_id", key, key + "_ref")
        return (
            Relation(child.singular, parent.singular, keys, said[0], said[1], said[2], did),
            child,
            parent,
        )


def _noun(text: str, who: str, specs: tuple[Spec, ...]) -> Entity:
    one, _, many = text.partition("/")
    if not many and one.endswith("y") and one[-2] not in "aeo":
        many = one[:-1] + "ies"
    many = many or one + ("es" if one.endswith(("ch", "x", "s")) else "s")
    return Entity(one, many, who, many.replace(" ", "_"), specs)


@cache
def families() -> Families:
    """What families.txt holds."""
    found = Families({}, [])
    for block in re.split(r"(?m)^(?=[*>])", (HERE / "families.txt").read_text("utf-8")):
        head, *lines = block.splitlines() or [""]
        parts = [p.strip() for p in head[1:].split("|")]
        if head.startswith("*"):
            specs = tuple(_spec(line) for line in lines)
            found.entities[parts[0]] = [_noun(n, parts[1], specs) for n in parts[2].split(",")]
        elif head:
            child, parent, *said, did = parts
            found.links.append((child, parent, tuple(said), did))
    return found
