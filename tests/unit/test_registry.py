import errno
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agents.artifacts import FILES, MANIFEST, WEIGHTS
from agents.errors import ArtifactError, ConfigError, RegistryError, StorageError
from agents.registry import Registry
from tests.unit.adapter_folder import agent_config, write_adapter, write_json


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "home")


def publish(registry: Registry, folder: Path, value: float) -> int:
    return registry.publish(agent_config(), write_adapter(folder, value)).number


def test_what_is_published_is_live(registry: Registry, tmp_path: Path) -> None:
    version = registry.publish(agent_config(), write_adapter(tmp_path / "adapter"))
    assert (version.model, version.number) == ("cron@1", 1)
    assert version.manifest["scores"]["adapter"] == 0.9
    assert registry.live() == {"cron": version}
    assert registry.agents() == ["cron"]


def test_an_agent_without_an_adapter_can_be_published(registry: Registry) -> None:
    config = agent_config("general", adapter=None, evaluation=None)
    assert registry.publish(config, None).adapter is None
    assert registry.live()["general"].manifest == {}


def test_the_same_content_twice_is_one_version(registry: Registry, tmp_path: Path) -> None:
    assert [publish(registry, tmp_path / name, 1.0) for name in ("a", "b")] == [1, 1]
    assert publish(registry, tmp_path / "a", 2.0) == 2
    assert len(registry.versions("cron")) == 2


def test_a_known_version_stays_out_of_service_if_it_was_taken_out(
    registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "a", 1.0)
    registry.unload("cron")
    publish(registry, tmp_path / "a", 1.0)
    assert registry.live() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"system_prompt": "Other words."},
        {"generation": {"max_tokens": 3}},
        {"description": "Says when something runs."},
    ],
)
def test_what_changes_answers_makes_a_version(
    registry: Registry, tmp_path: Path, change: dict[str, Any]
) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    registry.publish(agent_config(), adapter)
    assert registry.publish(agent_config(**change), adapter).number == 2


def test_what_changes_training_alone_makes_none(registry: Registry, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    registry.publish(agent_config(), adapter)
    assert registry.publish(agent_config(gate={"min_score": 0.5}), adapter).number == 1


def test_a_version_is_a_copy(registry: Registry, tmp_path: Path) -> None:
    source = write_adapter(tmp_path / "adapter", 1.0)
    adapter = registry.publish(agent_config(), source).adapter
    assert adapter is not None and adapter.is_absolute()
    before = (adapter / WEIGHTS).read_bytes()
    write_adapter(source, 2.0)
    assert (adapter / WEIGHTS).read_bytes() == before
    assert sorted(file.name for file in adapter.iterdir()) == sorted(FILES)


def test_rollback_goes_back_step_by_step(registry: Registry, tmp_path: Path) -> None:
    for value in (1.0, 2.0, 3.0):
        publish(registry, tmp_path / "a", value)
    registry.activate("cron", 1)
    assert [registry.rollback("cron").number for _ in range(3)] == [3, 2, 1]
    with pytest.raises(RegistryError, match="no earlier version to roll back to"):
        registry.rollback("cron")
    assert registry.live()["cron"].number == 1


def test_a_version_for_another_base_than_the_served_one_does_not_go_live(
    registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "a", 1.0)
    registry.publish(agent_config(base="phi-3-mini-4k"), write_adapter(tmp_path / "a", 2.0))
    for change in (registry.rollback, lambda *known: registry.activate(known[0], 1, known[1])):
        with pytest.raises(ConfigError, match="cron@1 is for base 'default', and 'phi-3-mini-4k'"):
            change("cron", "phi-3-mini-4k")
        assert registry.live()["cron"].number == 2
    assert registry.rollback("cron", "default").number == 1


def test_activating_what_is_live_adds_no_step(registry: Registry, tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        publish(registry, tmp_path / "a", value)
    registry.activate("cron", 2)
    assert registry.rollback("cron").number == 1


def test_unload_keeps_the_versions(registry: Registry, tmp_path: Path) -> None:
    publish(registry, tmp_path / "a", 1.0)
    registry.unload("cron")
    assert registry.live() == {}
    with pytest.raises(RegistryError, match="agent 'cron' is not live"):
        registry.unload("cron")
    assert registry.activate("cron", 1).model == "cron@1"
    assert registry.live()["cron"].number == 1


def test_an_unknown_version_is_answered_with_the_known_ones(
    registry: Registry, tmp_path: Path
) -> None:
    for value in (1.0, 2.0):
        publish(registry, tmp_path / "a", value)
    with pytest.raises(RegistryError, match=r"agent 'cron' has no version 7; it has: 1, 2"):
        registry.activate("cron", 7)
    with pytest.raises(RegistryError, match=r"agent 'chess' has no version 1; it has: none"):
        registry.activate("chess", 1)


def test_every_change_of_what_is_live_changes_the_revision(
    registry: Registry, tmp_path: Path
) -> None:
    changes: list[Callable[[], object]] = [
        lambda: publish(registry, tmp_path / "a", 1.0),
        lambda: publish(registry, tmp_path / "a", 2.0),
        lambda: registry.rollback("cron"),
        lambda: registry.activate("cron", 2),
        lambda: registry.unload("cron"),
        lambda: registry.activate("cron", 1),
    ]
    for change in changes:
        before = registry.revision()
        change()
        assert registry.revision() != before


def test_a_second_process_sees_the_same(registry: Registry, tmp_path: Path) -> None:
    publish(registry, tmp_path / "a", 1.0)
    assert Registry(tmp_path / "home").live() == registry.live()


def test_the_leftover_of_a_broken_copy_gives_way(registry: Registry, tmp_path: Path) -> None:
    leftover = tmp_path / "home" / "adapters" / "cron" / "1"
    leftover.mkdir(parents=True)
    (leftover / WEIGHTS).write_bytes(b"half of it")
    (leftover / "foreign").touch()
    adapter = registry.publish(agent_config(), write_adapter(tmp_path / "adapter")).adapter
    assert adapter is not None
    assert sorted(file.name for file in adapter.iterdir()) == sorted(FILES)


def test_what_a_killed_publisher_left_is_removed_when_it_is_nobodys(
    registry: Registry, tmp_path: Path
) -> None:
    adapters = tmp_path / "home" / "adapters"
    ages = {".incoming-old": (7200, 7000), ".incoming-busy": (7200, 10), ".incoming-new": (5, 5)}
    for name, (folder_age, file_age) in ages.items():
        file = adapters / name / WEIGHTS
        file.parent.mkdir()
        file.write_bytes(b"half of it")
        for path, age in ((file, file_age), (file.parent, folder_age)):
            os.utime(path, (time.time() - age, time.time() - age))
    publish(registry, tmp_path / "a", 1.0)
    assert {path.name for path in adapters.iterdir()} == {"cron", ".incoming-busy", ".incoming-new"}


def test_a_failing_copy_leaves_nothing(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "no space left on device")

    source = write_adapter(tmp_path / "adapter")
    with monkeypatch.context() as patched:
        patched.setattr("agents.registry.shutil.copyfile", full)
        with pytest.raises(StorageError, match="cron/1: the disk is full"):
            registry.publish(agent_config(), source)
    assert registry.versions("cron") == []
    assert [path for path in (tmp_path / "home" / "adapters").rglob("*") if path.is_file()] == []
    assert registry.publish(agent_config(), source).number == 1


def test_a_damaged_adapter_is_never_stored(registry: Registry, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter", r=64)
    with pytest.raises(ArtifactError, match="a rank above"):
        registry.publish(agent_config(), folder)
    assert registry.agents() == []


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({"adapter_sha256": "0" * 64}, "written for other weights"),
        ({"base": {"profile": "phi-3-mini-4k"}}, "trained on base 'phi-3-mini-4k'"),
    ],
)
def test_a_foreign_adapter_is_never_stored(
    registry: Registry, tmp_path: Path, manifest: dict[str, Any], reason: str
) -> None:
    folder = write_adapter(tmp_path / "adapter")
    write_json(folder / MANIFEST, manifest)
    with pytest.raises(ArtifactError, match=reason):
        registry.publish(agent_config(), folder)
    assert registry.agents() == []


def write_router(folder: Path, text: str) -> Path:
    (folder / "adapter").mkdir(parents=True, exist_ok=True)
    (folder / "router.json").write_text(text)
    (folder / "adapter" / "weights").write_text("w")
    return folder


def test_a_version_and_its_router_become_live_together(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "home")
    assert registry.router() is None
    adapter = write_adapter(tmp_path / "adapter", 1.0)
    router = write_router(tmp_path / "router", "one")
    first = registry.publish_with_router(agent_config(), adapter, router)
    assert registry.live()["cron"] == first
    kept = registry.router()
    assert kept is not None and (kept / "router.json").read_text() == "one"
    assert (kept / "adapter" / "weights").read_text() == "w"

    assert registry.publish_with_router(agent_config(), adapter, router) == first
    assert registry.router() == kept
    write_router(tmp_path / "router", "two")
    registry.publish_with_router(agent_config(), adapter, router)
    assert registry.router() != kept and (kept / "router.json").read_text() == "one"


def test_a_router_that_cannot_be_copied_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(tmp_path / "home")
    adapter = write_adapter(tmp_path / "adapter", 1.0)
    router = write_router(tmp_path / "router", "one")

    copyfile = shutil.copyfile

    def fail(source: Path, target: Path) -> object:
        if source.name == "router.json":
            raise OSError(errno.ENOSPC, "no space left on device")
        return copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", fail)
    with pytest.raises(StorageError, match="routers/1: the disk is full"):
        registry.publish_with_router(agent_config(), adapter, router)
    assert registry.live() == {} and registry.versions("cron") == [] and registry.router() is None


def test_a_version_can_be_deleted_but_never_the_live_one(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "home")
    for value in (1.0, 2.0):
        registry.publish(agent_config(), write_adapter(tmp_path / "adapter", value))
    with pytest.raises(RegistryError, match="cron@2 is live; roll back"):
        registry.delete("cron", 2)
    registry.rollback("cron")
    folder = registry.version("cron@2").adapter
    assert folder is not None
    registry.delete("cron", 2)
    assert [version.number for version in registry.versions("cron")] == [1]
    assert not folder.exists()
    with pytest.raises(RegistryError, match="has no version 2"):
        registry.version("cron@2")
    with pytest.raises(RegistryError, match="no earlier version"):
        registry.rollback("cron")
    another = registry.publish(agent_config(), write_adapter(tmp_path / "adapter", 3.0))
    assert another.number == 3  # a number is never given twice


@pytest.mark.parametrize("with_router", [False, True])
def test_two_who_publish_at_once_get_two_versions_with_their_own_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_router: bool
) -> None:
    home, router = tmp_path / "home", write_router(tmp_path / "router", "one")
    sources = [write_adapter(tmp_path / name, value) for name, value in (("a", 1.0), ("b", 2.0))]
    registries, both_read = [Registry(home), Registry(home)], threading.Barrier(2)
    next_number = Registry._next_number

    def slowly(db: sqlite3.Connection, agent: str) -> int:
        number = next_number(db, agent)
        with suppress(threading.BrokenBarrierError):
            both_read.wait(0.5)
        return number

    def publish_one(registry: Registry, source: Path) -> tuple[int, bytes, bytes]:
        if with_router:
            version = registry.publish_with_router(agent_config(), source, router)
        else:
            version = registry.publish(agent_config(), source)
        assert version.adapter is not None
        kept = (version.adapter / WEIGHTS).read_bytes()
        return version.number, (source / WEIGHTS).read_bytes(), kept

    monkeypatch.setattr(Registry, "_next_number", staticmethod(slowly))
    with ThreadPoolExecutor(2) as pool:
        published = list(pool.map(publish_one, registries, sources))
    assert sorted(number for number, _, _ in published) == [1, 2]
    assert all(given == kept for _, given, kept in published)
