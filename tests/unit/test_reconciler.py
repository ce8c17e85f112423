import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from agents.errors import EngineUnavailable
from agents.registry import Registry
from serving.engine.client import BASE_MODEL, EngineClient
from serving.reconciler import InFlight, Reconciler, follow
from tests.unit.adapter_folder import agent_config
from tests.unit.toy_engine import ToyEngine

CRON, SQL = Path("/adapters/cron/1"), Path("/adapters/sql/1")


class Stage:
    """An engine, a reconciler for it, and what is wanted of them."""

    def __init__(self, engine: ToyEngine, client: EngineClient) -> None:
        self.engine = engine
        self.wanted: dict[str, Path] = {}
        self.in_flight = InFlight()
        self.reconciler = Reconciler(client, lambda: self.wanted, self.in_flight, every_s=0.02)

    async def settle(self) -> None:
        """Enough rounds for everything to be done."""
        for _ in range(3):
            await self.reconciler.reconcile()

    @asynccontextmanager
    async def reconciling(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.reconciler.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with ToyEngine().running() as engine, stage_with(engine) as stage:
        yield stage


@asynccontextmanager
async def stage_with(engine: ToyEngine) -> AsyncIterator[Stage]:
    client = EngineClient(engine.url, timeout_s=5)
    try:
        yield Stage(engine, client)
    finally:
        await client.aclose()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_what_is_missing_is_loaded_once(stage: Stage) -> None:
    stage.wanted = {"cron@1": CRON, "sql@1": SQL}
    await stage.settle()
    assert stage.engine.adapters == {"cron@1": str(CRON), "sql@1": str(SQL)}
    assert stage.reconciler.loaded == {BASE_MODEL, "cron@1", "sql@1"}
    assert sorted(stage.engine.calls) == ["load cron@1", "load sql@1"]


async def test_what_is_unwanted_is_unloaded(stage: Stage) -> None:
    stage.wanted = {"cron@1": CRON}
    await stage.settle()
    stage.wanted = {"cron@2": CRON}
    await stage.settle()
    assert stage.engine.adapters == {"cron@2": str(CRON)}
    assert stage.reconciler.loaded == {BASE_MODEL, "cron@2"}


async def test_a_request_on_its_way_still_finds_the_old_version(stage: Stage) -> None:
    stage.wanted = {"cron@1": CRON}
    await stage.settle()
    stage.wanted = {"cron@2": CRON}
    await stage.reconciler.reconcile()
    assert stage.reconciler.loaded == {BASE_MODEL, "cron@1", "cron@2"}
    await stage.reconciler.reconcile()
    assert stage.reconciler.loaded == {BASE_MODEL, "cron@2"}


async def test_a_model_in_use_is_drained_first(stage: Stage) -> None:
    stage.wanted = {"cron@1": CRON}
    await stage.settle()
    stage.in_flight.start("cron@1")
    stage.in_flight.start("cron@1")
    stage.wanted = {}
    await stage.settle()
    stage.in_flight.finish("cron@1")
    await stage.settle()
    assert "cron@1" in stage.engine.adapters
    stage.in_flight.finish("cron@1")
    await stage.settle()
    assert stage.engine.adapters == {}


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_a_refused_adapter_keeps_nobody_else_out(stage: Stage, status: int) -> None:
    stage.engine.refuses = {"cron@1": status}
    stage.wanted = {"cron@1": CRON, "sql@1": SQL}
    await stage.settle()
    assert stage.reconciler.refused == {"cron@1": "cannot load cron@1"}
    assert stage.reconciler.loaded == {BASE_MODEL, "sql@1"}
    assert stage.engine.calls.count("load cron@1") == 1
    stage.wanted = {"sql@1": SQL}
    await stage.settle()
    assert stage.reconciler.refused == {}


async def test_a_refused_version_does_not_push_out_the_one_before(stage: Stage) -> None:
    stage.wanted = {"cron@1": CRON}
    await stage.settle()
    stage.engine.refuses = {"cron@2": 400}
    stage.wanted = {"cron@2": CRON}
    await stage.settle()
    assert stage.reconciler.loaded == {BASE_MODEL, "cron@1"}


async def test_a_restarted_engine_is_filled_again(stage: Stage) -> None:
    stage.wanted = {"cron@1": CRON, "sql@1": SQL}
    async with stage.reconciling():
        await until(lambda: len(stage.engine.adapters) == 2)
        stage.engine.adapters.clear()
        await until(lambda: len(stage.engine.adapters) == 2)


async def test_an_engine_that_is_gone_serves_nothing_until_it_is_back() -> None:
    engine = ToyEngine(refuses={"sql@1": 400})
    async with engine.running():
        pass
    async with stage_with(engine) as stage, stage.reconciling():
        stage.wanted = {"cron@1": CRON, "sql@1": SQL}
        async with engine.running():
            await until(lambda: "cron@1" in stage.reconciler.loaded)
        await until(lambda: not stage.reconciler.loaded)
        with pytest.raises(EngineUnavailable):
            await stage.reconciler.reconcile()
        engine.refuses = {}
        async with engine.running():
            await until(lambda: stage.reconciler.loaded == {BASE_MODEL, "cron@1", "sql@1"})
        assert stage.reconciler.refused == {}


async def test_two_gateways_may_share_an_engine(stage: Stage) -> None:
    """The slower one finds its adapter loaded, or unloaded, by the other."""
    stage.wanted = {"cron@1": CRON}
    stage.reconciler.refused = {"cron@1": "cron@1 has already been loaded"}
    stage.engine.adapters = {"cron@1": str(CRON)}
    await stage.settle()
    assert stage.reconciler.refused == {}
    assert stage.reconciler.loaded == {BASE_MODEL, "cron@1"}


async def speak_no_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await writer.drain()
    writer.close()


async def test_what_speaks_no_http_is_no_engine() -> None:
    server = await asyncio.start_server(speak_no_http, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = EngineClient(f"http://127.0.0.1:{port}", timeout_s=5)
    body = {"model": BASE_MODEL, "messages": []}
    async with server:
        assert not await client.is_healthy()
        with pytest.raises(EngineUnavailable, match="does not answer"):
            await client.chat(body)
        with pytest.raises(EngineUnavailable, match="broke off"):
            await anext(client.stream_chat(body))
        stage = Stage(ToyEngine(), client)
        stage.reconciler.loaded = frozenset({BASE_MODEL})
        async with stage.reconciling():
            await until(lambda: stage.reconciler.failures >= 2)
        assert not stage.reconciler.loaded
    await client.aclose()


async def test_whatever_goes_wrong_the_loop_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True

    def wanted() -> dict[str, Path]:
        if broken:
            raise KeyError("nobody thought of this")
        return stage.wanted

    stage.reconciler._wanted = wanted
    stage.reconciler.loaded = frozenset({BASE_MODEL})
    async with stage.reconciling():
        await until(lambda: stage.reconciler.failures >= 2)
        assert not stage.reconciler.loaded
        assert "nobody thought of this" in caplog.text and "Traceback" in caplog.text
        broken = False
        assert await stage.reconciler.recovered(5)
        assert stage.reconciler.loaded


async def test_changes_are_followed_whatever_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = [*([RuntimeError("unheard of")] * 2), (1, 1), (2, 2)]

    def revision() -> tuple[int, int]:
        look = looks.pop(0) if len(looks) > 1 else looks[0]
        if isinstance(look, Exception):
            raise look
        return look

    registry = Registry(tmp_path)
    monkeypatch.setattr(registry, "revision", revision)
    noticed = asyncio.Event()
    following = asyncio.create_task(follow(registry, noticed.set))
    await asyncio.wait_for(noticed.wait(), 10)
    following.cancel()
    assert "unheard of" in caplog.text


async def test_waking_saves_the_wait(stage: Stage) -> None:
    stage.reconciler._every_s = 60.0
    async with stage.reconciling():
        await until(lambda: BASE_MODEL in stage.reconciler.loaded)
        stage.wanted = {"cron@1": CRON}
        stage.reconciler.wake()
        await until(lambda: "cron@1" in stage.engine.adapters)


async def test_a_change_by_another_process_is_noticed_within_a_second(tmp_path: Path) -> None:
    def publish(system_prompt: str) -> None:
        other = Registry(tmp_path)
        config = agent_config("general", system_prompt=system_prompt, adapter=None, evaluation=None)
        other.activate("general", other.publish(config, None).number)

    publish("Be brief.")
    noticed = asyncio.Event()
    following = asyncio.create_task(follow(Registry(tmp_path), noticed.set))
    await asyncio.sleep(0.6)
    assert not noticed.is_set()  # nothing has changed yet
    for change in (lambda: publish("Be kind."), lambda: Registry(tmp_path).rollback("general")):
        await asyncio.to_thread(change)
        await asyncio.wait_for(noticed.wait(), 1)
        noticed.clear()
    # What breaks and is repaired is followed again.
    whole = (tmp_path / "registry.sqlite").read_bytes()
    (tmp_path / "registry.sqlite").write_bytes(b"no database" * 1000)
    await asyncio.sleep(0.6)
    (tmp_path / "registry.sqlite").write_bytes(whole)
    await asyncio.to_thread(publish, "Be honest.")
    await asyncio.wait_for(noticed.wait(), 1)
    following.cancel()
