"""The CREATE TABLE text of drawn tables."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from agents.sql.data.schemas import Column, Table

TEXT_TYPES = ("TEXT",) * 8 + ("VARCHAR(100)", "VARCHAR(50)")
TYPES = {
    "label": TEXT_TYPES,
    "cat": TEXT_TYPES,
    "text": TEXT_TYPES,
    "int": ("INTEGER", "INTEGER", "INT", "BIGINT"),
    "year": ("INTEGER", "INT"),
    "real": ("REAL", "REAL", "DECIMAL(10,2)", "REAL", "NUMERIC", "FLOAT"),
    "real1": ("REAL", "FLOAT", "NUMERIC(5,1)", "DOUBLE"),
    "date": ("DATE", "TEXT", "DATE", "DATETIME"),
    "bool": ("INTEGER", "BOOLEAN", "INT", "TINYINT(1)"),
    "fkint": ("INTEGER", "INT"),
}


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
        multiline=rng.random() < 0.28,
        upper=rng.random() < 0.8,
        typed=rng.random() < 0.9,
        constraints=rng.random() < 0.2,
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


def _hint(rng: random.Random, column: Column, look: Layout) -> tuple[str, str]:
    """(constraint, comment) that tell the values of a column."""
    if column.hinted:
        items = ", ".join("'" + v.replace("'", "''") + "'" for v in column.spec.values)
        if look.multiline:
            return "", rng.choice((f"one of {items}", items, f"values: {items}"))
        return f" CHECK ({look.quote}{column.name}{look.quote} IN ({items}))", ""
    if look.multiline and rng.random() < 0.1:
        unit = column.spec.phrases.get("unit", ("",))[0].strip()
        notes = {"date": "ISO date", "bool": "0 or 1", "int": unit, "real": unit}
        return "", notes.get(column.spec.kind, "").replace("$", "in dollars")
    return "", ""


def _body(rng: random.Random, table: Table, look: Layout) -> list[tuple[str, str]]:
    """(definition, comment) of each column that is no key."""
    body = []
    for column in table.columns:
        text = f"{look.quote}{column.name}{look.quote}"
        if look.typed:
            extra = _constraint(rng, column) if look.constraints else ""
            text += f" {rng.choice(TYPES[column.spec.kind])}{extra}"
        check, comment = _hint(rng, column, look)
        body.append((text + check if "CHECK" not in text else text, comment))
    return body


def create_table(rng: random.Random, table: Table, look: Layout) -> str:
    """The CREATE TABLE statement."""
    starts, ends = _key_lines(rng, table, look)
    head, tail = [(x, "") for x in starts], [(x, "") for x in ends]
    body = _body(rng, table, look)
    lines = head[:1] + body + head[1:] + tail if rng.random() < 0.15 else head + body + tail
    start = f"CREATE TABLE {look.exists}{look.quote}{table.name}{look.quote} ("
    if not look.multiline:
        text = start + ", ".join(x for x, _ in lines) + ")"
        return text if look.upper else _lower_keywords(text)
    parts = []
    for i, (line, comment) in enumerate(lines):
        comma = "," if i < len(lines) - 1 else ""
        parts.append(look.indent + line + comma + (f" -- {comment}" if comment else ""))
    text = "\n".join((start, *parts, ")"))
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
    pattern = r"\b(" + "|".join(words) + r")\b(?=[^']*(?:'[^']*'[^']*)*$)"
    return re.sub(pattern, lambda m: m.group().lower(), text)
