import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agents.errors import EngineUnavailable, RegistryError, StorageError
from agents.registry import Registry
from serving.engine.client import BASE_MODEL
from serving.lineup import Lineup
from tests.unit.adapter_folder import agent_config, write_adapter

ROUTER = ("router-1a2b", Path("/adapters/router"))


def router_adapters() -> dict[str, Path]:
    return dict([ROUTER])


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path / "home")
    registry.publish(agent_config("general", adapter=None, evaluation=None), None)
    registry.publish(agent_config(), write_adapter(tmp_path / "adapter", 1.0))
    return registry


def publish_another(registry: Registry, tmp_path: Path) -> None:
    registry.publish(agent_config(), write_adapter(tmp_path / "adapter", 2.0))


def loaded(*models: str) -> frozenset[str]:
    return frozenset({BASE_MODEL, ROUTER[0], *models})


def test_every_live_adapter_and_the_routers_are_wanted(registry: Registry) -> None:
    lineup = Lineup(registry, router_adapters)
    assert lineup.wanted() == {
        "cron@1": registry.live()["cron"].adapter,
        "router-1a2b": Path("/adapters/router"),
    }
    assert Lineup(registry, dict).wanted().keys() == {"cron@1"}


def test_it_is_complete_with_every_adapter_only(registry: Registry, tmp_path: Path) -> None:
    lineup = Lineup(registry, router_adapters)
    assert lineup.is_complete(loaded("cron@1"), {})
    assert not lineup.is_complete(loaded(), {})
    assert not lineup.is_complete(frozenset({BASE_MODEL, "cron@1"}), {})
    assert not lineup.is_complete(frozenset(), {})
    assert not Lineup(Registry(tmp_path / "empty"), dict).is_complete(frozenset({BASE_MODEL}), {})


def test_the_old_version_answers_until_the_new_one_is_loaded(
    registry: Registry, tmp_path: Path
) -> None:
    lineup = Lineup(registry, router_adapters)
    assert lineup.version_for("cron", loaded("cron@1"), {}).number == 1
    publish_another(registry, tmp_path)
    lineup.refresh()
    assert lineup.live["cron"].number == 2
    assert lineup.version_for("cron", loaded("cron@1"), {}).number == 1
    assert lineup.version_for("cron", loaded("cron@1", "cron@2"), {}).number == 2
    registry.rollback("cron")
    lineup.refresh()
    assert lineup.version_for("cron", loaded("cron@2"), {}).number == 2
    assert lineup.version_for("cron", loaded("cron@1"), {}).number == 1


def test_a_version_that_is_not_loaded_yet_is_worth_another_try(registry: Registry) -> None:
    with pytest.raises(EngineUnavailable, match="agent 'cron' is being loaded"):
        Lineup(registry, router_adapters).version_for("cron", loaded(), {})


def test_what_the_engine_refuses_is_named_and_holds_nobody_up(
    registry: Registry, tmp_path: Path
) -> None:
    lineup, refused = Lineup(registry, router_adapters), {"cron@1": "it does not fit"}
    assert lineup.is_complete(loaded(), refused)
    assert set(lineup.servable(loaded(), refused)) == {"general"}
    with pytest.raises(EngineUnavailable, match=r"refuses cron@1 \(it does not fit\)"):
        lineup.version_for("cron", loaded(), refused)
    lineup.version_for("cron", loaded("cron@1"), {})
    publish_another(registry, tmp_path)
    lineup.refresh()
    refused = {"cron@2": "nor does this"}
    assert lineup.version_for("cron", loaded("cron@1"), refused).number == 1
    assert set(lineup.servable(loaded("cron@1"), refused)) == {"cron", "general"}


def test_an_agent_without_adapter_needs_the_base_alone(registry: Registry) -> None:
    lineup = Lineup(registry, router_adapters)
    assert lineup.version_for("general", loaded(), {}).model == "general@1"
    with pytest.raises(EngineUnavailable):
        lineup.version_for("general", frozenset(), {})


def test_an_agent_that_is_not_live_is_answered_with_those_that_are(registry: Registry) -> None:
    lineup = Lineup(registry, router_adapters)
    with pytest.raises(RegistryError, match="no agent 'chess' is live; live: cron, general"):
        lineup.version_for("chess", loaded(), {})
    registry.unload("cron")
    lineup.refresh()
    with pytest.raises(RegistryError, match="live: general"):
        lineup.version_for("cron", loaded("cron@1"), {})


def test_what_another_version_of_us_published_changes_nothing(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lineup = Lineup(registry, router_adapters)
    publish_another(registry, tmp_path)
    with closing(sqlite3.connect(tmp_path / "home" / "registry.sqlite")) as db, db:
        db.execute("""UPDATE versions SET config = json_set(config, '$.mood', 'kind')""")
    with pytest.raises(StorageError, match=r"@\d was published by another version .*mood"):
        registry.live()
    assert "cron@1" in lineup.wanted()
    assert "the lineup stays as it is" in caplog.text
    with closing(sqlite3.connect(tmp_path / "home" / "registry.sqlite")) as db, db:
        db.execute("""UPDATE versions SET config = json_remove(config, '$.mood')""")
    assert "cron@2" in lineup.wanted()
