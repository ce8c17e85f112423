"""Reads domains.txt and draws concrete tables from it.

domains.txt, one line each:
    # singular | plural | who/that | table name, when it is not the plural
    column names | kind arguments | spoken names | key=phrase/phrase;flag
    > child | parent | foreign key names | child of {p} | parent with {c} | parent without | did {p}
    & left | junction | right | left key | right key | right of left {v} | left of right {v}
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

POOLS = {
    "person": "Ana Silva,John Smith,Maria Lopez,Wei Chen,Fatima Khan,Tom Baker,Lena Vogel,"
    "Raj Patel,Grace Kim,Omar Haddad,Julia Novak,David O'Neil,Sara Lindqvist,Emily Clark,"
    "Hugo Martin,Priya Nair,Alice Wong,Ben Carter,Nina Rossi,Kofi Mensah,Carlos Diaz",
    "city": "Berlin,Paris,London,Madrid,Oslo,Tokyo,Chicago,Boston,Lisbon,Vienna,New York,Rome,"
    "Dublin,Toronto,Mumbai,Seattle,Hamburg,Prague,San Diego,Nairobi",
    "country": "Germany,France,Spain,Japan,Canada,Brazil,India,Norway,Italy,Mexico,USA,Kenya,"
    "Poland,Australia,Portugal,Greece",
    "handle": "sunny42,markus_b,lea,techguy,nora.k,bookworm,pixel7,jdoe,anna_w",
    "email": "gmail,example.com,company.org,yahoo,.edu,hotmail",
    "phone": "555,+49,+1,212",
    "code": "978,A1,X9,00",
    "url": "https,.com,.org",
    "word": "great,slow,refund,broken,thanks,error,late,timeout,price",
}
RESERVED = {"order", "case", "transaction", "group", "index", "table", "match"}
TEXT_TYPES = ("TEXT", "TEXT", "TEXT", "VARCHAR(100)", "VARCHAR(255)", "VARCHAR(50)")
TYPES = {
    "label": TEXT_TYPES,
    "cat": TEXT_TYPES,
    "text": TEXT_TYPES,
    "int": ("INTEGER", "INTEGER", "INT", "BIGINT"),
    "year": ("INTEGER", "INT"),
    "real": ("REAL", "REAL", "DECIMAL(10,2)", "NUMERIC", "FLOAT"),
    "real1": ("REAL", "FLOAT", "NUMERIC(5,1)", "DOUBLE"),
    "date": ("DATE", "TEXT", "DATE", "DATETIME"),
    "bool": ("INTEGER", "BOOLEAN", "INT", "TINYINT(1)"),
    "fkint": ("INTEGER", "INT"),
}


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
        return POOLS.get(joined, joined).split(",")


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
    for line in (Path(__file__).parent / "domains.txt").read_text("utf-8").splitlines():
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
class Style:
    """Naming and layout habits of one schema."""

    case: str
    singular: bool
    prefix: bool
    pk: str

    def spell(self, name: str) -> str:
        """`hire_date` as this schema would write it."""
        if self.case == "snake":
            return name
        words = name.split("_")
        camel = "".join(w[:1].upper() + w[1:] for w in words)
        return camel if self.case == "Camel" else camel[0].lower() + camel[1:]

    def table(self, entity: Entity) -> str:
        """Name of the entity's table."""
        single = entity.singular.replace(" ", "_")
        plain = single if self.singular and single not in RESERVED else entity.table
        return self.spell(plain)

    def key(self, entity: Entity) -> str:
        """Name of the entity's primary key."""
        own = entity.singular.replace(" ", "_") + "_id"
        return self.spell(own if self.pk == "own" else "id")


def draw_style(rng: random.Random) -> Style:
    """Mostly snake_case, plural tables, `id` keys."""
    case = rng.choices(("snake", "Camel", "camel"), (80, 13, 7))[0]
    return Style(case, rng.random() < 0.22, rng.random() < 0.05, rng.choice(("id", "id", "own")))


def draw_table(
    rng: random.Random,
    entity: Entity,
    style: Style,
    *,
    size: int = 5,
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
    columns = []
    names = set(taken)
    for spec in labels + others:
        free = [n for n in spec.names if n not in names]
        if free:
            name = free[0] if rng.random() < 0.5 else rng.choice(free)
            names.add(name)
            columns.append(Column(style.spell(prefix + name), spec, rng.choice(spec.spoken)))
    has_key = key if key is not None else rng.random() < 0.85
    return Table(style.table(entity), entity, tuple(columns), style.key(entity) if has_key else "")


@dataclass(frozen=True)
class Layout:
    """How the CREATE TABLE text looks."""

    multiline: bool
    upper: bool
    typed: bool
    constraints: bool
    semicolon: bool
    quote: str
    indent: str
    exists: str


def draw_layout(rng: random.Random) -> Layout:
    """One-line and multi-line, upper and lower case, with and without types."""
    return Layout(
        multiline=rng.random() < 0.35,
        upper=rng.random() < 0.8,
        typed=rng.random() < 0.93,
        constraints=rng.random() < 0.4,
        semicolon=rng.random() < 0.75,
        quote=rng.choices(("", '"', "`"), (95, 3, 2))[0],
        indent=rng.choice(("  ", "    ")),
        exists="IF NOT EXISTS " if rng.random() < 0.04 else "",
    )


def _constraint(rng: random.Random, column: Column) -> str:
    kind, nullable = column.spec.kind, "null" in column.spec.phrases
    if nullable or rng.random() < 0.55:
        return ""
    if kind == "bool":
        return rng.choice((" DEFAULT 0", " NOT NULL DEFAULT 0", " DEFAULT 1"))
    if kind in ("int", "real") and rng.random() < 0.4:
        return rng.choice((" DEFAULT 0", f" CHECK ({column.name} >= 0)"))
    if kind == "cat" and rng.random() < 0.3:
        return " DEFAULT '" + column.spec.values[0].replace("'", "''") + "'"
    return " NOT NULL"


def _key_lines(rng: random.Random, table: Table, look: Layout) -> tuple[list[str], list[str]]:
    head, tail = [], []
    typed = (" INTEGER" if rng.random() < 0.7 else " INT") if look.typed else ""
    if table.pk:
        style = rng.random()
        if not look.typed and style < 0.6:
            head.append(table.pk)
        elif style < 0.12:
            head.append(table.pk + typed)
            tail.append(f"PRIMARY KEY ({table.pk})")
        else:
            auto = " AUTOINCREMENT" if style > 0.93 and typed == " INTEGER" else ""
            head.append(f"{table.pk}{typed} PRIMARY KEY{auto}")
    form = rng.random()
    for column, parent, key in table.keys:
        line = column + typed
        if form < 0.35 and key:
            line += f" REFERENCES {parent}({key})"
        elif form < 0.5 and key:
            tail.append(f"FOREIGN KEY ({column}) REFERENCES {parent}({key})")
        head.append(line)
    return head, tail


def create_table(rng: random.Random, table: Table, look: Layout) -> str:
    """The CREATE TABLE statement."""
    head, tail = _key_lines(rng, table, look)
    body = []
    for column in table.columns:
        kind = rng.choice(TYPES[column.spec.kind])
        extra = _constraint(rng, column) if look.constraints else ""
        name = f"{look.quote}{column.name}{look.quote}"
        body.append(f"{name} {kind}{extra}" if look.typed else name)
    if rng.random() < 0.15:
        head, body = head[:1], body + head[1:]
    lines = head + body + tail
    start = f"CREATE TABLE {look.exists}{look.quote}{table.name}{look.quote} ("
    if look.multiline:
        text = start + "\n" + ",\n".join(look.indent + x for x in lines) + "\n)"
    else:
        text = start + ", ".join(lines) + ")"
    return text if look.upper else _lower_keywords(text)


def _lower_keywords(text: str) -> str:
    words = (
        "CREATE TABLE",
        "INTEGER",
        "PRIMARY KEY",
        "TEXT",
        "REAL",
        "REFERENCES",
        "NOT NULL",
        "DEFAULT",
        "VARCHAR",
        "DECIMAL",
        "NUMERIC",
        "FLOAT",
        "DATE",
        "DATETIME",
        "BOOLEAN",
        "INT",
        "BIGINT",
        "FOREIGN KEY",
        "CHECK",
        "UNIQUE",
        "IF NOT EXISTS",
    )
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, word.lower())
    return text
