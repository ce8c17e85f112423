"""How a schema and a question are put into messages: order, links, tone, typos."""

from __future__ import annotations

import random
import re

from agents.sql.data.conditions import CLOSE, MONTHS, OPEN, SMALL

POLITE = (
    "Please {q}",
    "Can you {q}?",
    "Could you {q}?",
    "I'd like you to {q}",
    "{q}, please",
    "Could you please {q}?",
    "I want to {q}",
    "Help me {q}",
    "{q} thanks",
)
VERBS = (
    "Show",
    "List",
    "Get",
    "Find",
    "Give",
    "Count",
    "Calculate",
    "Fetch",
    "Return",
    "Name",
    "Display",
    "Compute",
    "Tell",
    "Look",
)
PLAIN = (
    "{s}\n\n{q}",
    "{s}\n\n{q}",
    "{s}\n{q}",
    "{s}\n{q}",
    "{s} {q}",
    "{q}\n\n{s}",
    "{q}\n{s}",
    "{q} {s}",
)
LINKED = (
    "Schema:\n{s}\n\nQuestion: {q}",
    "Schema: {s}\nQuestion: {q}",
    "Here's my table:\n{s}\n\n{q}",
    "{q}\n\nSchema:\n{s}",
    "{q}\nTable: {s}",
    "Given {s}, write a query: {q}",
    "Given the schema\n{s}\n{q}",
    "Tables:\n{s}\n\n{q}",
    "I have this table: {s}. {q}",
    "My database looks like this:\n\n{s}\n\n{q}",
    "{s}\n\nQuestion: {q}",
    "Question: {q}\n{s}",
    "Using this schema:\n{s}\n\n{q}",
    "### Schema\n{s}\n### Question\n{q}",
    "{s}\n-- {q}",
    "```sql\n{s}\n```\n{q}",
    "Write SQL for this: {q}\n\n{s}",
    "{s}\n\nWrite a query: {q}",
    "DB schema: {s}. Query: {q}",
    "{q}\nHere is the schema: {s}",
    "With this table {s} - {q}",
    "SQL please. {s}\n{q}",
    "Translate to SQL: {q}\n{s}",
    "{q} Schema is:\n{s}",
)
ALONE = (
    "{s}",
    "{s}",
    "{s}",
    "{s}",
    "Here is my schema:\n{s}",
    "This is my database:\n\n{s}",
    "I have the following table: {s}",
    "Schema:\n{s}",
    "My tables:\n{s}",
    "I'll ask about this:\n{s}",
)
SYSTEM_SCHEMA = (
    "{s}",
    "{s}",
    "Database schema:\n{s}",
    "Schema:\n{s}",
    "The database:\n\n{s}",
    "Answer questions about this SQLite database.\n{s}",
    "You write SQL for these tables:\n{s}",
)
SYSTEM_PLAIN = (
    "You are a helpful assistant.",
    "You are an SQL expert.",
    "Be brief.",
    "You are a data analyst's assistant.",
    "You help with databases.",
    "You are a helpful assistant. Today is a good day.",
)


def _outside(text: str) -> list[str]:
    """Odd items are marked values."""
    return re.split(f"[{OPEN}{CLOSE}]", text)


def lower(text: str) -> str:
    """Lower case, values and ids aside."""
    parts = _outside(text)
    parts[::2] = [p.lower() for p in parts[::2]]
    return _join(parts)


def _join(parts: list[str]) -> str:
    return "".join(p if i % 2 == 0 else OPEN + p + CLOSE for i, p in enumerate(parts))


def _misspell(rng: random.Random, word: str) -> str:
    at = rng.randrange(1, len(word) - 2)
    form = rng.random()
    if form < 0.45:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if form < 0.8 else word[:at] + word[at] + word[at:]


def typos(rng: random.Random, text: str) -> str:
    """One or two misspelt words outside the values."""
    parts = _outside(text)
    spots = [
        (i, m)
        for i in range(0, len(parts), 2)
        for m in re.finditer(r"(?<!\w)[A-Za-z]{5,}(?!\w)", parts[i])
        if m.group().capitalize() not in MONTHS and m.group().lower() not in SMALL
    ]
    chosen = rng.sample(spots, min(len(spots), rng.choice((1, 1, 2))))
    for i, m in sorted(chosen, key=lambda s: -s[1].start()):
        wrong = _misspell(rng, m.group())
        parts[i] = parts[i][: m.start()] + wrong + parts[i][m.end() :]
    return _join(parts)


def tone(rng: random.Random, text: str) -> str:
    """The question as somebody types it; the marks around values are gone."""
    text = text.strip()
    if text.startswith(VERBS) and rng.random() < 0.17:
        body = text[0].lower() + text[1:].rstrip(".?")
        form = rng.choice(POLITE)
        text = form.format(q=body) + ("" if form.endswith("?") else rng.choice((".", "")))
    elif text.endswith("?") and rng.random() < 0.06:
        text = rng.choice(("Quick question: ", "Hi! ", "I wonder: ", "Hello, ")) + text
    roll = rng.random()
    if roll < 0.22:
        text = lower(text)
    elif roll < 0.9 and not text.startswith(OPEN):
        text = text[0].upper() + text[1:]
    if rng.random() < 0.13:
        text = text.rstrip(".?")
    if rng.random() < 0.08:
        text = typos(rng, text)
    return text.replace(OPEN, "").replace(CLOSE, "")


def first_message(rng: random.Random, schema: str, question: str) -> str:
    """Schema and question in one user message."""
    form = rng.choice(PLAIN if rng.random() < 0.6 else LINKED)
    if not question.endswith((".", "?", "!")) and form == "{q} {s}":
        question += ":"
    filled = form.replace("{q}", question.replace("{s}", "")).replace("{s}", schema)
    return filled.replace(";.", ";").replace(";,", ",")
