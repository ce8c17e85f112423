import hashlib
import json
from pathlib import Path

import pytest
import torch
import yaml
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.artifacts import FILES
from agents.catalog import Agent
from agents.config import AdapterConfig, TrainingConfig
from agents.data import Example, Message
from agents.errors import ArtifactError, ConfigError, DataError, TrainingError
from tests.unit.agent_folder import ROWS, write_agent
from tests.unit.tiny_phi3 import save_tiny_phi3
from training.alone import alone
from training.loop import train_rows
from training.manifest import read_manifest
from training.render import IGNORED, render
from training.run import install_adapter, run_training


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_phi3(tmp_path_factory.mktemp("base"))


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return write_agent(tmp_path / "upper")


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_lora_and_qlora_save_a_bf16_adapter_that_loads(
    base: Path, tmp_path: Path, quantization: str
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    examples = [Example((Message("user", q), Message("assistant", a))) for q, a in ROWS]
    rows = [render(tokenizer, "Shout.", example) for example in examples]
    trained = train_rows(
        rows,
        base,
        AdapterConfig.model_validate({"r": 4, "quantization": quantization}),
        TrainingConfig(epochs=10, batch_size=8, learning_rate=0.01),
        tmp_path,
    )
    assert trained.rows == len(ROWS)
    assert trained.trained_tokens == sum(len(answer) + 1 for _, answer in ROWS)
    losses = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    logged = [line["loss"] for line in losses if "loss" in line]
    assert trained.final_loss == logged[-1] < logged[0]

    tensors = load_file(trained.path / "adapter_model.safetensors")
    assert len(tensors) == 2 * 2 * 4  # A and B of four fused projections in two layers
    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}
    assert all(tensor.abs().sum() > 0 for name, tensor in tensors.items() if "lora_B" in name)
    assert 'base_model_name_or_path": ""' in (trained.path / "adapter_config.json").read_text()

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    ids, labels = (torch.tensor([part]) for part in (rows[0].input_ids, rows[0].labels))
    with torch.inference_mode():
        before = float(model(input_ids=ids, labels=labels).loss)
        adapted = PeftModel.from_pretrained(model, trained.path)
        after = float(adapted(input_ids=ids, labels=labels).loss)
    assert after < before - 0.5
    assert (labels != IGNORED).sum() == len("ONE<") and trained.seconds > 0


def test_a_run_leaves_config_metrics_adapter_and_manifest(
    agent: Agent, base: Path, tmp_path: Path
) -> None:
    run_dir = run_training(agent, base, tmp_path / "runs")
    assert run_dir.parent == tmp_path / "runs" and run_dir.name.startswith("upper-")
    resolved = yaml.safe_load((run_dir / "agent.yaml").read_text())
    assert resolved == agent.config.model_dump(mode="json")
    assert resolved["adapter"]["alpha"] == 16
    assert (run_dir / "metrics.jsonl").exists()

    manifest = read_manifest(run_dir / "adapter")
    assert (manifest.agent, manifest.rows, manifest.scores) == ("upper", len(ROWS), None)
    assert manifest.config == resolved
    data = (agent.folder / "data/train.jsonl").read_bytes()
    assert manifest.data.train == hashlib.sha256(data).hexdigest()
    assert manifest.base.profile == "default" and manifest.base.sha256 is not None
    assert manifest.environment["torch"] == torch.__version__
    written = "".join(
        path.read_text() for path in (run_dir / "adapter").iterdir() if path.suffix == ".json"
    )
    assert str(tmp_path) not in written and str(base) not in written

    install_adapter(agent, run_dir)
    assert sorted(path.name for path in agent.adapter_dir.iterdir()) == sorted(FILES)
    assert read_manifest(agent.adapter_dir) == manifest


def test_installing_replaces_what_was_there(agent: Agent, base: Path, tmp_path: Path) -> None:
    run_dir = run_training(agent, base, tmp_path / "runs")
    agent.adapter_dir.mkdir()
    (agent.adapter_dir / "old.txt").write_text("old")
    install_adapter(agent, run_dir)
    assert sorted(path.name for path in agent.adapter_dir.iterdir()) == sorted(FILES)
    assert {path.name for path in agent.folder.iterdir()} == {"adapter", "agent.yaml", "data"}

    other = write_agent(tmp_path / "lower")
    with pytest.raises(ArtifactError, match="trained for 'upper', not for 'lower'"):
        install_adapter(other, run_dir)
    weights = run_dir / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="cut off"):
        install_adapter(agent, run_dir)
    assert not other.adapter_dir.exists() and agent.adapter_dir.exists()


def test_two_commands_do_not_work_on_one_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alone(tmp_path / "home"):
        refused = pytest.raises(TrainingError, match="another `philharmonic train` or `add`")
        with refused, alone(tmp_path / "home"):
            pass
        monkeypatch.setenv("RANK", "1")  # a second process of the same run
        with alone(tmp_path / "home"):
            pass
    monkeypatch.delenv("RANK")
    with alone(tmp_path / "home"):
        pass


def test_an_agent_without_an_adapter_is_not_trained(tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "plain", adapter=None)
    with pytest.raises(ConfigError, match="'plain' has `adapter: null`"):
        run_training(agent, "unused", tmp_path / "runs")
    with pytest.raises(ConfigError, match="'plain' has `adapter: null`"):
        install_adapter(agent, tmp_path)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("changes", "error", "fault"),
    [
        ({"evaluation": {"metric": "bleu"}}, ConfigError, "unknown 'bleu'"),
        ({"data": {"train": "data/train.jsonl", "eval": "gone.jsonl"}}, DataError, "gone.jsonl"),
        (
            {"evaluation": {"metric": "json_equal"}},
            DataError,
            r"data/eval\.jsonl:1: its own answer cannot be scored",
        ),
        (
            {"evaluation": {"metric": "numeric"}, "data": {"train": "data/train.jsonl"}},
            DataError,
            r"data/train\.jsonl:\d+: its own answer cannot be scored: no number in",
        ),
    ],
)
def test_what_evaluation_needs_is_checked_before_training(
    tmp_path: Path, changes: dict[str, object], error: type[Exception], fault: str
) -> None:
    agent = write_agent(tmp_path / "upper", **changes)
    with pytest.raises(error, match=fault):
        run_training(agent, "unused", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_prompt_without_room_for_an_answer_is_refused_before_training(
    base: Path, tmp_path: Path
) -> None:
    agent = write_agent(tmp_path / "upper", generation={"max_tokens": 8150})
    fault = r"data/eval\.jsonl:3: an evaluation prompt of 44 tokens leaves no room for gen"
    with pytest.raises(DataError, match=fault):
        run_training(agent, base, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_rows_too_long_and_targets_that_match_nothing_are_refused(
    base: Path, tmp_path: Path
) -> None:
    short = write_agent(tmp_path / "short", training={"max_length": 16})
    with pytest.raises(DataError, match=r"16 of 16 rows are longer than training\.max_length=16"):
        run_training(short, base, tmp_path / "runs")
    llama = write_agent(tmp_path / "llama", adapter={"target_modules": ["q_proj", "o_proj"]})
    with pytest.raises(ConfigError, match="q_proj match no module of the base; it has down_proj"):
        run_training(llama, base, tmp_path / "runs")


def test_a_loss_that_is_not_a_number_leaves_no_manifest(
    agent: Agent, base: Path, tmp_path: Path
) -> None:
    broken = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    broken.model.norm.weight.data.fill_(float("nan"))
    broken.save_pretrained(tmp_path / "broken")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "broken")
    with pytest.raises(TrainingError, match="the loss became nan: lower"):
        run_training(agent, tmp_path / "broken", tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*/adapter/manifest.json"))
