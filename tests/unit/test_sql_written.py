"""Written conversations become rows, also from a later question on if it makes sense alone."""

import random

from agents.sql.data.written import rows, stands_alone
from agents.written import Block

BEERS = Block(
    "CREATE TABLE beers (name TEXT, brewery TEXT, abv REAL)",
    (
        ("strongest beer?", "SELECT name FROM beers ORDER BY abv DESC LIMIT 1"),
        ("and its brewery", "SELECT brewery FROM beers ORDER BY abv DESC LIMIT 1"),
        ("how many beers does each brewery have", "SELECT brewery, COUNT(*) FROM beers"),
        ("how many under four percent", "SELECT brewery, COUNT(*) FROM beers WHERE abv < 4"),
    ),
)


def test_what_leans_on_the_question_before_does_not_stand_alone() -> None:
    assert [stands_alone(BEERS, at) for at in (1, 2, 3)] == [False, True, False]


def test_a_conversation_is_told_whole_and_from_a_later_question_on() -> None:
    whole, later = rows(BEERS, random.Random(0))
    answers = [m["content"] for m in whole["messages"] if m["role"] == "assistant"]
    assert answers[-4:] == [query for _, query in BEERS.pairs]
    assert "CREATE TABLE beers" in str(later["messages"][:3])
    assert [m["content"] for m in later["messages"] if m["role"] == "assistant"][-2:] == [
        query for _, query in BEERS.pairs[2:]
    ]
