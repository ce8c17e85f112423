"""Writes train.jsonl: python -m agents.cron.data.make

Conventions where a request leaves something open:
- no time: midnight; "every morning" alone 8:00, "every evening" alone 18:00 (hand-written rows);
- weekly: Sunday; monthly: day 1; quarterly: day 1 of months 1, 4, 7, 10; half-yearly: 1 and 7;
- an hour without am or pm: as on a 24-hour clock; "9 to 5" is 9-17;
- "every N minutes between A and B": hours A-B with B included; business hours are 9-17;
  "until before B", "to 16:59" and "from A to midnight" leave B out;
- every N days or other month: */N, counted from the 1st or January.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from agents.cron.data.carriers import polish, say
from agents.cron.data.compose import schedule
from agents.cron.data.coverage import coverage
from agents.cron.data.followups import follow_up
from agents.cron.expression import fire_times_equal
from agents.written import read_blocks

HERE = Path(__file__).parent
SEED, ROWS = 7, 7200
CHAINS, THREE_TURNS, SYSTEM = 0.25, 0.18, 0.02
SYSTEMS = (
    "You are a helpful assistant.",
    "You are a scheduling assistant.",
    "You write cron expressions.",
    "Be concise.",
    "Answer with the cron expression only.",
    "You help engineers automate things.",
    "You are an assistant for a small company.",
    "Help the user with their schedules.",
)

Row = dict[str, list[dict[str, str]]]


def make_row(rng: Random) -> Row:
    """One conversation of one to three requests."""
    words, fields = schedule(rng)
    turns = [(say(words, fields, rng), str(fields))]
    if rng.random() < CHAINS:
        for _ in range(2 if rng.random() < THREE_TURNS else 1):
            text, fields = follow_up(fields, rng)
            turns.append((polish(text, rng), str(fields)))
    system = [{"role": "system", "content": rng.choice(SYSTEMS)}] * (rng.random() < SYSTEM)
    return {"messages": system + _messages(turns)}


def _messages(turns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    messages = []
    for request, answer in turns:
        messages.append({"role": "user", "content": request})
        messages.append({"role": "assistant", "content": answer})
    return messages


def contents(row: Row, role: str) -> list[str]:
    return [message["content"] for message in row["messages"] if message["role"] == role]


def check(row: Row) -> None:
    """Every turn is answered by a valid expression."""
    roles = [message["role"] for message in row["messages"] if message["role"] != "system"]
    if roles != ["user", "assistant"] * (len(roles) // 2):
        raise ValueError(f"turns out of order: {row}")
    for answer in contents(row, "assistant"):
        if not fire_times_equal(answer, answer):
            raise ValueError(f"not a cron expression: {answer!r}")


def make_rows(rng: Random) -> list[Row]:
    """Rows written by hand, the coverage and as many sampled ones as are wanted, shuffled."""
    lines = (HERE / "handwritten.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[Row] = [json.loads(line) for line in lines]
    rows += [{"messages": _messages(block.pairs)} for block in read_blocks(HERE / "written.txt")]
    for words, fields in coverage(rng):
        request = polish(words, rng) if rng.random() < 0.6 else say(words, fields, rng)
        rows.append({"messages": _messages([(request, str(fields))])})
    seen = {tuple(contents(row, "user")) for row in rows}
    while len(rows) < ROWS:
        row = make_row(rng)
        requests = tuple(contents(row, "user"))
        if requests not in seen:
            seen.add(requests)
            rows.append(row)
    rng.shuffle(rows)
    return rows


def main() -> None:
    rows = make_rows(Random(SEED))
    for row in rows:
        check(row)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / "train.jsonl").write_text(text, encoding="utf-8")
    turns = Counter(len(contents(row, "user")) for row in rows)
    answers = Counter(answer for row in rows for answer in contents(row, "assistant"))
    print(f"{len(rows)} rows, by turns {dict(sorted(turns.items()))}, {len(answers)} answers")
    print("commonest:", answers.most_common(5))


if __name__ == "__main__":
    main()
