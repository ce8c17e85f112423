"""Several engines behind one gateway: shared out, reconciled, killed, put back, kept apart."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console

from agents.errors import ConfigError, EngineUnavailable
from agents.settings import Settings
from serving import engines as engines_module
from serving.engine import client as client_module
from serving.engine.client import BASE_MODEL, EngineClient
from serving.engine.own import any_engine, engine_client
from serving.engines import Engines
from serving.run import _until_ready
from serving.services import open_services
from tests.unit.running_gateway import Running, running_gateway, until
from tests.unit.toy_engine import ToyEngine
from tests.unit.toy_vllm import ToyVllm

HARD = "and the same again for the other one, please"
ADAPTERS = {"cron@1", "home@1", "sql@1", "triage@1"}


class Two:
    """Two engines that can be killed and started again on their ports, and a gateway."""

    def __init__(self, up: Running, lives: Mapping[int, AsyncExitStack], *both: ToyEngine) -> None:
        self.up = up
        self.both = both
        self._lives = lives

    @property
    def loaded(self) -> list[frozenset[str]]:
        return [engine.loaded for engine in self.up.state.engines.all]

    async def die(self, engine: ToyEngine) -> None:
        """Close its sockets, those in use as well."""
        await self._lives[engine.port].aclose()

    async def come_back(self, engine: ToyEngine) -> None:
        await self._lives[engine.port].enter_async_context(engine.running())

    async def metric(self, name: str, engine: ToyEngine, **labels: str) -> float:
        return await self.up.gauge(name, engine=f"127.0.0.1:{engine.port}", **labels)


@asynccontextmanager
async def two(
    home: Path,
    first: ToyEngine | None = None,
    second: ToyEngine | None = None,
    alike: bool = True,
    **settings: Any,
) -> AsyncIterator[Two]:
    """Both up and, unless they are not ``alike``, full."""
    both = (first or ToyEngine(), second or ToyEngine())
    async with AsyncExitStack() as stack:
        lives = {}
        for engine in both:
            life = await stack.enter_async_context(AsyncExitStack())
            await life.enter_async_context(engine.running())
            lives[engine.port] = life
        up = await stack.enter_async_context(running_gateway(home, *both, **settings))
        stage = Two(up, lives, *both)
        await until(lambda: len(set(stage.loaded)) == 1 or not alike)
        yield stage


def names(engine: ToyEngine) -> set[str]:
    """Our adapters on an engine but the router LLM's, by our names."""
    ours = {name.rpartition(":")[2] for name in engine.adapters}
    return {name for name in ours if not name.startswith("router-")}


def opening_of(chat: dict[str, Any]) -> str:
    """What the user said first."""
    return next(str(m["content"]) for m in chat["messages"] if m["role"] == "user")


async def test_load_is_spread_and_slots_grow_with_the_engines(tmp_path: Path) -> None:
    async with two(tmp_path) as stage:
        for engine in stage.both:
            engine.goes_on.clear()
        asked = [asyncio.create_task(stage.up.chat("hello")) for _ in range(40)]
        await until(lambda: sum(engine.working for engine in stage.both) == 40)
        # All begin alike and would go to one engine, were it not too busy.
        assert max(engine.working for engine in stage.both) <= 25
        for engine in stage.both:
            load = await stage.metric("philharmonic_engine_requests_in_flight", engine)
            assert load == engine.working
            engine.goes_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}


async def test_a_conversation_stays_on_its_engine_and_conversations_are_spread(
    tmp_path: Path,
) -> None:
    async with two(tmp_path) as stage:
        for number in range(16):
            opening = {"role": "user", "content": f"question {number}"}
            whole = [opening, {"role": "assistant", "content": "Well."}]
            stored = await stage.up.chat(opening["content"], conversation_id="new")
            conversation_id = stored.headers["x-philharmonic-conversation-id"]
            await stage.up.chat("go on", conversation_id=conversation_id)
            await stage.up.chat(messages=[*whole, {"role": "user", "content": "go on"}])
        heard = [{opening_of(chat) for chat in engine.chats} for engine in stage.both]
        assert [len(engine.chats) % 3 for engine in stage.both] == [0, 0]
        assert heard[0] and heard[1] and not heard[0] & heard[1]


async def test_label_reads_are_shared_out_too(tmp_path: Path) -> None:
    async with two(tmp_path, ToyVllm(), ToyVllm()) as stage:
        for number in range(16):
            await stage.up.chat(f"{HARD} {number}", "auto")
        assert all(engine.reads for engine in stage.both)


async def test_what_a_dead_engine_had_not_begun_is_answered_by_the_other(tmp_path: Path) -> None:
    async with two(tmp_path) as stage:
        for engine in stage.both:
            engine.goes_on.clear()
        asked = [
            asyncio.create_task(stage.up.chat(f"{n}", stream=n % 2 == 1, model=model))
            for n, model in enumerate(["general", "cron", "auto", "sql"] * 4)
        ]
        await until(lambda: sum(engine.working for engine in stage.both) == 16)
        dead, living = stage.both
        assert dead.working and living.working
        lost = dead.working
        await stage.die(dead)
        living.goes_on.set()
        answers = await asyncio.gather(*asked)
        assert [answer.status_code for answer in answers] == [200] * 16
        assert await stage.up.gauge("philharmonic_turns_retried_total") == lost
        # It is out, and nobody notices.
        await until(lambda: stage.up.state.engines.alive == 1)
        assert (await stage.up.http.get("/readyz")).status_code == 200
        assert await stage.metric("philharmonic_engine_up", dead) == 0
        assert await stage.metric("philharmonic_engine_up", living) == 1
        assert await stage.metric("philharmonic_engine_lost_total", dead) == 1
        more = await asyncio.gather(*(stage.up.chat(f"more {n}") for n in range(20)))
        assert {answer.status_code for answer in more} == {200}
        assert await stage.up.gauge("philharmonic_turns_retried_total") == lost


async def test_a_stream_that_had_begun_ends_with_an_error_and_others_go_on(tmp_path: Path) -> None:
    async with two(tmp_path) as stage:
        for engine in stage.both:
            engine.words, engine.gap_s = 60, 0.05
        asked = [asyncio.create_task(stage.up.chat(f"{n}", stream=True)) for n in range(8)]
        await until(lambda: all(engine.sent > 8 for engine in stage.both))
        dead, _ = stage.both
        begun = dead.working
        await stage.die(dead)
        ends = [(await answer).text.strip().split("\n\n")[-1] for answer in asked]
        broken = [json.loads(end[6:])["error"] for end in ends if end != "data: [DONE]"]
        assert 0 < len(broken) <= begun < 8
        assert {error["code"] for error in broken} == {"engine_unavailable"}


async def test_one_that_comes_back_empty_is_filled_and_used_again(tmp_path: Path) -> None:
    async with two(tmp_path) as stage:
        dead, living = stage.both
        full = set(living.adapters)
        await stage.die(dead)
        await until(lambda: stage.up.state.engines.alive == 1)
        living.calls.clear()
        await stage.come_back(dead)
        await until(lambda: stage.loaded[0] == stage.loaded[1])
        assert set(dead.adapters) == full and names(dead) == ADAPTERS
        assert living.calls == []  # the others were left alone
        assert await stage.metric("philharmonic_engine_up", dead) == 1
        before = len(dead.chats)
        for number in range(30):
            assert (await stage.up.chat(f"question {number}", "cron")).status_code == 200
        assert before < len(dead.chats) < before + 30


async def test_none_alive_is_503_and_the_first_one_back_answers_who_waits(tmp_path: Path) -> None:
    async with two(tmp_path, engine_wait_s=0.3) as stage:
        for engine in stage.both:
            await stage.die(engine)
        await until(lambda: stage.up.state.engines.alive == 0)
        refused = await stage.up.chat()
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        unready = await stage.up.http.get("/readyz")
        assert (unready.status_code, unready.json()["missing"]) == (503, ["the engine"])
        await stage.come_back(stage.both[1])
        await until(lambda: stage.up.state.is_ready())
        assert (await stage.up.chat()).status_code == 200
    async with two(tmp_path / "patient") as stage:
        for engine in stage.both:
            await stage.die(engine)
        waiting = asyncio.create_task(stage.up.chat(model="cron"))
        await until(lambda: stage.up.state.engines.alive == 0)
        await stage.come_back(stage.both[1])
        assert (await waiting).status_code == 200


async def test_an_adapter_that_one_engine_refuses_is_served_by_the_other(tmp_path: Path) -> None:
    picky = ToyEngine(refuses={"cron@1": 500})
    async with two(tmp_path, picky, alike=False) as stage:
        _, other = stage.both
        assert names(picky) == ADAPTERS - {"cron@1"} and names(other) == ADAPTERS
        ready = (await stage.up.http.get("/readyz")).json()
        assert ready == {"status": "ready", "refused": {}}
        for number in range(10):
            assert (await stage.up.chat(f"question {number}", "cron")).status_code == 200
            assert (await stage.up.chat(f"question {number}", "sql")).status_code == 200
        cron = [chat["model"].rpartition(":")[2] == "cron@1" for chat in picky.chats]
        assert cron and not any(cron)
        refused = "philharmonic_adapter_refused"
        assert await stage.metric(refused, picky, model="cron@1") == 1
        assert await stage.metric(refused, other, model="cron@1") == 0
        await stage.die(other)
        await until(lambda: stage.up.state.engines.alive == 1)
        gone = await stage.up.chat(model="cron")
        assert gone.status_code == 503 and "the engine refuses cron@1" in gone.text
        assert (await stage.up.chat(model="sql")).status_code == 200


async def test_one_that_answers_but_fails_is_avoided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines_module, "_FIRST_AVOIDED_S", 600.0)
    monkeypatch.setattr(engines_module, "_LONGEST_AVOIDED_S", 600.0)
    async with two(tmp_path) as stage:
        ill, well = stage.both
        ill.is_broken = True
        for number in range(20):
            assert (await stage.up.chat(f"question {number}")).status_code == 200
        assert len(ill.chats) == 1
        assert len(well.chats) == 20
        assert await stage.metric("philharmonic_engine_up", ill) == 1
        assert await stage.metric("philharmonic_engine_avoided", ill) == 1
        # With nobody else there, it is better than nothing.
        ill.is_broken = False
        await stage.die(well)
        await until(lambda: stage.up.state.engines.alive == 1)
        assert (await stage.up.chat()).status_code == 200
        assert await stage.metric("philharmonic_engine_avoided", ill) == 0


class Freezing(ToyEngine):
    """An engine that may stop answering and keep its connections."""

    is_frozen: bool = False

    async def _models(self, request: web.Request) -> web.Response:
        if self.is_frozen:
            await asyncio.Event().wait()
        return await super()._models(request)


async def test_one_that_hangs_is_taken_out_and_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = Freezing()
    async with two(tmp_path, frozen) as stage:
        monkeypatch.setattr(client_module, "_LISTING_S", 0.5)
        frozen.is_frozen = True
        await until(lambda: not stage.loaded[0])
        for number in range(20):
            assert (await stage.up.chat(f"question {number}")).status_code == 200
        assert (len(frozen.chats), len(stage.both[1].chats)) == (0, 20)
        frozen.is_frozen = False
        monkeypatch.undo()
        await until(lambda: stage.loaded[0] == stage.loaded[1])


async def test_a_label_read_that_fails_is_made_by_the_other_engine(tmp_path: Path) -> None:
    async with two(tmp_path, ToyVllm(), ToyVllm(), reconcile_every_s=600) as stage:
        dead, living = stage.both
        engines = stage.up.state.engines
        model = next(name for name in engines.loaded if name.startswith("router-"))
        assert len({engines.choose(model, f"{number}") for number in range(20)}) == 2
        await stage.die(dead)
        for number in range(20):
            assert await engines.label_logprobs(model, f"{number}", [" A", " B"])
        assert living.reads == 20


async def test_fewer_turns_are_worked_on_while_an_engine_is_out(tmp_path: Path) -> None:
    async with two(tmp_path) as stage:
        slots = [Settings().slots(count) for count in (0, 1, 2)]
        assert slots == [32, 32, 64] and Settings(max_in_flight=5).slots(2) == 5
        for engine in stage.both:
            engine.goes_on.clear()
        asked = [asyncio.create_task(stage.up.chat(f"{n}")) for n in range(70)]
        await until(lambda: stage.up.state.admission.in_flight == 64)
        assert stage.up.state.admission.queued == 6
        await stage.die(stage.both[0])
        stage.both[1].goes_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
        await until(lambda: stage.up.state.engines.alive == 1)
        stage.both[1].goes_on.clear()
        asked = [asyncio.create_task(stage.up.chat(f"{n}")) for n in range(40)]
        await until(lambda: stage.up.state.admission.queued == 8)
        assert stage.up.state.admission.in_flight == 32
        stage.both[1].goes_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}


@pytest.mark.parametrize(
    ("odd", "complaint"),
    [
        (ToyEngine(root="/elsewhere/default-0000"), "/elsewhere/default-0000 with a context"),
        (ToyEngine(max_model_len=4096), "with a context of 4096"),
        (ToyEngine(max_loras=2), "started with --max-loras 2, and 5 adapters"),
    ],
)
async def test_engines_that_do_not_fit_together_are_refused_at_the_start(
    tmp_path: Path, odd: ToyEngine, complaint: str
) -> None:
    async with ToyEngine(root="/other/place/default-b179c9523d0e").running() as first:
        async with ToyEngine().running() as second:
            await start(tmp_path / "same", first.url, second.url)
        async with odd.running():
            with pytest.raises(ConfigError, match=re.escape(complaint)) as refusal:
                await start(tmp_path / "odd", first.url, odd.url)
            assert f"127.0.0.1:{odd.port}" in str(refusal.value)


class Page(ToyEngine):
    """Some web server."""

    async def _models(self, _: web.Request) -> web.Response:
        return web.Response(text="<html>")


class Locked(ToyEngine):
    """An engine that wants another key than ours."""

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"error": "Unauthorized"}, status=401)


@pytest.mark.parametrize(
    ("odd", "complaint"), [(Page(), "is no vLLM server"), (Locked(), r"401: .*Unauthorized")]
)
async def test_what_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, odd: ToyEngine, complaint: str
) -> None:
    async with ToyEngine().running() as engine, odd.running():
        with pytest.raises(ConfigError, match=complaint):
            await start(tmp_path, engine.url, odd.url)


async def start(home: Path, *urls: str) -> None:
    """What ``serve`` does until it says that it is ready."""
    settings = Settings(home=home, engine_url=urls, engine_start_timeout_s=60)
    clients = [engine_client(settings, url) for url in urls]
    async with open_services(settings, clients) as state:
        assert await _until_ready(state, None, Console(file=StringIO()), asyncio.Event())


async def test_one_that_comes_back_with_another_base_stays_out(tmp_path: Path) -> None:
    async with two(tmp_path) as stage:
        changed, kept = stage.both
        await stage.die(changed)
        await until(lambda: stage.up.state.engines.alive == 1)
        changed.root = "/models/another"
        await stage.come_back(changed)
        await until(lambda: bool(stage.up.state.engines.misfits()))
        (why,) = stage.up.state.engines.misfits()
        assert f"127.0.0.1:{changed.port} serves /models/another" in why
        assert await stage.metric("philharmonic_engine_up", changed) == 0
        assert (await stage.up.http.get("/readyz")).status_code == 200
        for number in range(10):
            assert (await stage.up.chat(f"{number}")).status_code == 200
        assert not changed.adapters and len(kept.chats) == 10


async def test_a_start_does_not_wait_for_one_that_is_dead(tmp_path: Path) -> None:
    async with ToyEngine().running() as dead:
        pass
    async with ToyEngine().running() as living:
        await start(tmp_path, dead.url, living.url)
        settings = Settings(home=tmp_path, engine_url=(dead.url, living.url))
        async with any_engine(settings, Console(file=StringIO())) as client:
            assert client.url == living.url


def test_engines_are_named_by_option_or_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = ("http://127.0.0.1:1", "http://127.0.0.1:2")
    monkeypatch.setenv("PHILHARMONIC_ENGINE_URL", " http://127.0.0.1:1/, http://127.0.0.1:2")
    assert Settings().engine_url == urls
    monkeypatch.setenv("PHILHARMONIC_ENGINE_URL", "")
    assert Settings().engine_url == ()
    assert Settings(engine_url=urls).engine_url == urls
    for wrong in ((urls[0], urls[0] + "/"), ("127.0.0.1:8000",)):
        with pytest.raises(ValueError, match=r"named twice|is not an http"):
            Settings(engine_url=wrong)


@pytest.mark.parametrize("host", ["10.0.0.7", "engine.example", "0.0.0.0", "[2001:db8::1]"])
def test_an_engine_that_others_can_reach_needs_a_key(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="PHILHARMONIC_ENGINE_KEY"):
        engine_client(Settings(home=tmp_path), f"http://{host}:8000")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"])
async def test_one_on_loopback_does_not_and_its_name_holds_no_secret(
    tmp_path: Path, host: str
) -> None:
    client = engine_client(Settings(home=tmp_path), f"http://me:secret@{host}:8000")
    assert client.name == f"{host}:8000"
    await client.aclose()


async def test_a_request_for_what_nobody_has_is_worth_another_try() -> None:
    client = EngineClient("http://127.0.0.1:9", 1)
    engines = Engines([client], dict, every_s=1)
    with pytest.raises(EngineUnavailable, match="no engine has 'cron@1' loaded"):
        engines.choose("cron@1", "hello")
    await client.aclose()


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"choices": 1}', b'{"error": {"message": "no"}}']
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_what_is_no_completion_is_called_so(body: bytes, streamed: bool) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"data: " + body + b"\n\n" if streamed else body)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    async with TestServer(app) as server:
        client = EngineClient(str(server.make_url("/")), 5)
        question = {"model": BASE_MODEL, "messages": []}
        with pytest.raises(EngineUnavailable, match=r"no completion|broke off"):
            if streamed:
                [_ async for _ in client.stream_chat(question)]
            else:
                await client.chat(question)
        await client.aclose()
