"""Bad input gets a clear answer in OpenAI's shape, and the server goes on."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.integration.gateway import CHAT, Gateway, content_of

pytestmark = pytest.mark.engine

HI = {"role": "user", "content": "hi"}
ANSWER = {"role": "assistant", "content": "hello"}


@pytest.fixture(autouse=True)
def _the_server_goes_on(server: Gateway) -> Iterator[None]:
    yield
    assert content_of(server.answer("every minute", "cron")) == "* * * * *"
    assert server.process.poll() is None


def refused(response: httpx.Response, status: int, code: str, param: str | None) -> str:
    """Check the shape of a refusal and give its message."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    return str(error["message"])


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"messages": [HI], "model": "chess"}, 404, "model_not_found", "model"),
        ({"messages": [HI], "model": "base"}, 404, "model_not_found", "model"),
        ({"messages": [HI], "model": "cron@1"}, 404, "model_not_found", "model"),
        ({}, 400, "invalid_value", "messages"),
        ({"messages": []}, 400, "invalid_value", "messages"),
        ({"messages": [{"role": "robot"}]}, 400, "invalid_value", "messages.0.role"),
        ({"messages": [HI, ANSWER]}, 400, "invalid_value", "messages"),
        ({"messages": [ANSWER, HI]}, 400, "invalid_value", "messages"),
        ({"messages": [HI | {"content": ""}]}, 400, "invalid_value", "messages"),
        ({"messages": [HI], "tools": []}, 400, "unsupported_parameter", "tools"),
        ({"messages": [HI], "max_tokens": -1}, 400, "invalid_value", "max_tokens"),
        (
            {"messages": [HI], "conversation_id": "nope"},
            404,
            "conversation_not_found",
            "conversation_id",
        ),
        (
            {"messages": [HI, ANSWER, HI], "conversation_id": "new"},
            400,
            "invalid_value",
            "messages",
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_answered_is_refused(
    server: Gateway,
    body: dict[str, Any],
    status: int,
    code: str,
    param: str | None,
    stream: bool,
) -> None:
    refused(server.http.post(CHAT, json={**body, "stream": stream}), status, code, param)


def test_invalid_json(server: Gateway) -> None:
    refused(server.http.post(CHAT, content=b'{"messages": '), 400, "invalid_json", None)


def test_wrong_method(server: Gateway) -> None:
    refused(server.http.get(CHAT), 405, "method_not_allowed", None)


def test_ten_megabytes(server: Gateway) -> None:
    refused(server.chat("x" * 10_000_000), 413, "request_too_large", None)
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
        pytest.raises(openai.APIStatusError) as caught,
    ):
        client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "x" * 10_000_000}]
        )
    assert caught.value.status_code == 413


@pytest.mark.parametrize("model", ["auto", "cron", "general"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_longer_than_the_context(server: Gateway, model: str, stream: bool) -> None:
    response = server.chat("word " * 20_000, model, stream=stream)
    message = refused(response, 400, "context_length_exceeded", "messages")
    assert "8192" in message


def test_a_long_history_is_too_long_too(server: Gateway) -> None:
    history = [HI | {"content": "word " * 500}, ANSWER | {"content": "word " * 500}] * 15
    response = server.http.post(CHAT, json={"messages": [*history, HI], "model": "general"})
    refused(response, 400, "context_length_exceeded", "messages")


def test_an_answer_that_cannot_fit(server: Gateway) -> None:
    response = server.chat("hi", "general", max_tokens=9000)
    refused(response, 400, "context_length_exceeded", "messages")


def test_a_failed_turn_leaves_the_conversation_as_it_was(server: Gateway) -> None:
    first = server.answer("every minute", conversation_id="new")
    conversation_id = first["philharmonic"]["conversation_id"]
    too_long = server.chat("word " * 20_000, "general", conversation_id=conversation_id)
    refused(too_long, 400, "context_length_exceeded", "messages")
    stored = server.http.get(f"/v1/conversations/{conversation_id}").json()["messages"]
    assert [message["content"] for message in stored] == ["every minute", content_of(first)]
    again = server.answer("every day at noon", conversation_id=conversation_id)
    assert content_of(again) == "0 12 * * *"


def test_two_thousand_short_turns(server: Gateway) -> None:
    history = [HI, ANSWER] * 999
    response = server.http.post(CHAT, json={"messages": [*history, HI], "max_tokens": 8})
    refused(response, 400, "context_length_exceeded", "messages")


def test_a_lone_surrogate(server: Gateway) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "\ud800"}], "max_tokens": 4})
    response = server.http.post(CHAT, content=body)
    assert response.status_code in (200, 400), response.text


def test_a_seed_with_a_prompt_that_is_read_in_parts(server: Gateway) -> None:
    """vLLM's CPU engine died of it, and any client could ask for it."""
    response = server.chat("word " * 5_000, "general", seed=7, temperature=1, max_tokens=4)
    assert response.status_code == 200, response.text
