"""Conversations: one schema, one or several questions about it, some of them follow-ups."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from agents.sql.data.ddl import create_table, draw_layout
from agents.sql.data.drawing import draw_style, draw_table
from agents.sql.data.followups import follow_up
from agents.sql.data.joins import double, draw_pair
from agents.sql.data.phrasing import (
    ALONE,
    SYSTEM_PLAIN,
    SYSTEM_SCHEMA,
    first_message,
    tone,
)
from agents.sql.data.query import Ask
from agents.sql.data.schemas import Entity, Table, families, load
from agents.sql.data.single import single
from agents.sql.data.triples import across, draw_triple

MAX_TOKENS = 380
CHARS_PER_TOKEN = 3.3
SINGLE_SHARE = 0.3
FOLLOW_UP_SHARE = 0.4  # some questions have no follow-up


class Message(TypedDict):
    """One chat message."""

    role: str
    content: str


class Row(TypedDict):
    """One conversation."""

    messages: list[Message]


@dataclass(frozen=True)
class Scene:
    """The tables of a schema and what is asked about them."""

    tables: tuple[Table, ...]
    ask: Callable[[random.Random], Ask | None]


def say(role: str, content: str) -> Message:
    """A message of the role."""
    return {"role": role, "content": content}


def tokens(messages: list[Message]) -> float:
    """Estimated rendered length; each message carries about 16 characters of chat markup."""
    return sum(len(m["content"]) + 16 for m in messages) / CHARS_PER_TOKEN


def _entity(rng: random.Random) -> Entity:
    if rng.random() < 0.6:
        return rng.choice(rng.choice(list(families().entities.values())))
    return rng.choice(list(load()[0].values()))


def draw_scene(rng: random.Random) -> Scene:
    """A schema of one, two or three tables."""
    roll = rng.random()
    if roll < 0.62:
        size = rng.choice((2, 3, 3, 4, 4))
        table = draw_table(rng, _entity(rng), draw_style(rng), size=size)
        return Scene((table,), lambda r: single(r, table))
    if roll < 0.94:
        pair = draw_pair(rng)
        both = (pair.parent, pair.child)
        return Scene(
            both if rng.random() < 0.8 else both[::-1],
            lambda r: double(r, pair) if r.random() < 0.55 else single(r, r.choice(both)),
        )
    triple = draw_triple(rng)
    ends = (triple.left.table, triple.right.table)
    return Scene(
        (*ends, triple.middle) if rng.random() < 0.7 else (triple.middle, *ends),
        lambda r: across(r, triple) if r.random() < 0.7 else single(r, r.choice(ends)),
    )


def schema_text(rng: random.Random, tables: tuple[Table, ...]) -> str:
    """The CREATE TABLE statements in one layout."""
    look = draw_layout(rng)
    parts = [create_table(rng, t, look) for t in tables]
    semicolon = ";" if look.semicolon or len(parts) > 1 else ""
    gap = rng.choice(("\n", "\n", "\n\n", " ")) if len(parts) > 1 else ""
    return gap.join(p + semicolon for p in parts)


def opening(rng: random.Random, schema: str, question: str) -> list[Message]:
    """The messages up to the first question, in one of the shapes."""
    shape = rng.choices(("one", "schema_first", "system_schema", "system"), (86, 6, 5, 3))[0]
    if shape == "schema_first":
        return [
            say("user", rng.choice(ALONE).replace("{s}", schema)),
            say("assistant", f"SELECT * FROM {_first_table(schema)}"),
            say("user", question),
        ]
    if shape == "system_schema":
        system = rng.choice(SYSTEM_SCHEMA).replace("{s}", schema)
        return [say("system", system), say("user", question)]
    messages = [say("user", first_message(rng, schema, question))]
    if shape == "system":
        messages.insert(0, say("system", rng.choice(SYSTEM_PLAIN)))
    return messages


def _first_table(schema: str) -> str:
    return (
        re.split(r"create table (?:if not exists )?", schema, flags=re.IGNORECASE)[1]
        .split("(", maxsplit=1)[0]
        .strip()
        .strip('"`[]')
    )


def _fresh(rng: random.Random, scene: Scene, seen: set[str]) -> Ask:
    """A question on its own that has not been asked yet."""
    while True:
        found = scene.ask(rng)
        if found and found.query.sql() not in seen:
            return found


def _later(rng: random.Random, ask: Ask, seen: set[str]) -> Ask | None:
    """A follow-up, unless a few draws find none that is new."""
    for _ in range(4):
        found = follow_up(rng, ask)
        if found and found.query.sql() not in seen:
            return found
    return None


def conversation(rng: random.Random) -> Row:
    """One row: questions until the drawn number of turns or the length limit is reached."""
    scene = draw_scene(rng)
    ask = _fresh(rng, scene, set())
    seen = {ask.query.sql()}
    messages = opening(rng, schema_text(rng, scene.tables), tone(rng, ask.text))
    messages.append(say("assistant", ask.query.sql()))
    turns = 1 if rng.random() < SINGLE_SHARE else rng.choice((3, 4, 4, 5, 5, 6))
    for _ in range(turns - 1):
        after = _later(rng, ask, seen) if rng.random() < FOLLOW_UP_SHARE else None
        ask = after or _fresh(rng, scene, seen)
        seen.add(ask.query.sql())
        added = [say("user", tone(rng, ask.text)), say("assistant", ask.query.sql())]
        if tokens(messages + added) > MAX_TOKENS:
            break
        messages += added
    return {"messages": messages}
