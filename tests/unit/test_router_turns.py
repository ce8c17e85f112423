import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agents.data import Message
from agents.errors import DataError
from router.turns import (
    LabelledConversation,
    LabelledTurn,
    RoutingTurn,
    all_turns,
    as_served,
    hold_out,
    load_labelled,
)


def written(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_conversation_becomes_one_labelled_turn_per_user_message(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "lamp on", "domain": "home"},
        {"role": "assistant", "content": "{}"},
        {"role": "user", "content": "thanks", "domain": "general"},
    ]
    (conversation,) = load_labelled(written(tmp_path, {"id": "a", "turns": turns}))
    first, second = conversation.turns
    assert (first.agent, first.turn.current, first.turn.previous_text) == ("home", None, "")
    assert (second.agent, second.turn.current) == ("general", "home")
    assert second.turn.messages[1] == Message("assistant", "{}")
    assert (second.turn.text, second.turn.previous_text) == ("thanks", "lamp on")


def test_single_rows_become_first_turns(tmp_path: Path) -> None:
    rows = load_labelled(written(tmp_path, {"text": "hi", "domain": "none"}))
    (row,) = all_turns(rows)
    assert row.turn == RoutingTurn((Message("user", "hi"),))
    assert row.agent == "none"


def test_intents_are_taken_along(tmp_path: Path) -> None:
    turn = {"role": "user", "content": "lamp on", "domain": "home", "intent": "switch"}
    rows = {"text": "hi", "domain": "none", "intent": "oos"}, {"turns": [turn]}
    assert [row.intent for row in all_turns(load_labelled(written(tmp_path, *rows)))] == [
        "oos",
        "switch",
    ]


def test_a_part_of_every_agents_conversations_is_held_out(tmp_path: Path) -> None:
    rows = [{"text": f"{n}", "domain": "none" if n < 20 else "home"} for n in range(220)]
    conversations = load_labelled(written(tmp_path, *rows))
    kept, held = hold_out(conversations, 0.1)
    assert sorted(row.id for row in [*kept, *held]) == sorted(row.id for row in conversations)
    assert Counter(row.agent for row in all_turns(held)) == {"none": 2, "home": 20}
    assert hold_out(conversations, 0.1) == (kept, held)


def test_no_agent_is_held_out_whole(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "lamp on", "domain": "home"},
        {"role": "user", "content": "checkmate", "domain": "chess"},
    ]
    rows = [{"text": f"{n}", "domain": "home"} for n in range(30)]
    for at in range(30):
        both = load_labelled(written(tmp_path, *rows[:at], {"turns": turns}, *rows[at:]))
        kept, held = hold_out(both, 0.2)
        assert "chess" in {row.agent for row in all_turns(kept)}
        assert len(held) >= 5 and len(kept) + len(held) == 31


def conversation(*agents: str) -> LabelledConversation:
    """One that these agents answer in turn."""
    turns = (
        LabelledTurn(RoutingTurn((Message("user", f"{n}"),), before), agent, "intent")
        for n, (before, agent) in enumerate(zip((None, *agents[:-1]), agents, strict=True))
    )
    return LabelledConversation("some", tuple(turns))


def test_a_conversation_as_served_differs_in_its_current_agents_only() -> None:
    conversations = [conversation("home", "home", "cron", "sql", "sql")] * 200
    served = as_served(conversations, ["cron", "home", "sql"])
    for row, before in zip(all_turns(served), all_turns(conversations), strict=True):
        assert (row.turn.messages, row.agent, row.intent) == (
            before.turn.messages,
            before.agent,
            before.intent,
        )
    assert as_served(conversations, ["cron", "home", "sql"]) == served


def test_hand_offs_are_overlooked_for_a_while_and_some_turns_stray() -> None:
    agents = ["cron", "home", "sql"]
    served = as_served([conversation("home", "cron", "cron", "cron")] * 1000, agents)
    firsts, hand_offs, after, later = (
        Counter(each.turns[number].turn.current for each in served) for number in range(4)
    )
    assert firsts == {None: 1000}
    assert 920 < hand_offs["home"] < 980  # now and then another one, or nobody knows
    assert 250 < after["home"] < 350  # overlooked, so home is taken for the current one
    assert 60 < later["home"] < 140  # and once more
    assert 10 < after["sql"] < 60 and 10 < later[None] < 40


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"text": "hi"}, "a user turn needs its `domain`"),
        ({"domain": "home"}, "`turns`, or with `text` and `domain`"),
        ({"turns": []}, "no user turn"),
        ({"turns": [{"role": "system", "content": "x"}]}, "turn 1: `role` must be"),
        ({"turns": [{"role": "user", "content": " ", "domain": "home"}]}, "no text"),
    ],
)
def test_broken_rows_are_named_with_file_and_line(
    tmp_path: Path, row: dict[str, Any], complaint: str
) -> None:
    path = written(tmp_path, {"text": "hi", "domain": "home"}, row)
    with pytest.raises(DataError, match=r"rows\.jsonl:2") as caught:
        load_labelled(path)
    assert complaint in str(caught.value)


def test_missing_empty_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        load_labelled(tmp_path / "nowhere.jsonl")
    with pytest.raises(DataError, match="no rows"):
        load_labelled(written(tmp_path))
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"text": "\xff"}\n')
    with pytest.raises(DataError, match=r"bad\.jsonl:1: not UTF-8"):
        load_labelled(path)
    path.write_bytes(b"\n{oops\n")
    with pytest.raises(DataError, match=r"bad\.jsonl:2: not JSON"):
        load_labelled(path)
