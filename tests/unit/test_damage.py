"""Disks that are full or read-only, files that are damaged: what breaks, and what goes on."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents.errors import StorageError
from agents.registry import Registry
from serving.engine.own import free_port
from serving.keys import KeyLimits, KeyStore
from tests.small_disk import ZEROS, fill_up, small_disk
from tests.unit.conftest import Cli
from tests.unit.running_gateway import Running, running_gateway, until, write_catalog


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MB of its own; without the right to mount one, the test is skipped."""
    try:
        with small_disk(tmp_path / "disk", 40):
            yield tmp_path / "disk"
    except PermissionError as error:
        pytest.skip(str(error))


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


async def conversation(up: Running) -> str:
    answer = await up.chat(conversation_id="new")
    assert answer.status_code == 200, answer.text
    return answer.headers["x-philharmonic-conversation-id"]


async def stored_messages(up: Running, conversation_id: str) -> int:
    answer = await up.http.get(f"/v1/conversations/{conversation_id}")
    return len(answer.json()["messages"])


@pytest.mark.parametrize("fault", ["full", "read-only"])
async def test_a_disk_that_takes_nothing_more_stops_stored_conversations_alone(
    disk: Path, fault: str
) -> None:
    async with running_gateway(disk / "home") as up:
        kept = await conversation(up)
        connection = up.state.graph._checkpointer.conn  # type: ignore[attr-defined]
        ballast = fill_up(disk) if fault == "full" else None
        if fault == "read-only":  # a file system in use cannot be remounted so
            await connection.execute("PRAGMA query_only = 1")
        statuses = set()
        for _ in range(200):
            refused = await up.chat("x" * 4000, conversation_id=kept)
            statuses.add(refused.status_code)
            if refused.status_code != 200:
                break
        assert refused.status_code == 503
        error = refused.json()["error"]
        assert error["code"] == "storage_unavailable"
        wanted = "the disk is full" if fault == "full" else "it cannot be written"
        assert wanted in error["message"] and "Without a conversation_id" in error["message"]
        stream = await up.chat(conversation_id=kept, stream=True)
        assert "storage_unavailable" in stream.text and "[DONE]" not in stream.text
        for agent in ("general", "cron", "auto"):
            assert (await up.chat(model=agent)).status_code == 200
        assert (await up.http.get("/readyz")).status_code == 200
        before = await stored_messages(up, kept)
        assert before >= 2
        if ballast is not None:
            ballast.unlink()
        else:
            await connection.execute("PRAGMA query_only = 0")
        assert (await up.chat(conversation_id=kept)).status_code == 200
        assert await stored_messages(up, kept) == before + 2


def test_a_read_only_home_is_explained(
    disk: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    Registry(disk)
    remount(disk, "ro")
    try:
        monkeypatch.setenv("PHILHARMONIC_HOME", str(disk))
        serve = ("serve", "--port", str(free_port()))
        for command in (("agents",), ("publish", "cron"), ("keys", "create", "x"), serve):
            code, _, err = cli(*command)
            assert code == 1, (command, err)
            assert "it cannot be written" in err and "Traceback" not in err
    finally:
        remount(disk, "rw")


def test_a_full_disk_leaves_no_half_version(disk: Path, tmp_path: Path) -> None:
    from agents.catalog import load_agent

    agent = load_agent(write_catalog(tmp_path / "catalog", "cron") / "cron")
    registry = Registry(disk)
    ballast = fill_up(disk)
    with pytest.raises(StorageError, match="the disk is full"):
        registry.publish(agent.config, agent.adapter_dir)
    assert registry.live() == {}
    assert list((disk / "adapters").glob("*/*")) == []
    ballast.unlink()
    assert registry.publish(agent.config, agent.adapter_dir).number == 1


@pytest.mark.parametrize("damage", ["cut", "overwritten"])
async def test_damaged_conversations_are_set_aside_and_can_be_had_back(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_gateway(tmp_path) as up:
        for _ in range(30):
            kept = await conversation(up)
    path = tmp_path / "conversations.sqlite"
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] if damage == "cut" else ZEROS + content[4096:])
    async with running_gateway(tmp_path) as up:
        (aside,) = tmp_path.glob("conversations.sqlite.damaged-*")
        assert len(aside.read_bytes()) >= half
        assert f"{path} is damaged" in caplog.text and str(aside) in caplog.text
        assert (await up.http.get(f"/v1/conversations/{kept}")).status_code == 404
        assert await stored_messages(up, await conversation(up)) == 2


def test_a_damaged_registry_is_explained(cli: Cli, home: Path) -> None:
    Registry(home)
    (home / "registry.sqlite").write_bytes(b"no database" * 1000)
    code, _, err = cli("agents")
    assert code == 1
    assert "registry.sqlite: it is damaged; stop the gateway" in err and "Traceback" not in err
    (home / "registry.sqlite").rename(home / "registry.damaged")
    assert cli("agents")[0] == 0


async def test_a_registry_that_breaks_while_we_serve_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_gateway(tmp_path) as up:
        path = tmp_path / "registry.sqlite"
        whole = path.read_bytes()
        path.write_bytes(b"no database" * 1000)
        await until(lambda: "the lineup stays as it is" in caplog.text)
        assert (await up.chat(model="cron")).status_code == 200
        assert (await up.http.get("/readyz")).status_code == 200
        refused = await up.http.get("/admin/agents")
        assert (refused.status_code, "it is damaged" in refused.text) == (503, True)
        path.write_bytes(whole)
        assert (await up.http.post("/admin/agents/cron/unload")).status_code == 200
        assert (await up.chat(model="cron")).status_code == 404


@pytest.mark.parametrize("fault", ["cut", "another base", "no adapter"])
async def test_a_damaged_agent_of_the_catalog_keeps_nobody_else_out(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("cron", "sql", "home", "triage", "general")
    catalog = write_catalog(tmp_path / "catalog", *names)
    weights = catalog / "cron" / "adapter" / "adapter_model.safetensors"
    if fault == "cut":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif fault == "another base":
        manifest = catalog / "cron" / "adapter" / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"default"', '"phi-3-mini-4k"'))
    else:
        weights.unlink()
    async with running_gateway(tmp_path / "home", agents_dir=catalog) as up:
        assert "the catalog's agent cron cannot be served" in caplog.text
        assert (await up.chat(model="cron")).status_code == 404
        assert (await up.chat(model="sql")).status_code == 200
        assert (await up.chat("every monday at nine", "auto")).status_code == 200


def test_a_key_store_that_is_damaged_lets_nobody_serve_strangers(cli: Cli, home: Path) -> None:
    KeyStore(home).create("ops", "admin", KeyLimits())
    with closing(sqlite3.connect(home / "keys.sqlite")) as db:
        db.execute("PRAGMA integrity_check")
    (home / "keys.sqlite").write_bytes(b"no database" * 1000)
    code, _, err = cli("serve", "--host", "0.0.0.0")
    assert (code, "keys.sqlite: it is damaged" in err) == (1, True)
