"""Writes train.jsonl: run `python -m agents.sql.data.make` from the repository root."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import statistics
from collections import Counter
from pathlib import Path
from typing import TypedDict

from agents.sql.data.followups import follow_up
from agents.sql.data.joins import double, draw_pair, triple
from agents.sql.data.phrasing import (
    ALONE,
    SYSTEM_PLAIN,
    SYSTEM_SCHEMA,
    first_message,
    tone,
)
from agents.sql.data.query import Ask
from agents.sql.data.schemas import Table, create_table, draw_layout, draw_style, draw_table, load
from agents.sql.data.single import single

HERE = Path(__file__).parent
GENERATED = 2680
SEED = 7
MAX_TOKENS = 420
CHARS_PER_TOKEN = 3.3


class Message(TypedDict):
    """One chat message."""

    role: str
    content: str


class Row(TypedDict):
    """One conversation."""

    messages: list[Message]


def say(role: str, content: str) -> Message:
    """A message of the role."""
    return {"role": role, "content": content}


def schema_text(rng: random.Random, tables: list[Table]) -> str:
    """The CREATE TABLE statements in one layout."""
    look = draw_layout(rng)
    parts = [create_table(rng, t, look) for t in tables]
    semicolon = ";" if look.semicolon or len(parts) > 1 else ""
    gap = rng.choice(("\n", "\n", "\n\n", " ")) if len(parts) > 1 else ""
    return gap.join(p + semicolon for p in parts)


def draw_ask(rng: random.Random) -> tuple[Ask, list[Table]]:
    """A question and the tables of its schema, about two thirds over one table."""
    entities, _, _ = load()
    while True:
        roll = rng.random()
        ask: Ask | None
        if roll < 0.5:
            size = rng.choice((2, 3, 3, 4, 4, 5))
            tables = [
                draw_table(rng, rng.choice(list(entities.values())), draw_style(rng), size=size)
            ]
            ask = single(rng, tables[0])
        elif roll < 0.66:
            pair = draw_pair(rng)
            tables = [pair.parent, pair.child]
            ask = single(rng, rng.choice(tables))
        elif roll < 0.95:
            pair = draw_pair(rng)
            tables = [pair.parent, pair.child]
            ask = double(rng, pair)
        else:
            found = triple(rng)
            ask, tables = found if found else (None, [])
        if rng.random() < 0.15:
            tables.reverse()
        if ask:
            return ask, tables


def conversation(rng: random.Random) -> Row:
    """One row in one of the shapes: single message, schema first, schema in the system message."""
    ask, tables = draw_ask(rng)
    schema, question = schema_text(rng, tables), tone(rng, ask.text)
    shape = rng.choices(("one", "schema_first", "system_schema", "system"), (79, 12, 6, 3))[0]
    if shape == "schema_first":
        messages = [
            say("user", rng.choice(ALONE).replace("{s}", schema)),
            say("assistant", f"SELECT * FROM {tables[0].name}"),
            say("user", question),
        ]
    elif shape == "system_schema":
        messages = [
            say("system", rng.choice(SYSTEM_SCHEMA).replace("{s}", schema)),
            say("user", question),
        ]
    else:
        messages = [say("user", first_message(rng, schema, question))]
        if shape == "system":
            messages.insert(0, say("system", rng.choice(SYSTEM_PLAIN)))
    messages.append(say("assistant", ask.query.sql()))
    chance = 0.27
    while rng.random() < chance:
        fresh = rng.random() < 0.15
        after = single(rng, rng.choice(tables)) if fresh else follow_up(rng, ask)
        if after:
            messages += [say("user", tone(rng, after.text)), say("assistant", after.query.sql())]
            ask, chance = after, 0.2
        else:
            chance *= 0.6
    return {"messages": messages}


def tokens(row: Row) -> float:
    """Estimated rendered length; each message carries about 16 characters of chat markup."""
    return sum(len(m["content"]) + 16 for m in row["messages"]) / CHARS_PER_TOKEN


def statements(text: str) -> list[str]:
    """The CREATE TABLE statements inside a text, up to their closing bracket."""
    found = []
    for match in re.finditer(r"create table", text, re.IGNORECASE):
        depth = 0
        for at in range(text.index("(", match.start()), len(text)):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            if depth == 0:
                found.append(text[match.start() : at + 1])
                break
    return found


def check(row: Row) -> None:
    """Every answer is one plain SELECT that runs on the row's schema."""
    roles = [m["role"] for m in row["messages"] if m["role"] != "system"]
    assert roles == ["user", "assistant"] * (len(roles) // 2), roles
    database = sqlite3.connect(":memory:")
    for message in row["messages"]:
        text = message["content"]
        assert text == text.strip(), text
        if message["role"] != "assistant":
            for statement in statements(text):
                database.execute(statement)
            continue
        assert text.startswith("SELECT ") and not text.endswith(";") and "\n" not in text, text
        assert '"' not in text, text
        try:
            database.execute(text).fetchall()
        except sqlite3.Error as error:
            raise AssertionError(f"{error}: {row}") from error
    database.close()


def read(path: Path) -> list[Row]:
    """The rows of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def build() -> list[Row]:
    """Generated and handwritten rows, checked, without repeats, shuffled."""
    rng = random.Random(SEED)
    rows = read(HERE / "handwritten.jsonl")
    seen: set[str] = set()
    while len(seen) < GENERATED:
        row = conversation(rng)
        key = json.dumps(row)
        if tokens(row) <= MAX_TOKENS and key not in seen:
            seen.add(key)
            rows.append(row)
    for row in rows:
        check(row)
        assert tokens(row) <= MAX_TOKENS, row
    rng.shuffle(rows)
    return rows


def main() -> None:
    """Write train.jsonl and print what is in it."""
    rows = build()
    lines = [json.dumps(r, ensure_ascii=False) + "\n" for r in rows]
    (HERE / "train.jsonl").write_text("".join(lines), "utf-8")
    lengths = [tokens(r) for r in rows]
    answers = [m["content"] for r in rows for m in r["messages"] if m["role"] == "assistant"]
    first = Counter(r["messages"][0]["role"] for r in rows)
    turns = Counter(sum(m["role"] == "user" for m in r["messages"]) for r in rows)
    print(f"{len(rows)} rows, {len(answers)} answers, {sum(' JOIN ' in a for a in answers)} joins")
    print(f"tokens: mean {statistics.mean(lengths):.0f}, max {max(lengths):.0f}")
    print(f"user turns {dict(sorted(turns.items()))}, first role {dict(first)}")


if __name__ == "__main__":
    main()
