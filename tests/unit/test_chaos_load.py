"""The chaos run's clients and its proxy, before gateways that answer, refuse, break and hang."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.engine.own import free_port
from tests.chaos import checks
from tests.chaos.client import ask
from tests.chaos.conversations import drawn
from tests.chaos.ledger import read_back
from tests.chaos.load import Load, road
from tests.chaos.proxy import Proxy
from tests.unit.running_gateway import running_gateway, until
from tests.unit.toy_engine import ToyEngine
from tests.unit.toy_gateway import ToyGateway
from tests.unit.toy_vllm import ToyVllm

BODY: dict[str, Any] = {
    "model": "cron",
    "conversation_id": "new",
    "messages": [{"role": "user", "content": "every monday"}],
}


@pytest.mark.parametrize(
    ("ends", "outcome", "why"),
    [
        ("done", "answered", ""),
        ("cut", "cut", "RemoteProtocolError"),
        ("silent", "unclear", "it ended without its end, and without an error"),
        ("error", "unclear", "http 200: {'message': 'the engine is gone'}"),  # it has no code
    ],
)
async def test_how_a_stream_ends(ends: str, outcome: str, why: str) -> None:
    with ToyGateway(ends=ends).serving() as toy:
        async with road(toy.url, 5) as http:
            seen = await ask(http, BODY | {"stream": True})
    assert (seen.outcome, seen.why) == (outcome, why)
    assert seen.conversation_id == "conv_0"
    if seen.answer is not None:
        assert (seen.answer.agent, seen.answer.named) == ("cron", {"cron@1"})
        assert seen.answer.text == "word " * 4


async def test_a_client_that_leaves_has_its_id_and_no_answer() -> None:
    with ToyGateway(gap_s=0.05).serving() as toy:
        async with road(toy.url, 5) as http:
            seen = await ask(http, BODY | {"stream": True}, leave_after=2)
    assert (seen.outcome, seen.answer, seen.conversation_id) == ("left", None, "conv_0")


async def test_who_gets_nothing_is_left_in_the_dark() -> None:
    with ToyGateway(first_s=5).serving() as toy:
        async with road(toy.url, 0.2) as http:
            seen = await ask(http, BODY | {"stream": True})
    assert (seen.outcome, seen.why) == ("unclear", "nothing for too long (ReadTimeout)")


async def test_the_gateways_own_errors_are_clear(tmp_path: Path) -> None:
    engine = ToyEngine(breaks_after=1)
    async with engine.running(), running_gateway(tmp_path, engine) as up, road(up.url, 30) as http:
        begun = await ask(http, BODY | {"stream": True})
        assert (begun.outcome, begun.why) == ("refused", "engine_unavailable")
        unknown = await ask(http, BODY | {"model": "nobody"})
        assert (unknown.outcome, unknown.why) == ("refused", "model_not_found")
        assert unknown.conversation_id is None
        missing = await ask(http, BODY | {"conversation_id": "conv_none"})
        assert (missing.outcome, missing.why) == ("refused", "conversation_not_found")


async def test_a_proxy_passes_everything_on_until_it_cuts_it_off() -> None:
    with ToyGateway(gap_s=0.1, words=50).serving() as toy:
        proxy = Proxy(toy.port)
        async with proxy.running(), road(proxy.url, 10) as http:
            models = await http.get("/v1/models")
            assert len(models.json()["data"]) == 6
            asked = asyncio.create_task(ask(http, BODY | {"stream": True}))
            await until(lambda: bool(toy.bodies))
            await asyncio.sleep(0.3)
            assert proxy.reset_all() >= 1
            seen = await asked
    assert (seen.outcome, seen.why) == ("cut", "ReadError")


async def test_nobody_behind_the_proxy_is_a_broken_connection() -> None:
    proxy = Proxy(free_port())
    async with proxy.running(), road(proxy.url, 10) as http:
        assert (await ask(http, BODY)).outcome == "cut"


async def test_a_load_whose_connections_are_cut_ends_with_every_promise_kept(
    tmp_path: Path,
) -> None:
    engine = ToyVllm(word_s=0.02)
    async with engine.running(), running_gateway(tmp_path, engine) as up:
        proxy = Proxy(httpx.URL(up.url).port or 0)
        async with proxy.running(), road(up.url, 30) as direct, road(proxy.url, 30) as proxied:
            load = Load(direct, proxied)
            conversations = drawn(30, seed=1)
            playing = asyncio.create_task(load.open_loop(conversations, 30.0, 30.0))
            await until(lambda: any(each.model == "cron" for each in load.ledger.answered))
            cut = 0
            while not cut:
                await asyncio.sleep(0.02)
                cut = proxy.reset_all()
            await playing
            stored = await read_back(direct, load.ledger)
    outcomes = {each.seen.outcome for each in load.ledger.attempts}
    assert outcomes == {"answered", "cut", "left"}
    assert load.finished == 30
    assert len(load.ledger.answered) == sum(len(each.texts) for each in conversations)
    for check in (
        checks.nothing_lost(load.ledger, stored),
        checks.nothing_uncalled_for(load.ledger, stored),
        checks.right_agent(load.ledger),
        checks.right_adapter(load.ledger),
        checks.right_version(load.ledger, "cron@1", []),
        checks.clear_to_clients(load.ledger),
    ):
        assert check.holds, check
    assert not checks.explained(load.ledger, []).holds


def test_conversations_are_the_same_for_a_seed_and_of_every_kind() -> None:
    planned = drawn(250, seed=0)
    assert planned == drawn(250, seed=0) != drawn(250, seed=1)
    assert {each.model for each in planned} == {
        "auto", "cron", "home", "sql", "triage", "general"
    }  # fmt: skip
    assert all(each.streams for each in planned if each.leaves)
    assert 10 < sum(each.leaves for each in planned) < 40
    assert 80 < sum(each.by_proxy for each in planned) < 170
