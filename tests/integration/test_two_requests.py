"""Two requests in one message: each answered by its agent, in one reply, on the real engine."""

import json

import pytest

from agents.cron.expression import fire_times_equal
from tests.integration.gateway import CHAT, Gateway, content_of

pytestmark = pytest.mark.engine

LIGHT, MORNING = "turn on the light in the kitchen", "every weekday at half past nine"
BOTH = f"{LIGHT}, and {MORNING}"
KITCHEN = {"action": "turn_on", "device": "light", "room": "kitchen", "value": None}


def check_reply(reply: str) -> None:
    """Both answers, under who gave them."""
    home, _, cron = reply.partition("\n\n")
    heading, _, answer = home.partition("\n")
    assert heading == f"[home] {LIGHT}"
    assert json.loads(answer) == KITCHEN
    heading, _, answer = cron.partition("\n")
    assert heading == f"[cron] {MORNING}"
    assert fire_times_equal(answer, "30 9 * * 1-5")


def test_both_are_answered_and_follow_ups_to_either_work(server: Gateway) -> None:
    response = server.chat(BOTH, conversation_id="new")
    completion = response.json()
    check_reply(content_of(completion))
    about = completion["philharmonic"]
    assert response.headers["x-philharmonic-agent"] == about["agent"] == "home+cron"
    assert completion["model"] == "home@1+cron@1"
    usage = completion["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]

    later = server.answer("and on weekends?", conversation_id=about["conversation_id"])
    assert later["philharmonic"]["agent"] == "cron"
    assert fire_times_equal(content_of(later), "30 9 * * 0,6")
    later = server.answer(
        "turn off the light in the kitchen again", conversation_id=about["conversation_id"]
    )
    assert json.loads(content_of(later)) == KITCHEN | {"action": "turn_off"}

    url = f"/v1/conversations/{about['conversation_id']}"
    stored = server.http.get(url).json()["messages"]
    check_reply(stored[1]["content"])
    assert [part["agent"] for part in stored[1]["parts"]] == ["home", "cron"]


def test_streamed_one_after_the_other(server: Gateway) -> None:
    body = {
        "messages": [{"role": "user", "content": BOTH}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with server.http.stream("POST", CHAT, json=body) as response:
        assert response.headers["x-philharmonic-model"] == "home@1+cron@1"
        lines = [line[6:] for line in response.iter_lines() if line.startswith("data: {")]
    chunks = [json.loads(line) for line in lines]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    check_reply("".join(choice["delta"].get("content") or "" for choice in choices))
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert [c["finish_reason"] for c in choices if c.get("finish_reason")] == ["stop"]
    assert chunks[-1]["usage"]["completion_tokens"] > 0


def test_one_request_stays_whole(server: Gateway) -> None:
    for text, agent in (
        ("every Monday and on the 1st", "cron"),
        ("turn off the lights in the kitchen and in the hall", "home"),
        ("I was charged twice and nobody answers, I want my money back!", "triage"),
    ):
        assert server.answer(text)["philharmonic"]["agent"] == agent
