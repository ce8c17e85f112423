"""What is refused before any agent or engine is asked: over HTTP, in OpenAI's shape."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from agents.errors import (
    ConfigError,
    ConversationNotFound,
    EngineRejected,
    EngineUnavailable,
    PhilharmonicError,
    RegistryError,
)
from agents.settings import Settings
from serving.gateway.admission import Admission
from serving.gateway.app import create_app
from serving.gateway.drain import Drain
from serving.gateway.errors import as_api_error, response_for
from serving.gateway.metrics import Metrics
from serving.gateway.state import GatewayState
from serving.keys import KeyRing, KeyStore

HI = {"messages": [{"role": "user", "content": "hi"}]}
CHAT = "/v1/chat/completions"


@asynccontextmanager
async def gateway(max_body_bytes: int = 10_000) -> AsyncIterator[httpx.AsyncClient]:
    """The app without anything behind it: no request here may get that far."""
    admission = Admission(lambda: 1, queue=0, patience_s=1)
    settings = Settings(max_body_bytes=max_body_bytes)
    state = SimpleNamespace(
        settings=settings,
        metrics=Metrics(),
        admission=admission,
        drain=Drain(),
        keys=KeyRing(KeyStore(Path("/nowhere"))),
    )

    @asynccontextmanager
    async def open_state() -> AsyncIterator[GatewayState]:
        yield cast(GatewayState, state)

    app = create_app(open_state)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


async def refusal(content: bytes, path: str = CHAT, max_body_bytes: int = 10_000) -> dict[str, Any]:
    async with gateway(max_body_bytes) as http:
        response = await http.post(path, content=content)
    assert response.status_code == 400, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({}, "messages", "this field is required"),
        ({"messages": []}, "messages", "at least 1 item"),
        ({"messages": "hi"}, "messages", "valid array"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role", "'user'"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role", "'assistant'"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "required"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages", "last message is empty"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "messages", "is empty"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages", "must be the user's"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages", "must be the user's"),
        (HI | {"max_tokens": -1}, "max_tokens", "greater than or equal to 1"),
        (HI | {"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        (HI | {"max_tokens": "many"}, "max_tokens", "valid integer"),
        (HI | {"temperature": 2.1}, "temperature", "less than or equal to 2"),
        (HI | {"top_p": 0}, "top_p", "greater than 0"),
        (HI | {"n": 2}, "n", "less than or equal to 1"),
        (HI | {"model": 7}, "model", "valid string"),
        (HI | {"stream": "perhaps"}, "stream", "valid boolean"),
    ],
)
async def test_a_wrong_value_is_named(body: dict[str, Any], param: str, message: str) -> None:
    error = await refusal(json.dumps(body).encode())
    assert error["code"] == "invalid_value"
    assert error["param"].startswith(param)
    assert message in error["message"]


@pytest.mark.parametrize("name", ["tools", "response_format", "functions", "logit_bias", "store"])
async def test_an_unsupported_parameter_is_refused_by_name(name: str) -> None:
    error = await refusal(json.dumps(HI | {name: []}).encode())
    assert (error["code"], error["param"]) == ("unsupported_parameter", name)
    assert error["message"] == f"{name}: this parameter is not supported here; leave it out"


async def test_an_image_is_refused() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
    error = await refusal(json.dumps({"messages": [{"role": "user", "content": [part]}]}).encode())
    assert "messages.0.content" in error["message"]


async def test_every_fault_is_named_at_once() -> None:
    error = await refusal(json.dumps({"messages": [], "max_tokens": -1}).encode())
    assert "messages:" in error["message"] and "max_tokens:" in error["message"]


@pytest.mark.parametrize("content", [b"", b"{", b"hello", b'{"messages": [}', b"\xff\xfe"])
async def test_what_is_not_json_is_called_so(content: bytes) -> None:
    error = await refusal(content)
    assert error["code"] == "invalid_json"
    assert "not valid JSON" in error["message"]


@pytest.mark.parametrize("content", [b"[]", b'"hi"', b"null", b"3"])
async def test_json_that_is_no_object_is_refused(content: bytes) -> None:
    assert "should be an object" in (await refusal(content))["message"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "user", "content": " "}],
        [{"role": "robot", "content": "x"}],
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
    ],
)
async def test_what_cannot_be_answered_cannot_be_routed(messages: list[dict[str, str]]) -> None:
    await refusal(json.dumps({"messages": messages}).encode(), "/v1/route")


async def test_a_route_takes_no_sampling() -> None:
    error = await refusal(json.dumps(HI | {"temperature": 1}).encode(), "/v1/route")
    assert error["param"] == "temperature"


@pytest.mark.parametrize("path", [CHAT, "/v1/route", "/admin/agents/cron/activate"])
async def test_a_body_has_a_limit(path: str) -> None:
    async with gateway() as http:
        response = await http.post(path, content=b" " * 10_001)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"


@pytest.mark.parametrize("version", [0, -1, "two", None])
async def test_a_version_is_a_positive_number(version: object) -> None:
    body = json.dumps({"version": version}).encode()
    assert (await refusal(body, "/admin/agents/cron/activate"))["param"] == "version"


@pytest.mark.parametrize("path", [CHAT, "/v1/route"])
@pytest.mark.parametrize("opening", ["[", '{"messages":', '[{"content":'])
async def test_nesting_has_a_limit(path: str, opening: str) -> None:
    error = await refusal(opening.encode() * 700, path)
    assert error["code"] in ("invalid_json", "invalid_value")


@pytest.mark.parametrize("path", [CHAT, "/v1/route"])
async def test_the_number_of_messages_has_a_limit(path: str) -> None:
    body = json.dumps({"messages": HI["messages"] * 2001}, separators=(",", ":"))
    error = await refusal(body.encode(), path, max_body_bytes=1_000_000)
    assert error["param"] == "messages" and "at most 2000 items" in error["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "x" * 201},
        {"conversation_id": "x" * 201},
        {"user": "x" * 201},
        {"stop": ["x"] * 17},
        {"stop": "x" * 201},
        {"max_tokens": 10**30},
        {"seed": -(10**30)},
    ],
)
async def test_every_field_has_a_limit(fields: dict[str, Any]) -> None:
    error = await refusal(json.dumps(HI | fields).encode())
    assert error["param"].startswith(next(iter(fields)))


async def test_wrong_method_and_wrong_path() -> None:
    async with gateway() as http:
        wrong_method = await http.get(CHAT)
        wrong_path = await http.get("/v1/completion")
    assert (wrong_method.status_code, wrong_path.status_code) == (405, 404)
    assert wrong_method.headers["allow"] == "POST"
    assert wrong_method.json()["error"]["code"] == "method_not_allowed"
    assert wrong_path.json()["error"]["code"] == "not_found"


async def test_our_own_mistakes_do_not_leak() -> None:
    async with gateway() as http:
        response = await http.get("/v1/models")
    assert response.status_code == 500
    assert response.json()["error"]["type"] == "server_error"
    assert "lineup" not in response.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ConversationNotFound("x"), 404, "conversation_not_found"),
        (RegistryError("x"), 404, "model_not_found"),
        (ConfigError("x"), 400, "invalid_value"),
        (EngineUnavailable("x"), 503, "engine_unavailable"),
        (EngineRejected(400, "maximum context length is 8"), 400, "context_length_exceeded"),
        (EngineRejected(422, "x"), 422, "rejected_by_engine"),
        (EngineRejected(302, "x"), 502, "rejected_by_engine"),
        (PhilharmonicError("x"), 500, "internal_error"),
    ],
)
def test_each_error_of_ours_has_its_status(
    error: PhilharmonicError, status: int, code: str
) -> None:
    fault = as_api_error(error)
    assert (fault.status, fault.code) == (status, code)
    assert ("retry-after" in response_for(fault).headers) == (status == 503)
