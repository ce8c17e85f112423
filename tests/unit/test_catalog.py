from pathlib import Path

import pytest

from agents.catalog import load_agent, load_catalog
from agents.data import Example
from agents.errors import ConfigError, DataError
from agents.settings import ROOT

GENERAL = """\
name: {name}
description: Answers whatever the others do not.
system_prompt: You are a helpful assistant.
data: {{train: data/train.jsonl}}
adapter: null
"""
ROW = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]}\n'


def write_agent(folder: Path, name: str) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "agent.yaml").write_text(GENERAL.format(name=name), encoding="utf-8")
    (folder / "data" / "train.jsonl").write_text(ROW, encoding="utf-8")
    return folder


def test_our_own_catalog_is_sound() -> None:
    catalog = load_catalog(ROOT / "agents")
    assert list(catalog) == ["cron", "general", "home", "sql", "triage"]
    for agent in catalog.values():
        assert agent.dataset().train
        if agent.config.adapter is not None:
            assert len(agent.eval_examples()) >= 60


def test_a_catalog_is_its_folders_in_order(tmp_path: Path) -> None:
    for name in ("zoo", "air"):
        write_agent(tmp_path / name, name)
    (tmp_path / "notes").mkdir()
    catalog = load_catalog(tmp_path)
    assert (list(catalog), len(catalog)) == (["air", "zoo"], 2)
    agent = catalog["air"]
    assert agent.adapter_dir == tmp_path / "air" / "adapter"
    (row,) = agent.dataset().train
    assert isinstance(row, Example) and row.reference == "yo"
    with pytest.raises(ConfigError, match=r"agent\.yaml: evaluation is not set"):
        agent.eval_examples()


def test_folder_and_name_must_agree(tmp_path: Path) -> None:
    write_agent(tmp_path / "air", "water")
    with pytest.raises(ConfigError, match="name is 'water' but the folder is 'air'"):
        load_catalog(tmp_path)


def test_an_agent_may_be_given_by_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_agent(tmp_path / "air", "air"))
    assert load_agent(Path(".")).name == "air"


def test_an_empty_folder_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no agent here"):
        load_catalog(tmp_path)


def test_missing_rows_are_named(tmp_path: Path) -> None:
    folder = write_agent(tmp_path / "air", "air")
    (folder / "data" / "train.jsonl").unlink()
    with pytest.raises(DataError, match=r"train\.jsonl: no such file"):
        load_agent(folder).dataset()
