"""Any LLM as the router LLM, over real local servers: well, stalling, dying, talking rubbish."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from agents.errors import EngineRejected, EngineUnavailable
from serving.engine.router_llm import RouterLLMEndpoint
from tests.unit.gateway_over_toy import chat, gateway
from tests.unit.toy_vllm import ToyVllm

AGENTS = {"cron": "Turns a schedule into cron.", "general": "Everything else."}
UNSURE = "could you help me with the other thing"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def likely(**letters: float) -> web.Response:
    tokens = [{"token": token, "logprob": math.log(p)} for token, p in letters.items()]
    content = [{"token": "A", "top_logprobs": tokens}]
    return web.json_response({"choices": [{"logprobs": {"content": content}}]})


@asynccontextmanager
async def endpoint(handler: Handler) -> AsyncIterator[str]:
    """Its ``/v1``."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def read(handler: Handler, labels: list[str]) -> list[float]:
    async with endpoint(handler) as url:
        llm = RouterLLMEndpoint(url, "any-model", None)
        try:
            told = llm.told_of(AGENTS, "general")
            return list(await told.label_logprobs("", "[none]\nuser: hi\nagent:", labels))
        finally:
            await llm.aclose()


async def test_it_is_told_of_the_agents_and_asked_for_a_letter() -> None:
    bodies: list[dict[str, Any]] = []

    async def handler(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return likely(A=0.25, **{" A": 0.5}, B=0.125, x=0.1)

    found = await read(handler, [" A", " B"])
    assert found == pytest.approx([math.log(0.75), math.log(0.125)])
    (body,) = bodies
    assert (body["model"], body["max_tokens"], body["logprobs"]) == ("any-model", 1, True)
    system, user = (message["content"] for message in body["messages"])
    assert "A: cron. Turns a schedule into cron." in system
    assert "B: general. Everything else." in system
    assert user == "[none]\nuser: hi\nagent:"


async def test_a_letter_it_does_not_name_is_improbable() -> None:
    async def handler(_: web.Request) -> web.Response:
        return likely(A=0.9)

    assert (await read(handler, [" A", " B"]))[1] == pytest.approx(math.log(1e-6))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"logprobs": null}]}',
        b'{"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "A"}]}]}}]}',
    ],
)
async def test_rubbish_is_called_so(body: bytes) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body)

    with pytest.raises(EngineUnavailable, match="without log-probabilities"):
        await read(handler, [" A"])


async def test_a_refusal_keeps_its_words() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=401, text="wrong key")

    with pytest.raises(EngineRejected, match="wrong key"):
        await read(handler, [" A"])


async def _stalls(request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return likely(A=1.0)


async def _dies(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _rambles(_: web.Request) -> web.Response:
    return likely(Well=0.9, Sure=0.05)


async def _fails(_: web.Request) -> web.Response:
    return web.Response(status=500, text="out of memory")


async def _says_triage(request: web.Request) -> web.Response:
    system = (await request.json())["messages"][0]["content"]
    letter = next(line[0] for line in system.splitlines() if line[1:].startswith(": triage."))
    return likely(**{letter: 0.99})


@pytest.fixture
async def engine() -> AsyncIterator[ToyVllm]:
    async with ToyVllm().running() as toy:
        yield toy


async def test_in_service_it_takes_the_adapters_place(engine: ToyVllm, tmp_path: Path) -> None:
    async with (
        endpoint(_says_triage) as url,
        gateway(engine, tmp_path, router_llm_url=url, router_llm_model="m") as (http, _),
    ):
        about = (await chat(http, UNSURE))["philharmonic"]
    assert (about["agent"], about["stage"]) == ("triage", "label_read")
    assert "read" not in engine.log
    # The engine need not hold the router's adapter then.
    assert not any(name.startswith("router-") for name in engine.adapters)


@pytest.mark.parametrize(
    ("handler", "why"),
    [(_stalls, "time-out"), (_dies, "failed"), (_rambles, "failed"), (_fails, "failed")],
)
async def test_without_it_the_fast_path_decides_and_says_so(
    engine: ToyVllm, tmp_path: Path, handler: Handler, why: str
) -> None:
    async with (
        endpoint(handler) as url,
        gateway(engine, tmp_path, router_llm_url=url, route_timeout_s=0.3) as (http, _),
    ):
        started = time.monotonic()
        abouts = [(await chat(http, UNSURE))["philharmonic"] for _ in range(5)]
        took = time.monotonic() - started
        page = (await http.get("/metrics")).text
    assert {about["stage"] for about in abouts} == {"fast_only"}
    assert [about["reason"] for about in abouts] == [why] * 3 + ["left alone"] * 2
    assert took < 10
    assert f'philharmonic_router_fallbacks_total{{reason="{why}"}} 3.0' in page
    assert 'philharmonic_router_fallbacks_total{reason="left alone"} 2.0' in page


async def test_an_endpoint_that_is_not_there_takes_nothing_down(
    engine: ToyVllm, tmp_path: Path
) -> None:
    url = "http://127.0.0.1:9/v1"
    async with gateway(engine, tmp_path, router_llm_url=url) as (http, _):
        about = (await chat(http, UNSURE))["philharmonic"]
    assert (about["stage"], about["reason"]) == ("fast_only", "failed")


@pytest.mark.parametrize("trouble", ["stalls", "fails", "rambles"])
async def test_so_it_is_with_the_engines_own_label_read(
    engine: ToyVllm, tmp_path: Path, trouble: str
) -> None:
    def label(_: str) -> str:
        if trouble == "fails":
            raise RuntimeError("the toy engine fails, as it should")
        return "B"

    engine.label = label
    engine.read_s = 60.0 if trouble == "stalls" else 0.0
    engine.rambles = trouble == "rambles"
    async with gateway(engine, tmp_path, route_timeout_s=0.3) as (http, _):
        about = (await chat(http, UNSURE))["philharmonic"]
    assert about["stage"] == "fast_only"
    assert about["reason"] == ("time-out" if trouble == "stalls" else "failed")
