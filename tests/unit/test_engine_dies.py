"""The engine is gone in the middle of things, refuses an adapter, or is somebody else's, too."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from serving import reconciler
from tests.unit.running_gateway import CHAT, Running, running_gateway, until
from tests.unit.toy_engine import ToyEngine


class Mortal:
    """An engine that can be killed and started again on its port, and a gateway before it."""

    def __init__(self, up: Running, life: AsyncExitStack) -> None:
        self.up = up
        self.engine = up.engine
        self._life = life

    async def die(self) -> None:
        await self._life.aclose()

    async def come_back(self) -> None:
        await self._life.enter_async_context(self.engine.running())


@asynccontextmanager
async def mortal(home: Path, **settings: float) -> AsyncIterator[Mortal]:
    engine = ToyEngine()
    async with AsyncExitStack() as life:
        await life.enter_async_context(engine.running())
        async with running_gateway(home, engine, **settings) as up:
            yield Mortal(up, life)


async def test_what_had_not_begun_is_asked_again_and_answered_once(tmp_path: Path) -> None:
    async with mortal(tmp_path) as stage:
        up, engine = stage.up, stage.engine
        adapters = {name.rpartition(":")[2] for name in engine.adapters}
        engine.goes_on.clear()
        asked = [
            asyncio.create_task(up.chat(model="cron", conversation_id="new")),
            asyncio.create_task(up.chat(model="auto")),
            asyncio.create_task(up.chat(stream=True)),
        ]
        await until(lambda: engine.working == 3)
        await stage.die()
        late = asyncio.create_task(up.chat(model="sql"))
        await until(lambda: not up.state.engines.loaded)
        assert (await up.http.get("/readyz")).status_code == 503
        engine.goes_on.set()
        await stage.come_back()
        whole, routed, stream, waited = await asyncio.gather(*asked, late)
        assert [a.status_code for a in (whole, routed, stream, waited)] == [200] * 4
        assert whole.json()["philharmonic"]["model"] == "cron@1"
        assert stream.text.endswith("data: [DONE]\n\n")
        assert {name.rpartition(":")[2] for name in engine.adapters} == adapters
        conversation_id = whole.headers["x-philharmonic-conversation-id"]
        stored = (await up.http.get(f"/v1/conversations/{conversation_id}")).json()["messages"]
        assert len(stored) == 2
        assert len(engine.chats) == 3 + 4


async def test_a_stream_that_had_begun_ends_with_an_error(tmp_path: Path) -> None:
    async with mortal(tmp_path) as stage:
        stage.engine.words, stage.engine.gap_s = 10**6, 0.01
        asked = asyncio.create_task(stage.up.chat(stream=True))
        await until(lambda: stage.engine.sent > 3)
        await stage.die()
        events = (await asked).text.strip().split("\n\n")
        assert json.loads(events[0][6:])["choices"][0]["delta"]["content"] == "word "
        error = json.loads(events[-1][6:])["error"]
        assert (error["type"], error["code"]) == ("server_error", "engine_unavailable")
        await until(lambda: stage.up.state.admission.in_flight == 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_nobody_waits_for_ever(tmp_path: Path, stream: bool) -> None:
    async with mortal(tmp_path, engine_wait_s=0.3) as stage:
        await stage.die()
        refused = await stage.up.chat(stream=stream)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert (await stage.up.http.get("/healthz")).status_code == 200


async def test_an_answer_is_asked_for_twice_at_most(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        up.engine.breaks_after = 0
        refused = await up.chat(stream=True)
        assert (refused.status_code, len(up.engine.chats)) == (503, 2)


async def test_an_engine_that_lost_an_adapter_unnoticed_is_given_it_again(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, reconcile_every_s=600) as up:
        up.engine.adapters.clear()
        answer = await up.chat(model="cron")
        assert (answer.status_code, answer.json()["model"]) == (200, "cron@1")


async def test_a_refused_adapter_takes_nobody_else_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "_RETRY_REFUSED_S", 0.0)
    engine = ToyEngine(refuses={"cron@1": 500})
    async with engine.running(), running_gateway(tmp_path, engine) as up:
        ready = await up.http.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {"status": "ready", "refused": {"cron@1": "cannot load cron@1"}}
        refused = await up.chat(model="cron")
        assert refused.status_code == 503
        assert "the engine refuses cron@1 (cannot load cron@1)" in refused.text
        for agent in ("sql", "home", "triage", "general"):
            assert (await up.chat(model=agent)).status_code == 200
        routed = await up.chat("every weekday at half past nine in the morning", "auto")
        assert routed.status_code == 200
        assert routed.json()["philharmonic"]["agent"] != "cron"
        engine.refuses = {}
        await until(lambda: not up.state.engines.refused)
        assert (await up.chat(model="cron")).json()["model"] == "cron@1"


async def test_two_homes_on_one_engine_leave_each_other_alone(tmp_path: Path) -> None:
    async with (
        ToyEngine().running() as engine,
        running_gateway(tmp_path / "a", engine) as first,
        running_gateway(tmp_path / "b", engine) as second,
    ):
        both = set(engine.adapters)
        assert len(both) == 2 * 5  # four agents and the router LLM, each
        assert (await first.http.post("/admin/agents/cron/unload")).status_code == 200
        await until(lambda: len(engine.adapters) == 9)
        (gone,) = both - set(engine.adapters)
        assert gone == f"{first.state.registry.home_id}:cron@1"
        assert (await second.chat(model="cron")).json()["model"] == "cron@1"
        assert engine.chats[-1]["model"] == f"{second.state.registry.home_id}:cron@1"
        assert (await first.http.post(CHAT, json={})).status_code == 400
        assert (await first.chat(model="cron")).status_code == 404
