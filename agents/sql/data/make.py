"""Writes train.jsonl: run `python -m agents.sql.data.make` from the repository root."""

from __future__ import annotations

import json
import random
import statistics
from collections import Counter
from pathlib import Path

from agents.sql.data import written
from agents.sql.data.checks import check
from agents.sql.data.conversation import MAX_TOKENS, Row, conversation, tokens
from agents.written import read_blocks

HERE = Path(__file__).parent
GENERATED = 500
SEED = 7


def read(path: Path) -> list[Row]:
    """The rows of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def build() -> list[Row]:
    """Generated, handwritten and written rows, checked, without repeats, shuffled."""
    rng = random.Random(SEED)
    rows = read(HERE / "handwritten.jsonl")
    rows += [row for block in read_blocks(HERE / "written.txt") for row in written.rows(block, rng)]
    for row in rows:
        check(row, strict=False)
    seen: set[str] = set()
    while len(seen) < GENERATED:
        row = conversation(rng)
        key = json.dumps(row)
        if tokens(row["messages"]) <= MAX_TOKENS and key not in seen:
            check(row)
            seen.add(key)
            rows.append(row)
    rng.shuffle(rows)
    return rows


def main() -> None:
    """Write train.jsonl and print what is in it."""
    rows = build()
    lines = [json.dumps(r, ensure_ascii=False) + "\n" for r in rows]
    (HERE / "train.jsonl").write_text("".join(lines), "utf-8")
    lengths = [tokens(r["messages"]) for r in rows]
    answers = [m["content"] for r in rows for m in r["messages"] if m["role"] == "assistant"]
    first = Counter(r["messages"][0]["role"] for r in rows)
    turns = Counter(sum(m["role"] == "user" for m in r["messages"]) for r in rows)
    print(f"{len(rows)} rows, {len(answers)} answers, {sum(' JOIN ' in a for a in answers)} joins")
    print(
        f"tokens: {sum(lengths):.0f}, mean {statistics.mean(lengths):.0f}, max {max(lengths):.0f}"
    )
    print(f"user turns {dict(sorted(turns.items()))}, first role {dict(first)}")


if __name__ == "__main__":
    main()
