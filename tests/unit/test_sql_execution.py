import time

import pytest

from training.metrics import sql_execution
from training.metrics.sql_execution import create_statements, score

SCHEMA = "create table pets (id int, name text, kind text, weight real)"
ROWS = [
    "INSERT INTO pets VALUES (1, 'Tom', 'cat', 4.5), (2, 'Rex', 'dog', 30.0)",
    "INSERT INTO pets VALUES (3, 'Mia', 'cat', 3.9)",
]
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "


def judge(prediction: str, reference: str, *user_turns: str) -> float:
    messages = [{"role": "user", "content": turn} for turn in user_turns or (SCHEMA,)]
    return score(prediction, reference, {"messages": messages, "rows": ROWS})["score"]


@pytest.mark.parametrize(
    ("prediction", "reference"),
    [
        ("SELECT name FROM pets WHERE kind = 'cat'", "SELECT name FROM pets WHERE kind = 'cat'"),
        ("select p.name as n from pets p where weight<10;", "SELECT name FROM pets WHERE id <> 2"),
        ("SELECT name FROM pets ORDER BY name DESC", "SELECT name FROM pets"),
        ("SELECT name FROM pets ORDER BY weight", "SELECT name FROM pets ORDER BY weight ASC"),
        ("SELECT SUM(weight) / COUNT(*) FROM pets", "SELECT AVG(weight) FROM pets"),
        ("SELECT 0.1 + 0.2, name FROM pets", "SELECT 0.3, name FROM pets"),
        ("WITH c AS (SELECT * FROM pets) SELECT COUNT(*) FROM c", "SELECT COUNT(*) FROM pets"),
        ("SELECT name FROM pets WHERE id > 9", "SELECT name FROM pets WHERE id < 0"),
    ],
)
def test_equal_results(prediction: str, reference: str) -> None:
    assert judge(prediction, reference) == 1.0


@pytest.mark.parametrize(
    ("prediction", "reference"),
    [
        ("SELECT name FROM pets", "SELECT name FROM pets WHERE kind = 'cat'"),
        ("SELECT kind FROM pets", "SELECT DISTINCT kind FROM pets"),
        ("SELECT name, id FROM pets", "SELECT name FROM pets"),
        ("SELECT name FROM pets", "SELECT name FROM pets ORDER BY name"),
        ("SELECT 'cat' FROM pets", "SELECT kind FROM pets"),
        ("SELECT 4.4 FROM pets LIMIT 1", "SELECT weight FROM pets LIMIT 1"),
        ("SELECT '3'", "SELECT COUNT(*) FROM pets"),
    ],
)
def test_different_results(prediction: str, reference: str) -> None:
    assert judge(prediction, reference) == 0.0


@pytest.mark.parametrize(
    "prediction",
    [
        "",
        "```sql\nSELECT 1\n```",
        "Here it is: SELECT 1",
        "SELECT 1\nThis gives one.",
        "SELECT 1; SELECT 1",
        "SELECT 1; DELETE FROM pets",
        "SELECT nothing FROM nowhere",
        "DELETE FROM pets RETURNING 1",
        "WITH c AS (SELECT 1) DELETE FROM pets",
        "PRAGMA user_version",
        "VALUES (1)",
        "EXPLAIN SELECT 1",
        "SELECT 1\x00",
        "SELECT '\ud800'",
        "SELECT LENGTH(ZEROBLOB(900000000))",
        ENDLESS + "SELECT i FROM n",
    ],
)
def test_only_one_plain_select_counts(prediction: str) -> None:
    assert judge(prediction, "SELECT 1") == 0.0


def test_an_endless_query_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_execution, "TIME_LIMIT_S", 0.05)
    started = time.monotonic()
    assert judge(ENDLESS + "SELECT COUNT(*) FROM n", "SELECT 1") == 0.0
    assert time.monotonic() - started < 1


def test_order_in_a_subquery_or_window_does_not_bind() -> None:
    ranked = "SELECT name, ROW_NUMBER() OVER (ORDER BY id) FROM pets"
    assert judge(ranked + " ORDER BY name", ranked) == 1.0
    assert judge(
        "SELECT 'ORDER BY', id FROM pets ORDER BY id DESC", "SELECT 'ORDER BY', id FROM pets"
    )


def test_schema_spread_over_turns_and_prose() -> None:
    turns = (
        f"Please CREATE TABLE-like answers (no!). {SCHEMA} How many pets?",
        "and with CREATE TABLE owners(pet INT, who TEXT DEFAULT 'a)b' -- it's odd :)\n) too?",
    )
    joined = "SELECT COUNT(*) FROM pets LEFT JOIN owners ON pet = id"
    assert judge(joined, "SELECT 3", *turns) == 1.0


def test_a_restated_table_replaces_the_first() -> None:
    first = "CREATE TABLE pets (id INT)"
    assert judge("SELECT name FROM pets", "SELECT name FROM pets", first, SCHEMA) == 1.0


def test_create_statements_without_semicolons() -> None:
    text = "CREATE TABLE a (x INT) CREATE TABLE IF NOT EXISTS \"b c\" (y TEXT CHECK (y <> ')')) and"
    assert create_statements(text) == [
        ("a", "CREATE TABLE a (x INT)"),
        ('"b c"', "CREATE TABLE IF NOT EXISTS \"b c\" (y TEXT CHECK (y <> ')'))"),
    ]


@pytest.mark.parametrize(
    ("reference", "rows"),
    [("SELECT missing FROM pets", ROWS), ("SELECT 1", ["INSERT INTO other VALUES (1)"])],
)
def test_a_broken_row_is_an_error_not_a_score(reference: str, rows: list[str]) -> None:
    messages = [{"role": "user", "content": SCHEMA}]
    with pytest.raises(ValueError):
        score("SELECT 1", reference, {"messages": messages, "rows": rows})
