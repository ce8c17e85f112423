from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from agents.catalog import load_agent, load_catalog
from agents.config import AgentConfig, load_agent_config
from agents.errors import ConfigError, DataError
from tests.unit.adapter_folder import agent_config

MINIMAL: dict[str, Any] = {
    "name": "cron",
    "description": "Turns words into a schedule.",
    "system_prompt": "Answer with one cron expression.",
    "data": {"train": "data/train.jsonl", "eval": "data/eval.jsonl"},
    "evaluation": {"metric": "cron_equal"},
}


def write(folder: Path, document: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "agent.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_what_is_left_out_has_defaults(tmp_path: Path) -> None:
    config = load_agent_config(write(tmp_path, MINIMAL))
    assert config.base == "default" and config.method == "sft"
    assert config.adapter is not None
    assert (config.adapter.r, config.adapter.alpha, config.adapter.quantization) == (8, 16, "none")
    assert config.adapter.target_modules == "all-linear"
    assert (config.generation.temperature, config.gate.min_score) == (0.0, 0.0)


def test_everything_can_be_said(tmp_path: Path) -> None:
    document = MINIMAL | {
        "base": "phi-3-mini-4k",
        "method": "sft",
        "adapter": {"r": 64, "alpha": 32, "dropout": 0.1, "target_modules": ["qkv_proj"]},
        "training": {"epochs": 1, "learning_rate": 2e-4, "batch_size": 2, "max_length": 99},
        "generation": {"temperature": 0, "max_tokens": 64},
        "gate": {"min_score": 1, "min_gain": -1},
    }
    config = load_agent_config(write(tmp_path, document))
    assert config.adapter is not None and config.adapter.target_modules == ("qkv_proj",)
    assert config.training.epochs == 1.0
    assert AgentConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("written", ["2e-4", "2E-4", "2.e-4", "+.2e-3", "2.0e-4", "0.0002"])
def test_a_number_may_be_written_as_everybody_does(tmp_path: Path, written: str) -> None:
    path = write(tmp_path, MINIMAL | {"training": {"learning_rate": 0.5}, "system_prompt": "2e-4"})
    path.write_text(
        path.read_text().replace("0.5", written).replace("prompt: 2e-4", "prompt: '2e-4'")
    )
    config = load_agent_config(path)
    assert (config.training.learning_rate, config.system_prompt) == (2e-4, "2e-4")


def test_a_config_cannot_be_changed(tmp_path: Path) -> None:
    config = load_agent_config(write(tmp_path, MINIMAL))
    with pytest.raises(ValidationError):
        config.gate.min_score = 0.0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"descripton": "x"}, "descripton: unknown key; did you mean 'description'?"),
        ({"adapter": {"rnak": 8}}, "adapter.rnak: unknown key; known: r, alpha, dropout"),
        ({"adapter": {"alhpa": 8}}, "adapter.alhpa: unknown key; did you mean 'alpha'?"),
        ({"training": {"lr": 1}}, "training.lr: unknown key; known: epochs, learning_rate"),
        ({"training": {"epoch": 1}}, "training.epoch: unknown key; did you mean 'epochs'?"),
        ({"evaluation": {"metrics": "x"}}, "metrics: unknown key; did you mean 'metric'?"),
        ({"qqqq": 1}, "qqqq: unknown key; known: name, description"),
        ({"adapter": {"use_rslora": True}}, "unknown key; did you mean 'rslora'?"),
        ({"data": {"train": {"path": "x", "promt": "y"}}}, "promt: unknown key; did you mean 'p"),
    ],
)
def test_an_unknown_key_names_the_nearest(
    tmp_path: Path, change: dict[str, object], fault: str
) -> None:
    path = write(tmp_path, MINIMAL | change)
    with pytest.raises(ConfigError) as raised:
        load_agent_config(path)
    assert str(raised.value).startswith(f"{path}:\n")
    assert fault in str(raised.value)


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"name": "Cron Job"}, ["name: ", "'Cron Job'"]),
        ({"name": "../evil"}, ["name: ", "'../evil'"]),
        ({"name": "auto"}, ["name: 'auto' is reserved"]),
        ({"name": "none"}, ["name: 'none' is reserved"]),
        ({"description": "short"}, ["description: ", "at least 10"]),
        ({"system_prompt": ""}, ["system_prompt: ", "at least 1"]),
        ({"data": "train.jsonl"}, ["data: ", "'train.jsonl'"]),
        ({"data": {}}, ["data.train: Field required"]),
        ({"adapter": {"r": "8"}}, ["adapter.r: ", "valid integer", "(got '8')"]),
        ({"adapter": {"r": 0}}, ["adapter.r: ", "greater than or equal to 1"]),
        ({"adapter": {"r": 17}}, ["adapter.r: 17 is above 16"]),
        ({"adapter": {"dropout": 1.0}}, ["adapter.dropout: ", "less than 1"]),
        ({"adapter": {"target_modules": []}}, ["adapter.target_modules", "at least 1 item"]),
        ({"adapter": {"quantization": "int8"}}, ["adapter.quantization: ", "'none' or 'nf4'"]),
        ({"training": {"learning_rate": "fast"}}, ["training.learning_rate: ", "valid number"]),
        ({"training": {"batch_size": 2.5}}, ["training.batch_size: ", "valid integer"]),
        ({"generation": {"max_tokens": -1}}, ["generation.max_tokens: ", "(got -1)"]),
        ({"method": "ppo"}, ["method: ", "'sft', 'dpo' or 'cpt'"]),
        ({"base": "phi-9"}, ["base: unknown profile 'phi-9'; known: default, phi-3-mini-4k"]),
        ({"gate": {"min_score": 85}}, ["gate.min_score: ", "less than or equal to 1"]),
        ({"evaluation": None}, ["an agent with an adapter needs evaluation.metric"]),
        ({"data": {"train": "x"}, "method": "cpt"}, ["data.eval: plain text holds no answers"]),
        ({"adapter": {"use_dora": True}}, ["adapter.use_dora: vLLM does not serve DoRA"]),
        ({"adapter": {"modules_to_save": ["lm_head"]}}, ["vLLM does not serve modules_to_save"]),
        ({"adapter": {"bias": "all"}}, ["adapter.bias: vLLM does not serve trained biases"]),
        ({"data": {"train": []}}, ["data.train: ", "at least 1 item"]),
        ({"data": {"train": "hf:a/b"}}, ["data.train.0: a hub dataset is hf:OWNER/NAME@COMMIT"]),
        ({"data": {"train": "hf:a/b@main"}}, ["40 characters of a commit"]),
        ({"start": "sql"}, ["start: ", "'sql'"]),
    ],
)
def test_a_wrong_value_says_what_is_allowed(
    tmp_path: Path, change: dict[str, object], faults: list[str]
) -> None:
    with pytest.raises(ConfigError) as raised:
        load_agent_config(write(tmp_path, MINIMAL | change))
    for fault in faults:
        assert fault in str(raised.value)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    document = MINIMAL | {"nmae": "x", "adapter": {"r": "8", "alpha": 0}}
    with pytest.raises(ConfigError) as raised:
        load_agent_config(write(tmp_path, document))
    for key in ("nmae", "adapter.r", "adapter.alpha"):
        assert f"\n  {key}: " in str(raised.value)


@pytest.mark.parametrize("key", ["name", "description", "system_prompt", "data"])
def test_required_keys(tmp_path: Path, key: str) -> None:
    document = {name: value for name, value in MINIMAL.items() if name != key}
    with pytest.raises(ConfigError, match=f"{key}: Field required"):
        load_agent_config(write(tmp_path, document))


def test_an_agent_without_an_adapter_needs_no_evaluation(tmp_path: Path) -> None:
    document = MINIMAL | {"adapter": None, "evaluation": None, "data": {"train": "x.jsonl"}}
    agent = load_agent(write(tmp_path / "cron", document).parent)
    assert agent.config.adapter is None
    with pytest.raises(ConfigError, match=r"agent\.yaml: evaluation is not set"):
        agent.eval_examples()


@pytest.mark.parametrize("content", [b"name: [", b"\xff\xfe", b"just words", b""])
def test_a_file_that_is_not_a_config(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"agent\.yaml: "):
        load_agent_config(path)


def test_a_missing_file_says_what_an_agent_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"an agent is a folder with agent\.yaml"):
        load_agent_config(tmp_path / "agent.yaml")
    with pytest.raises(ConfigError, match="no agent here"):
        load_catalog(tmp_path)


def test_the_folder_has_the_agents_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name is 'cron' but the folder is 'other'"):
        load_catalog(write(tmp_path / "other", MINIMAL).parent.parent)


def test_an_agent_elsewhere_may_have_any_folder_and_file(tmp_path: Path) -> None:
    path = write(tmp_path / "other", MINIMAL).rename(tmp_path / "other" / "banking.yaml")
    agent = load_agent(path)
    assert (agent.name, agent.folder) == ("cron", tmp_path / "other")
    assert agent.config.data.train[0].path == "data/train.jsonl"


def test_data_is_found_beside_the_yaml(tmp_path: Path) -> None:
    agent = load_catalog(write(tmp_path / "cron", MINIMAL).parent.parent)["cron"]
    assert agent.adapter_dir == tmp_path / "cron" / "adapter"
    with pytest.raises(DataError, match=r"cron/data/eval\.jsonl: no such file"):
        agent.eval_examples()


def test_an_agent_without_an_adapter_fits_any_base() -> None:
    assert agent_config().fits("default") and not agent_config().fits("phi-3-mini-4k")
    assert agent_config("general", adapter=None, evaluation=None).fits("phi-3-mini-4k")
