import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agents.registry import Registry
from agents.settings import ROOT, Settings
from serving.announce import announced
from tests.unit.adapter_folder import agent_config, write_adapter
from tests.unit.conftest import Cli

NOBODY = "http://127.0.0.1:9"
VERBS = (
    "serve",
    "chat",
    "agents",
    "train",
    "add",
    "publish",
    "activate",
    "rollback",
    "delete",
    "keys",
)


def publish_two_versions(home: Path, folder: Path) -> None:
    registry = Registry(home)
    for value in (1.0, 2.0):
        registry.publish(agent_config(), write_adapter(folder / "adapter", value))


def test_help_names_every_verb(cli: Cli) -> None:
    code, out, _ = cli("--help")
    assert code == 0
    for verb in (*VERBS, "router", "loadtest"):
        assert verb in out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(cli: Cli, verb: str) -> None:
    code, out, _ = cli(verb, "--help")
    assert code == 0
    assert f"philharmonic {verb}" in out


@pytest.mark.parametrize("arguments", [(), ("dance",), ("publish",), ("serve", "--port", "x")])
def test_wrong_usage_is_exit_code_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli(*arguments)[0] == 2


def test_agents_lists_versions_and_which_is_live(cli: Cli, home: Path, tmp_path: Path) -> None:
    publish_two_versions(home, tmp_path)
    code, out, _ = cli("agents", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [(row["agent"], row["version"], row["live"]) for row in rows] == [
        ("cron", 1, False),
        ("cron", 2, True),
    ]
    code, out, _ = cli("agents")
    assert code == 0
    assert "cron" in out and "90.0%" in out


def test_rollback_goes_to_the_version_before(cli: Cli, home: Path, tmp_path: Path) -> None:
    publish_two_versions(home, tmp_path)
    assert cli("rollback", "cron")[:2] == (0, "cron@1 is live again\n")
    assert Registry(home).live()["cron"].number == 1
    code, _, err = cli("rollback", "cron")
    assert code == 1
    assert "Error: agent 'cron' has no earlier version to roll back to" in err


@pytest.mark.parametrize("name", ["chess", "../cron", "[/bold]", ""])
def test_what_the_catalog_lacks_cannot_be_published(cli: Cli, name: str) -> None:
    code, _, err = cli("publish", name)
    assert code == 1
    assert f"Error: the catalog has no agent '{name}'" in err


def test_publish_takes_the_agent_as_it_is_on_disk(
    cli: Cli, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "catalog" / "cron"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PHILHARMONIC_AGENTS_DIR", str(folder.parent))
    (folder / "agent.yaml").write_text(json.dumps(agent_config().model_dump()), encoding="utf-8")
    code, _, err = cli("publish", "cron")
    assert code == 1
    assert f"agent 'cron' has no adapter yet; run: philharmonic train {folder}" in err
    write_adapter(folder / "adapter")
    assert cli("publish", "cron")[:2] == (0, "cron@1 is live\n")


def test_only_versions_for_the_served_base_go_live(
    cli: Cli, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "catalog" / "cron"
    write_adapter(folder / "adapter")
    monkeypatch.setenv("PHILHARMONIC_AGENTS_DIR", str(folder.parent))
    config = agent_config(base="phi-3-mini-4k").model_dump()
    (folder / "agent.yaml").write_text(json.dumps(config), encoding="utf-8")
    code, _, err = cli("publish", "cron")
    assert code == 2
    assert "agent 'cron' is for base 'phi-3-mini-4k', and 'default' is served here" in err
    assert "PHILHARMONIC_BASE=phi-3-mini-4k" in err
    assert Registry(home).agents() == []
    # What counts is the server that runs here, however it was told of its base.
    with announced(Settings(home=home, base="phi-3-mini-4k"), []):
        assert cli("publish", "cron")[:2] == (0, "cron@1 is live\n")
        publish_two_versions(home, tmp_path)
        for command in (("activate", "cron@2"), ("rollback", "cron")):
            code, _, err = cli(*command)
            assert (code, "cron@2 is for base 'default'" in err) == (2, True)
        assert cli("activate", "cron@1")[0] == 0
    assert cli("activate", "cron@1")[0] == 2
    assert Registry(home).live()["cron"].number == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "0.0.0.0"), "lets others in, and"),
        (("--base", "gpt-7"), "unknown base 'gpt-7'; known: default, phi-3-mini-4k"),
        (("--port", "99999"), "port: Input should be less than or equal to 65535"),
    ],
)
def test_a_wrong_option_of_serve_is_explained(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = cli("serve", *arguments)
    assert (code, message in err) == (2, True), err


def test_a_wrong_environment_variable_is_explained(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHILHARMONIC_RECONCILE_EVERY_S", "soon")
    code, _, err = cli("serve")
    assert code == 2
    assert "PHILHARMONIC_RECONCILE_EVERY_S" in err and "Traceback" not in err


def test_a_port_that_is_taken_is_explained(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _, err = cli("serve", "--port", str(port), "--engine-url", NOBODY)
    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in err and "--port" in err


def test_serve_without_a_fitted_router_says_so(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHILHARMONIC_ROUTER_DIR", str(tmp_path / "nowhere"))
    code, _, err = cli("serve", "--port", "18080", "--engine-url", NOBODY)
    assert code == 1
    assert "Error:" in err and "fit the router first" in err


def test_chat_without_a_server_says_how_to_start_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: "hello")
    code, _, err = cli("chat", "--url", NOBODY)
    assert code == 1
    assert "start one with: philharmonic serve" in err


def test_the_end_of_input_ends_a_chat(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", end)
    assert cli("chat", "--url", NOBODY)[0] == 0


def test_help_and_gateway_never_load_torch() -> None:
    program = "import philharmonic, serving.run, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_any_published_version_can_be_made_live(cli: Cli, home: Path, tmp_path: Path) -> None:
    publish_two_versions(home, tmp_path)
    assert cli("activate", "cron@1")[:2] == (0, "cron@1 is live\n")
    assert Registry(home).live()["cron"].number == 1
    code, _, err = cli("activate", "cron@9")
    assert code == 1 and "Error: agent 'cron' has no version 9; it has: 1, 2" in err


def test_delete_removes_a_version_that_is_not_live(cli: Cli, home: Path, tmp_path: Path) -> None:
    publish_two_versions(home, tmp_path)
    code, _, err = cli("delete", "cron@2")
    assert code == 1 and "Error: cron@2 is live; roll back" in err
    assert cli("delete", "cron@1")[:2] == (0, "cron@1 is deleted\n")
    assert [version.number for version in Registry(home).versions("cron")] == [2]
    for name in ("cron", "cron@x", "@", "../cron@1"):
        code, _, err = cli("delete", name)
        assert code == 1 and "Error: " in err


def test_schema_prints_what_editors_need(cli: Cli) -> None:
    code, out, _ = cli("schema")
    assert code == 0 and json.loads(out)["properties"]["adapter"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "cron"}, "name: 'cron' is a shipped agent's"),
        ({"adapter": None, "evaluation": None}, "adapter: null leaves nothing to train"),
        ({"base": "phi-3-mini-4k"}, "this system serves 'default'"),
        ({"adapter": {"use_dora": True}}, "vLLM does not serve DoRA"),
        ({"data": {"train": "gone.csv"}}, "gone.csv: no such file"),
    ],
)
def test_what_cannot_be_added_is_refused_at_once(
    cli: Cli, home: Path, tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    path = tmp_path / "mine" / "agent.yaml"
    path.parent.mkdir()
    document = agent_config("mine").model_dump(mode="json") | changes
    path.write_text(json.dumps(document), encoding="utf-8")
    code, _, err = cli("add", str(path))
    assert code == 2 and fault in err
    assert not (home / "runs").exists()
