import asyncio
import logging
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.errors import RouterError, StorageError
from agents.registry import Registry
from agents.settings import Settings
from router.artifact import ADAPTER_FOLDER
from router.extend import extend_router, keep_rows
from router.newcomers import NewcomerRows
from serving import routers
from serving.engine.client import BASE_MODEL
from serving.engine.router_llm import RouterLLMEndpoint
from serving.lineup import Lineup
from serving.routers import FittedRouter, RouterSwitch, follow, open_router, router_folder
from tests.unit.adapter_folder import agent_config, write_adapter
from tests.unit.test_router_router import AGENTS, FakeEngine, asked, fit, with_policy
from tests.unit.test_router_router import fitted as fitted  # a fixture

BANK = [{"text": f"{verb} my card", "domain": "bank"} for verb in ("freeze", "replace", "order")]


@pytest.fixture
def settings(fitted: Path, tmp_path: Path) -> Settings:
    write_adapter(fitted / ADAPTER_FOLDER)
    return Settings(home=tmp_path / "home", router_dir=fitted, reconcile_every_s=0.02)


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return Registry(settings.home)


def extended(settings: Settings, folder: Path) -> Path:
    """The fitted router with an agent `bank`."""
    data = folder / "data"
    data.mkdir(parents=True)
    for name in ("train", "calibration"):
        (data / f"{name}.jsonl").write_bytes((settings.router_dir / "data.jsonl").read_bytes())
    own = folder / "router" / "added" / "bank"
    keep_rows(NewcomerRows(train=BANK * 2, calibration=BANK, judged=BANK), own)
    engine = FakeEngine(" A")
    out = folder / "router"
    asyncio.run(extend_router(settings.router_dir, out, data, {"bank": own}, engine, "router"))
    return out


def publish(registry: Registry, router: Path, tmp_path: Path) -> None:
    registry.publish_with_router(agent_config("bank"), write_adapter(tmp_path / "adapter"), router)


def switch_of(folder: Path, settings: Settings) -> RouterSwitch:
    return RouterSwitch(
        open_router(folder, AGENTS, FakeEngine(" A"), Registry(settings.home), settings)
    )


def test_a_router_without_a_router_llm_needs_no_adapter(
    registry: Registry, settings: Settings, tmp_path: Path
) -> None:
    shutil.copy(settings.router_dir / "data.jsonl", tmp_path)
    fit(tmp_path, tmp_path, None)
    opened = open_router(tmp_path, AGENTS, FakeEngine(" A"), registry, settings)
    assert opened.adapters == {}
    llm = RouterLLMEndpoint("http://127.0.0.1:9/v1", "any", None)
    with pytest.raises(RouterError, match="unset PHILHARMONIC_ROUTER_LLM_URL"):
        open_router(tmp_path, AGENTS, llm, registry, settings)


async def test_another_bases_adapter_is_left_alone_and_the_fast_path_decides(
    registry: Registry, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    engine = FakeEngine(" A")
    elsewhere = settings.model_copy(update={"base": "phi-3-mini-4k"})
    opened = open_router(settings.router_dir, AGENTS, engine, registry, elsewhere)
    assert opened.adapters == {} and "adapter for base default, not phi-3-mini-4k" in caplog.text
    unsure = with_policy(opened.router, fast_threshold=None)
    assert (await unsure.route(asked("hm"))).stage == "fast"
    assert engine.prompts == []


def settle(switch: RouterSwitch, registry: Registry, loaded: Sequence[str]) -> tuple[str, ...]:
    switch.settle(Lineup(registry, switch.adapters, "default"), frozenset({BASE_MODEL, *loaded}))
    return switch.router.spec.agents


def test_a_published_router_takes_over_once_the_engine_is_ready(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    switch = switch_of(settings.router_dir, settings)
    (model,) = switch.adapters()
    publish(registry, extended(settings, tmp_path / "new"), tmp_path)

    async def wait() -> None:
        engine = FakeEngine(" A")
        task = asyncio.create_task(follow(switch, registry, None, AGENTS, engine, settings))
        async with asyncio.timeout(5):
            while switch.folder == settings.router_dir:
                await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(wait())
    assert switch.adapters().keys() == {model}  # the router LLM is the same
    assert settle(switch, registry, []) == AGENTS
    assert settle(switch, registry, [model]) == AGENTS  # the newcomer is not loaded yet
    assert settle(switch, registry, [model, "bank@1"]) == (*AGENTS, "bank")


def test_after_a_restart_the_published_router_decides(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    assert router_folder(registry.router(), settings) == settings.router_dir
    publish(registry, extended(settings, tmp_path / "new"), tmp_path)
    folder = router_folder(registry.router(), settings)
    assert switch_of(folder, settings).router.spec.agents == (*AGENTS, "bank")


def test_a_newly_shipped_router_puts_the_published_one_out_of_use(
    settings: Settings, registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(registry, extended(settings, tmp_path / "new"), tmp_path)
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "router.json").write_text((settings.router_dir / "router.json").read_text() + " ")
    changed = settings.model_copy(update={"router_dir": shipped})
    with caplog.at_level(logging.WARNING):
        assert router_folder(registry.router(), changed) == shipped
    assert "added agents (bank) are reached by name only" in caplog.text


def test_a_damaged_router_changes_nothing(
    settings: Settings, registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    switch = switch_of(settings.router_dir, settings)
    router = extended(settings, tmp_path / "new")
    (router / "fast_path.npz").write_bytes(b"cut off")
    publish(registry, router, tmp_path)

    async def wait() -> None:
        engine = FakeEngine(" A")
        task = asyncio.create_task(follow(switch, registry, None, AGENTS, engine, settings))
        async with asyncio.timeout(5):
            while "cannot be used" not in caplog.text:
                await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(wait())
    assert switch.folder == settings.router_dir


@pytest.mark.parametrize("error", [StorageError("busy"), ValueError("unheard of")])
def test_whatever_goes_wrong_the_next_router_is_taken_up(
    settings: Settings,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    switch = switch_of(settings.router_dir, settings)
    publish(registry, extended(settings, tmp_path / "new"), tmp_path)
    failed = threading.Event()

    def fail(*_: object) -> FittedRouter:
        failed.set()
        raise error

    monkeypatch.setattr(routers, "open_router", fail)

    async def wait() -> None:
        engine = FakeEngine(" A")
        task = asyncio.create_task(follow(switch, registry, None, AGENTS, engine, settings))
        assert await asyncio.to_thread(failed.wait, 5)
        monkeypatch.setattr(routers, "open_router", open_router)
        router = tmp_path / "new" / "router"
        (router / "note.txt").write_text("another one")
        await asyncio.to_thread(publish, registry, router, tmp_path)
        async with asyncio.timeout(5):
            while switch.folder != registry.router():
                await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(wait())
