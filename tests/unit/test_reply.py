from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.registry import Version
from serving import reply
from serving.turn import Part, Route, Turn, said_singly, thread_of
from tests.unit.adapter_folder import agent_config


def part(agent: str, text: str) -> Part:
    return Part(text, Version(agent, 1, agent_config(agent), Path("adapter"), {}, 0.0), None)


def answer(text: str, ended: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": ended}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {"id": text, "choices": [choice], "usage": usage}


ONE = Route((part("home", "lock it"),))
TWO = Route((part("home", "lock it"), part("cron", "at\nnoon")))
TEXTS = st.text(max_size=40).filter(lambda text: "[cron]" not in text)


def test_one_answer_is_the_reply() -> None:
    assert reply.whole(ONE, [answer("x")]) == answer("x")


def test_two_answers_stand_under_their_agents() -> None:
    both = reply.whole(TWO, [answer("{}"), answer("0 12 * * *")])
    assert reply.content_of(both) == "[home] lock it\n{}\n\n[cron] at noon\n0 12 * * *"
    assert both["model"] == "home@1+cron@1"
    assert both["usage"] == {"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 10}


@pytest.mark.parametrize(
    ("first", "second", "all_in_all"),
    [("stop", "stop", "stop"), ("length", "stop", "length"), ("stop", "length", "length")],
)
def test_a_reply_is_cut_short_if_an_answer_was(first: str, second: str, all_in_all: str) -> None:
    both = reply.whole(TWO, [answer("a", first), answer("b", second)])
    assert both["choices"][0]["finish_reason"] == all_in_all


def test_log_probabilities_are_those_of_both_answers() -> None:
    answers = [answer("{}"), answer("0 12 * * *")]
    for number, each in enumerate(answers):
        each["choices"][0]["logprobs"] = {"content": [{"token": str(number)}]}
    (choice,) = reply.whole(TWO, answers)["choices"]
    assert choice["logprobs"] == {"content": [{"token": "0"}, {"token": "1"}]}


@pytest.mark.parametrize("fixed", [0, 1])
@pytest.mark.parametrize("without", [{}, {"logprobs": None}, {"logprobs": {"content": None}}])
def test_a_fixed_reply_has_no_log_probabilities(fixed: int, without: dict[str, Any]) -> None:
    answers = [answer("{}"), answer("0 12 * * *")]
    answers[fixed]["choices"][0].update(without)
    answers[1 - fixed]["choices"][0]["logprobs"] = {"content": [{"token": "x"}]}
    (choice,) = reply.whole(TWO, answers)["choices"]
    assert choice["logprobs"] == {"content": [{"token": "x"}]}


def test_a_conversation_stores_who_said_what() -> None:
    exchange = reply.exchange_of(Turn("lock it at noon"), TWO, [answer("{}"), answer("0 12 * * *")])
    assert (exchange["user"], exchange["agent"]) == ("lock it at noon", "home+cron")
    assert [(e["agent"], e["user"], e["assistant"]) for e in said_singly([exchange])] == [
        ("home", "lock it", "{}"),
        ("cron", "at\nnoon", "0 12 * * *"),
    ]
    (own,) = thread_of(TWO.parts[1].version, [exchange])
    assert (own["user"], own["assistant"]) == ("at\nnoon", "0 12 * * *")


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=2))
def test_answers_are_found_again_in_their_reply(texts: list[str]) -> None:
    content = reply.content_of(reply.whole(TWO, [answer(text) for text in texts]))
    lines = reply.headings([("lock it", "home"), ("at\nnoon", "cron")])
    assert reply.answers_in(content, lines) == texts


@pytest.mark.parametrize("content", ["", "{}", "so: [home] lock it\n{}\n\n[cron] at noon\n0"])
def test_in_another_reply_nothing_is_found(content: str) -> None:
    lines = reply.headings([("lock it", "home"), ("at noon", "cron")])
    assert reply.answers_in(content, lines) == []


def test_a_long_request_is_shortened_in_its_heading() -> None:
    (line,) = reply.headings([("word " * 100, "home")])
    assert len(line) < 100 and line.endswith("…\n")
