"""Two requests in one message: over HTTP, with the shipped router and a toy engine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.turn import Route, Turn
from tests.unit.gateway_over_toy import CHAT, chat, content_of, gateway, stream, text_of
from tests.unit.toy_vllm import ToyVllm

DOOR, BACKUP = "lock the front door", "run the backup at 3 every night"
BOTH = f"{DOOR}, and {BACKUP}"
REPLY = f"[home] {DOOR}\nhome@1 on {DOOR}\n\n[cron] {BACKUP}\ncron@1 on {BACKUP}"
LETTERS = {"cron": "A", "general": "B", "home": "C", "sql": "D", "triage": "E"}


def by_last_line(prompt: str) -> str:
    """What a good router LLM would say of the messages in this file."""
    asked = prompt.splitlines()[-2]
    if "door" in asked or "one" in asked:
        return LETTERS["home"]
    return LETTERS["cron" if "night" in asked or "noon" in asked else "general"]


@pytest.fixture
async def engine() -> AsyncIterator[ToyVllm]:
    async with ToyVllm(label=by_last_line).running() as toy:
        yield toy


@pytest.fixture
async def http(engine: ToyVllm, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway(engine, tmp_path) as (client, _):
        yield client


async def test_each_is_answered_by_its_agent_in_one_reply(
    http: httpx.AsyncClient, engine: ToyVllm
) -> None:
    engine.first_s = 0.1
    response = await http.post(CHAT, json={"messages": [{"role": "user", "content": BOTH}]})
    completion = response.json()
    (choice,) = completion["choices"]
    assert choice["message"] == {"role": "assistant", "content": REPLY}
    assert (choice["finish_reason"], completion["model"]) == ("stop", "home@1+cron@1")
    assert engine.most_at_once == 2
    words = len(f"home@1 on {DOOR}".split()) + len(f"cron@1 on {BACKUP}".split())
    assert completion["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": words,
        "total_tokens": 10 + words,
    }
    about = completion["philharmonic"]
    assert (about["agent"], about["stage"]) == ("home+cron", "split")
    assert [(part["agent"], part["request"]) for part in about["parts"]] == [
        ("home", DOOR),
        ("cron", BACKUP),
    ]
    assert response.headers["x-philharmonic-agent"] == "home+cron"
    assert response.headers["x-philharmonic-model"] == "home@1+cron@1"
    assert float(response.headers["x-philharmonic-gateway-ms"]) >= 0


async def test_a_stream_gives_one_answer_after_the_other(
    http: httpx.AsyncClient, engine: ToyVllm
) -> None:
    engine.word_s = 0.01
    chunks = await stream(http, BOTH, stream_options={"include_usage": True})
    assert text_of(chunks).replace(" \n", "\n").strip() == REPLY
    assert engine.most_at_once == 2
    assert {chunk["id"] for chunk in chunks} == {"chatcmpl-home@1"}
    assert {chunk["model"] for chunk in chunks} == {"home@1+cron@1"}
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert [choice["delta"].get("role") for choice in choices if "role" in choice["delta"]] == [
        "assistant"
    ]
    ends = [choice["finish_reason"] for choice in choices]
    assert ends == [None] * (len(ends) - 1) + ["stop"]
    assert [part["agent"] for part in chunks[0]["philharmonic"]["parts"]] == ["home", "cron"]
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["prompt_tokens"]) == ([], 10)


@pytest.mark.parametrize("streams", [False, True])
async def test_in_a_stored_conversation_each_agent_sees_its_own_part(
    http: httpx.AsyncClient, engine: ToyVllm, streams: bool
) -> None:
    if streams:
        chunks = await stream(http, BOTH, conversation_id="new")
        conversation_id = chunks[0]["philharmonic"]["conversation_id"]
    else:
        first = await chat(http, BOTH, conversation_id="new")
        conversation_id = first["philharmonic"]["conversation_id"]
    for agent, follow_up in (("home", "and the back door one too"), ("cron", "at noon instead")):
        answer = await chat(http, follow_up, conversation_id=conversation_id)
        assert answer["philharmonic"]["agent"] == agent
        assert engine.asked(agent) == [{"home": DOOR, "cron": BACKUP}[agent], follow_up]
    stored = (await http.get(f"/v1/conversations/{conversation_id}")).json()["messages"]
    assert stored[0]["content"] == BOTH
    assert stored[1]["agent"] == "home+cron"
    assert [part["agent"] for part in stored[1]["parts"]] == ["home", "cron"]
    assert [part["user"] for part in stored[1]["parts"]] == [DOOR, BACKUP]


@pytest.mark.parametrize("forgotten", [False, True])
async def test_so_it_is_when_the_client_keeps_the_conversation(
    engine: ToyVllm, tmp_path: Path, forgotten: bool
) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": BOTH}]
    async with gateway(engine, tmp_path) as (http, _):
        reply = content_of(await chat(http, "", messages=messages))
        messages += [{"role": "assistant", "content": reply}]
        messages += [{"role": "user", "content": "and the back door one too"}]
        if not forgotten:
            await chat(http, "", messages=messages)
    if forgotten:
        async with gateway(engine, tmp_path) as (http, _):
            await chat(http, "", messages=messages)
    assert engine.asked("home") == [DOOR, "and the back door one too"]


async def test_a_pinned_turn_is_never_split(http: httpx.AsyncClient, engine: ToyVllm) -> None:
    answer = await chat(http, BOTH, model="home")
    assert answer["philharmonic"]["stage"] == "pinned"
    assert engine.asked("home") == [BOTH]


async def test_the_route_endpoint_shows_the_parts(http: httpx.AsyncClient) -> None:
    body = {"messages": [{"role": "user", "content": BOTH}]}
    decision = (await http.post("/v1/route", json=body)).json()
    assert [(part["agent"], part["request"]) for part in decision["parts"]] == [
        ("home", DOOR),
        ("cron", BACKUP),
    ]
    body = {"messages": [{"role": "user", "content": DOOR}]}
    assert (await http.post("/v1/route", json=body)).json()["parts"] == []


@pytest.mark.parametrize(
    "text",
    [
        "every Monday and on the 1st",
        "CREATE TABLE t (a INTEGER, b INTEGER); sum of a and number of rows where b is 3",
        "turn on the light in the kitchen and close the blinds in the bedroom",
    ],
)
async def test_one_request_stays_whole(http: httpx.AsyncClient, engine: ToyVllm, text: str) -> None:
    await chat(http, text)
    assert [body["messages"][-1]["content"] for body in engine.chats] == [text]


async def test_one_part_that_fails_fails_the_turn(http: httpx.AsyncClient, engine: ToyVllm) -> None:
    engine.fails = {"cron@1"}
    response = await http.post(CHAT, json={"messages": [{"role": "user", "content": BOTH}]})
    assert response.status_code == 503
    body = {"messages": [{"role": "user", "content": BOTH}], "stream": True}
    response = await http.post(CHAT, json=body)
    assert "engine_unavailable" in response.text and "[DONE]" not in response.text


async def test_who_leaves_ends_both_answers(engine: ToyVllm, tmp_path: Path) -> None:
    engine.word_s = 1.0
    async with gateway(engine, tmp_path) as (_, state):
        events = state.graph.events(Turn(BOTH, stream=True), [], None)
        route, chunk = await anext(events), await anext(events)
        assert isinstance(route, Route) and route.agent == "home+cron" and isinstance(chunk, dict)
        await events.aclose()
        async with asyncio.timeout(5):
            while sorted(engine.broken_off) != ["cron@1", "home@1"]:
                await asyncio.sleep(0.01)


async def test_metrics_count_the_tokens_of_each_agent(http: httpx.AsyncClient) -> None:
    await chat(http, BOTH)
    page = (await http.get("/metrics")).text
    assert 'philharmonic_requests_total{agent="home+cron",status="200"} 1.0' in page
    for agent in ("home", "cron"):
        assert f'philharmonic_tokens_total{{agent="{agent}",kind="prompt"}} 5.0' in page
    assert 'philharmonic_route_seconds_count{stage="split"} 1.0' in page
