"""Writes train.jsonl: hand-written rows, composed messages and conversations.

Run from the repository root: python -m agents.triage.data.make
"""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from agents.triage.data.chains import make_chain
from agents.triage.data.labels import Turn
from agents.triage.data.messages import compose
from agents.triage.data.situations import Situation, load_situations
from agents.triage.data.tones import SYSTEM_MESSAGES

FOLDER = Path(__file__).parent
SEED = 7
COMPOSED = 2050
CHAINS = 210
HANDWRITTEN_REPEATS = 2
SYSTEM_SHARE = 0.05
CATEGORY_WEIGHTS = {
    "billing": 19,
    "delivery": 18,
    "account": 16,
    "technical": 18,
    "cancellation": 13,
    "feedback": 16,
}
LENGTHS = (12, 25, 63)

Row = dict[str, Any]


def to_row(turns: list[Turn]) -> Row:
    """Chat messages with the label of each turn as the assistant's answer."""
    messages = []
    for turn in turns:
        messages.append({"role": "user", "content": turn.text})
        messages.append({"role": "assistant", "content": turn.label.to_json()})
    return {"messages": messages}


def read_handwritten() -> list[Row]:
    """The rows people wrote."""
    lines = (FOLDER / "handwritten.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def compose_rows(situations: dict[str, list[Situation]], rng: random.Random) -> list[Row]:
    """Distinct single messages, every situation of a category equally often."""
    rows: dict[str, Row] = {}
    total = sum(CATEGORY_WEIGHTS.values())
    for category, weight in CATEGORY_WEIGHTS.items():
        pool = situations[category]
        wanted = len(rows) + COMPOSED * weight // total
        turn = 0
        while len(rows) < wanted:
            text, label = compose(pool[turn % len(pool)], rng, LENGTHS)
            rows.setdefault(text.lower(), to_row([Turn(text, label)]))
            turn += 1
    return list(rows.values())


def with_system(row: Row, rng: random.Random) -> Row:
    """`row`, now and then behind somebody else's generic system message."""
    if rng.random() >= SYSTEM_SHARE:
        return row
    system = {"role": "system", "content": rng.choice(SYSTEM_MESSAGES)}
    return {"messages": [system, *row["messages"]]}


def make_rows(rng: random.Random) -> list[Row]:
    """All training rows, shuffled."""
    situations = load_situations()
    rows = read_handwritten() * HANDWRITTEN_REPEATS
    rows += compose_rows(situations, rng)
    rows += [to_row(make_chain(situations, rng)) for _ in range(CHAINS)]
    rng.shuffle(rows)
    return [with_system(row, rng) for row in rows]


def summarise(rows: list[Row]) -> str:
    """Counts per field of the last answers, chains and mean words of user text."""
    answers = [json.loads(row["messages"][-1]["content"]) for row in rows]
    lines = [f"{len(rows)} rows"]
    for key in ("category", "priority", "sentiment"):
        lines.append(f"{key}: {dict(Counter(answer[key] for answer in answers))}")
    texts = [[m["content"] for m in row["messages"] if m["role"] == "user"] for row in rows]
    words = sum(len(text.split()) for turns in texts for text in turns)
    lines.append(f"chains: {sum(len(turns) > 1 for turns in texts)}")
    lines.append(f"mean words a row: {words / len(rows):.1f}")
    return "\n".join(lines)


def main() -> None:
    """Write train.jsonl and print its summary."""
    rows = make_rows(random.Random(SEED))
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (FOLDER / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    print(summarise(rows))


if __name__ == "__main__":
    main()
