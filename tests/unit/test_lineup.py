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


def lineup_of(registry: Registry) -> Lineup:
    return Lineup(registry, router_adapters, "default")


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
    lineup = lineup_of(registry)
    assert lineup.wanted() == {
        "cron@1": registry.live()["cron"].adapter,
        "router-1a2b": Path("/adapters/router"),
    }
    assert Lineup(registry, dict, "default").wanted().keys() == {"cron@1"}


def test_it_is_complete_with_every_adapter_only(registry: Registry, tmp_path: Path) -> None:
    lineup = lineup_of(registry)
    assert lineup.is_complete(loaded("cron@1"), {})
    assert not lineup.is_complete(loaded(), {})
    assert not lineup.is_complete(frozenset({BASE_MODEL, "cron@1"}), {})
    assert not lineup.is_complete(frozenset(), {})
    assert not Lineup(Registry(tmp_path / "empty"), dict, "default").is_complete(
        frozenset({BASE_MODEL}), {}
    )


def test_the_old_version_answers_until_the_new_one_is_loaded(
    registry: Registry, tmp_path: Path
) -> None:
    lineup = lineup_of(registry)
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
        lineup_of(registry).version_for("cron", loaded(), {})


def test_what_the_engine_refuses_is_named_and_holds_nobody_up(
    registry: Registry, tmp_path: Path
) -> None:
    lineup, refused = lineup_of(registry), {"cron@1": "it does not fit"}
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
    lineup = lineup_of(registry)
    assert lineup.version_for("general", loaded(), {}).model == "general@1"
    with pytest.raises(EngineUnavailable):
        lineup.version_for("general", frozenset(), {})


def test_an_agent_that_is_not_live_is_answered_with_those_that_are(registry: Registry) -> None:
    lineup = lineup_of(registry)
    with pytest.raises(RegistryError, match="no agent 'chess' is live; live: cron, general"):
        lineup.version_for("chess", loaded(), {})
    registry.unload("cron")
    lineup.refresh()
    with pytest.raises(RegistryError, match="live: general"):
        lineup.version_for("cron", loaded("cron@1"), {})


def test_what_another_version_of_us_published_changes_nothing(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lineup = lineup_of(registry)
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


def test_the_version_before_answers_though_nobody_had_asked_it_yet(
    registry: Registry, tmp_path: Path
) -> None:
    lineup = lineup_of(registry)
    publish_another(registry, tmp_path)
    lineup.refresh()
    refused = {"cron@2": "it does not fit"}
    assert lineup.version_for("cron", loaded("cron@1"), refused).number == 1
    assert set(lineup.servable(loaded("cron@1"), refused)) == {"cron", "general"}


def test_the_last_former_version_that_is_loaded_answers(registry: Registry, tmp_path: Path) -> None:
    lineup = lineup_of(registry)
    for value in (2.0, 3.0, 4.0):
        registry.publish(agent_config(), write_adapter(tmp_path / "adapter", value))
        lineup.refresh()
    assert lineup.version_for("cron", loaded("cron@1"), {}).number == 1
    assert lineup.version_for("cron", loaded("cron@1", "cron@2"), {}).number == 2
    assert lineup.version_for("cron", loaded("cron@1", "cron@4"), {}).number == 4
    with pytest.raises(EngineUnavailable, match="is being loaded"):
        lineup.version_for("cron", loaded(), {})


def test_a_version_for_another_base_is_left_out_and_named_once(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lineup = lineup_of(registry)
    config = agent_config(base="phi-3-mini-4k")
    registry.publish(config, write_adapter(tmp_path / "adapter", 2.0))
    for prompt in ("Be kind.", "Be brief."):
        general = agent_config("general", adapter=None, evaluation=None, system_prompt=prompt)
        registry.publish(general, None)
        lineup.refresh()
    assert caplog.text.count("agent cron is left out: cron@2 is for base 'phi-3-mini-4k'") == 1
    for each in (lineup, lineup_of(registry)):
        assert each.live.keys() == {"general"} and "cron@2" not in each.wanted()
        assert set(each.servable(loaded("cron@2"), {})) == {"general"}
        assert each.is_complete(loaded(), {})
        with pytest.raises(EngineUnavailable, match="cron@2 is for base 'phi-3-mini-4k', and"):
            each.version_for("cron", loaded("cron@1", "cron@2"), {})
    assert caplog.text.count("is left out") == 2
    registry.rollback("cron")
    lineup.refresh()
    assert lineup.version_for("cron", loaded("cron@1"), {}).number == 1
