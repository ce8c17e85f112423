"""What must hold for every row: the answers run, and they use only what the user said."""

from __future__ import annotations

import re
import sqlite3

from agents.sql.data.conditions import MONTHS, SMALL
from agents.sql.data.conversation import Row


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


def _numbers(text: str) -> set[float]:
    """Numbers said in a text: 1,500 and 5k, words up to ten."""
    said = {float(SMALL.index(w)) for w in re.findall(r"[a-z]+", text.lower()) if w in SMALL}
    for digits, thousands in re.findall(r"(\d+(?:\.\d+)?)(k?)", text.replace(",", "")):
        said.add(float(digits) * (1000 if thousands else 1))
    return said


def _is_date_said(literal: str, text: str) -> bool:
    """Whether an ISO date (or its year or month) is in the text in any spoken form."""
    year, *rest = literal.split("-")
    month = not rest or rest[0] in text or MONTHS[int(rest[0]) - 1][:3].lower() in text.lower()
    return year in text and (month or literal.endswith(("-01-01", "-12-31")))


def unsaid(answer: str, heard: str) -> list[str]:
    """Literals of the answer that no message of the user mentions."""
    missing = []
    lowered = heard.lower()
    for literal in re.findall(r"'((?:[^']|'')*)'", answer):
        text = literal.replace("''", "'").strip("%")
        if re.fullmatch(r"(\d{4}(-\d\d)*)", text):
            if not _is_date_said(text, heard):
                missing.append(text)
        elif text.lower() not in lowered and literal not in ("%Y", "%m", "%Y-%m", "%w"):
            missing.append(text)
    plain = re.sub(r"'(?:[^']|'')*'", "", answer)
    said = _numbers(heard)
    for value in re.findall(r"(?:[<>=]|LIMIT|BETWEEN|AND) (\d+(?:\.\d+)?)\b", plain):
        if float(value) > 1 and float(value) not in said:
            missing.append(value)
    return missing


def check(row: Row, *, strict: bool = True) -> None:
    """Every answer is one plain SELECT that runs; if strict, its literals were said."""
    roles = [m["role"] for m in row["messages"] if m["role"] != "system"]
    assert roles == ["user", "assistant"] * (len(roles) // 2), roles
    database, heard = sqlite3.connect(":memory:"), ""
    for message in row["messages"]:
        text = message["content"]
        assert text == text.strip(), text
        if message["role"] != "assistant":
            heard += text + "\n"
            for statement in statements(text):
                database.execute(statement)
            continue
        assert text.startswith("SELECT ") and not text.endswith(";") and "\n" not in text, text
        assert '"' not in text, text
        try:
            database.execute(text).fetchall()
        except sqlite3.Error as error:
            raise AssertionError(f"{error}: {row}") from error
        assert not strict or not unsaid(text, heard), (unsaid(text, heard), row)
    database.close()
