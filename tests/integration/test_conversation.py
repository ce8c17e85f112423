"""Conversations over several agents: stored here, stored by the client, over a restart."""

import json
import subprocess
from typing import Any

import openai
import pytest

from agents.cron.expression import fire_times_equal
from tests.integration.conftest import NewHome
from tests.integration.gateway import CHAT, Gateway, completion_of, content_of, serving

pytestmark = pytest.mark.engine

SIX_TURNS = (
    ("every weekday at half past nine in the morning", "cron"),
    ("and on weekends?", "cron"),
    ("turn off the lights in the kitchen please", "home"),
    ("same but for the bedroom", "home"),
    ("I was charged twice for my last order, I want my money back!", "triage"),
    ("Thanks! What is the capital of France?", "general"),
)
WEEKDAYS, WEEKEND = "30 9 * * 1-5", "30 9 * * 0,6"
ORDERS = "CREATE TABLE orders (id INTEGER, customer TEXT, total REAL, paid INTEGER);"


def check_answers(answers: list[str]) -> None:
    """What the agents of `SIX_TURNS` should have said."""
    weekdays, weekend, kitchen, bedroom, triage, general = answers
    assert fire_times_equal(weekdays, WEEKDAYS)
    assert fire_times_equal(weekend, WEEKEND)
    off = {"action": "turn_off", "device": "light", "room": "kitchen", "value": None}
    assert json.loads(kitchen) == off
    assert json.loads(bedroom) == off | {"room": "bedroom"}
    assert json.loads(triage)["category"] == "billing"
    assert json.loads(triage).keys() == {"category", "priority", "sentiment"}
    assert "Paris" in general


def curl(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a new user would type."""
    done = subprocess.run(
        ["curl", "-sS", "--fail-with-body", "--max-time", "60", url, "-d", json.dumps(body)],
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def say(gateway: Gateway, text: str, conversation_id: str) -> dict[str, Any]:
    return gateway.answer(text, conversation_id=conversation_id)


def test_six_turns_over_four_agents(server: Gateway) -> None:
    conversation_id = "new"
    answers = []
    for text, agent in SIX_TURNS:
        message = {"role": "user", "content": text}
        answer = curl(
            f"{server.url}{CHAT}", {"conversation_id": conversation_id, "messages": [message]}
        )
        about = answer["philharmonic"]
        assert (text, about["agent"]) == (text, agent)
        conversation_id = about["conversation_id"]
        answers.append(content_of(answer))
    check_answers(answers)

    url = f"/v1/conversations/{conversation_id}"
    stored = server.http.get(url).json()["messages"]
    assert [m["content"] for m in stored[::2]] == [text for text, _ in SIX_TURNS]
    assert [m["content"] for m in stored[1::2]] == answers
    assert [m["agent"] for m in stored[1::2]] == [agent for _, agent in SIX_TURNS]
    assert stored[1]["model"] == "cron@1"

    deleted = server.http.delete(url)
    assert deleted.json() == {
        "id": conversation_id,
        "object": "conversation.deleted",
        "deleted": True,
    }
    assert server.http.get(url).status_code == 404
    assert server.http.delete(url).status_code == 404
    gone = server.chat("and on mondays?", conversation_id=conversation_id)
    assert gone.status_code == 404
    assert gone.json()["error"]["code"] == "conversation_not_found"


def test_the_same_conversation_kept_by_the_client(server: Gateway) -> None:
    history: list[Any] = []
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        for text, agent in SIX_TURNS:
            history.append({"role": "user", "content": text})
            completion = client.chat.completions.create(model="auto", messages=history)
            assert (text, completion.model) == (text, f"{agent}@1")
            history.append(completion.choices[0].message.model_dump(include={"role", "content"}))
    check_answers([message["content"] for message in history[1::2]])


def test_a_streamed_turn_is_stored_too(server: Gateway) -> None:
    body = {
        "conversation_id": "new",
        "messages": [{"role": "user", "content": SIX_TURNS[0][0]}],
        "stream": True,
    }
    with server.http.stream("POST", CHAT, json=body) as response:
        conversation_id = response.headers["x-philharmonic-conversation-id"]
        assert response.read().endswith(b"data: [DONE]\n\n")
    stored = server.http.get(f"/v1/conversations/{conversation_id}").json()["messages"]
    assert fire_times_equal(stored[1]["content"], WEEKDAYS)
    follow_up = say(server, "and on weekends?", conversation_id)
    assert fire_times_equal(content_of(follow_up), WEEKEND)


def test_a_question_about_tables_is_refined(server: Gateway) -> None:
    first = say(server, f"{ORDERS}\nHow many orders are there?", "new")
    assert first["philharmonic"]["agent"] == "sql"
    assert content_of(first).upper().startswith("SELECT COUNT(")
    second = say(server, "only the paid ones", first["philharmonic"]["conversation_id"])
    assert second["philharmonic"]["agent"] == "sql"
    assert "WHERE" in content_of(second).upper() and "paid" in content_of(second)


def test_two_turns_at_once_wait_for_each_other(server: Gateway) -> None:
    conversation_id = say(server, SIX_TURNS[0][0], "new")["philharmonic"]["conversation_id"]
    url = f"{server.url}{CHAT}"
    turns = []
    for text in ("and on weekends?", "at noon instead"):
        message = {"role": "user", "content": text}
        body = json.dumps({"conversation_id": conversation_id, "messages": [message]})
        turns.append(subprocess.Popen(["curl", "-sS", url, "-d", body], stdout=subprocess.PIPE))
    for turn in turns:
        printed, _ = turn.communicate(timeout=60)
        assert content_of(json.loads(printed))
    stored = server.http.get(f"/v1/conversations/{conversation_id}").json()["messages"]
    assert len(stored) == 6


def test_a_conversation_outlives_the_gateway(server: Gateway, new_home: NewHome) -> None:
    home = new_home()
    with serving(home, server.catalog, server.engine_url) as before:
        conversation_id = say(before, SIX_TURNS[2][0], "new")["philharmonic"]["conversation_id"]
        said = [content_of(say(before, SIX_TURNS[0][0], conversation_id))]
    with serving(home, server.catalog, server.engine_url) as after:
        follow_up = say(after, "and on weekends?", conversation_id)
        assert follow_up["philharmonic"]["agent"] == "cron"
        assert fire_times_equal(content_of(follow_up), WEEKEND)
        stored = after.http.get(f"/v1/conversations/{conversation_id}").json()["messages"]
        assert [m["agent"] for m in stored[1::2]] == ["home", "cron", "cron"]

        # A history the client kept is new to this gateway; it finds out again who answered.
        history = [
            {"role": "user", "content": SIX_TURNS[0][0]},
            {"role": "assistant", "content": said[0]},
            {"role": "user", "content": "and on weekends?"},
        ]
        answer = completion_of(after.http.post(CHAT, json={"messages": history}))
        assert answer["philharmonic"]["agent"] == "cron"
        assert fire_times_equal(content_of(answer), WEEKEND)
