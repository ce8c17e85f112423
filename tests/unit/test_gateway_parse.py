import pytest

from serving.gateway.errors import ApiError
from serving.gateway.parse import check_only_new, history_of, turn_of
from serving.gateway.schemas import ChatMessage, ChatRequest

Said = tuple[str, str]


def messages(*said: Said) -> list[ChatMessage]:
    return [ChatMessage(role=role, content=content) for role, content in said]  # type: ignore[arg-type]


def request(*said: Said, **fields: object) -> ChatRequest:
    return ChatRequest.model_validate({"messages": messages(*said), **fields})


def test_a_plain_question() -> None:
    turn = turn_of(request(("user", "hi")))
    assert (turn.user, turn.system, turn.pinned, turn.stream) == ("hi", None, None, False)
    assert turn.sampling == {}


def test_a_model_name_pins_the_agent() -> None:
    assert turn_of(request(("user", "hi"), model="cron")).pinned == "cron"
    assert turn_of(request(("user", "hi"), model="auto")).pinned is None


def test_only_what_was_said_after_the_last_answer_is_the_question() -> None:
    turn = turn_of(
        request(("user", "a"), ("assistant", "b"), ("user", "c"), ("system", "d"), ("user", "e"))
    )
    assert turn.user == "c\ne"


def test_system_and_developer_messages_are_joined() -> None:
    turn = turn_of(request(("system", "Be kind."), ("developer", "Be brief."), ("user", "hi")))
    assert turn.system == "Be kind.\n\nBe brief."
    assert turn_of(request(("system", "  "), ("user", "hi"))).system is None


def test_text_parts_are_one_text() -> None:
    parts = [{"type": "text", "text": "every "}, {"type": "text", "text": "monday"}]
    body = ChatRequest.model_validate({"messages": [{"role": "user", "content": parts}]})
    assert turn_of(body).user == "every monday"


def test_sampling_goes_by_the_engines_names() -> None:
    turn = turn_of(
        request(
            ("user", "hi"),
            temperature=0.5,
            max_tokens=7,
            max_completion_tokens=9,
            stop=["\n"],
            seed=1,
            user="somebody",
            n=1,
        )
    )
    assert turn.sampling == {"temperature": 0.5, "max_tokens": 9, "stop": ["\n"], "seed": 1}


def test_a_history_is_exchanges() -> None:
    exchanges = history_of(
        messages(
            ("system", "s"),
            ("user", "a"),
            ("user", "b"),
            ("assistant", "c"),
            ("assistant", "d"),
            ("user", "e"),
            ("assistant", "f"),
            ("user", "g"),
        ),
        "sql",
    )
    said = [(exchange["user"], exchange["assistant"]) for exchange in exchanges]
    assert said == [("a\nb", "c\nd"), ("e", "f")]
    assert {exchange["agent"] for exchange in exchanges} == {"sql"}
    assert history_of(messages(("user", "a")), None) == []


def test_an_answer_needs_a_question() -> None:
    with pytest.raises(ApiError, match="needs a user message before it") as caught:
        history_of(messages(("assistant", "hello"), ("user", "hi")), None)
    assert (caught.value.status, caught.value.param) == (400, "messages")


def test_a_stored_conversation_takes_new_messages_only() -> None:
    check_only_new(messages(("system", "s"), ("user", "hi")))
    with pytest.raises(ApiError, match="the history is stored here"):
        check_only_new(messages(("user", "a"), ("assistant", "b"), ("user", "c")))
