import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.config import AdapterConfig, AgentConfig, TrainingConfig
from agents.data import Example, Message, Text
from agents.errors import ConfigError, DataError
from tests.unit.tiny_phi3 import save_tiny_phi3
from training.batches import Padding
from training.loop import TrainedAdapter, train_rows
from training.losses import label_logprobs, reference_margins
from training.model import check_targets, save_adapter, with_adapter, without_weights
from training.render import IGNORED, Pair, RenderedExample
from training.rows import render_rows, shortened

WORDS = ("one", "two", "three", "four")
ADAPTER = AdapterConfig(r=4)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_phi3(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> Any:
    return AutoTokenizer.from_pretrained(base)


def config(method: str, **training: Any) -> AgentConfig:
    return AgentConfig.model_validate(
        {
            "name": "upper",
            "description": "Says a word in capitals.",
            "system_prompt": "Shout.",
            "data": {"train": "x.jsonl", "eval": "y.jsonl"},
            "method": method,
            "training": {"max_length": 128, **training},
            "evaluation": {"metric": "exact_match"},
        }
    )


def preferences() -> list[Example]:
    return [
        Example((Message("user", word), Message("assistant", word.upper())), rejected=word)
        for word in WORDS * 4
    ]


def losses(run_dir: Path) -> list[float]:
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def train_preferences(base: Path, run_dir: Path, pairs: Any, **named: Any) -> TrainedAdapter:
    training = TrainingConfig(epochs=6, batch_size=8, learning_rate=0.003, beta=0.5)
    return train_rows(pairs, base, ADAPTER, training, run_dir, **named)


def margins(base: Path, adapter: Path, pairs: list[Pair], tokenizer: Any) -> list[float]:
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    adapted = PeftModel.from_pretrained(model, adapter, autocast_adapter_dtype=False)
    return reference_margins(adapted, pairs, Padding(tokenizer.pad_token_id), 8)


def test_dpo_starts_at_log_two_and_widens_the_margins(
    base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    pairs: Any = render_rows(tokenizer, config("dpo"), preferences())
    first = train_preferences(base, tmp_path / "first", pairs)
    assert losses(tmp_path / "first")[0] == pytest.approx(math.log(2), abs=1e-3)
    assert losses(tmp_path / "first")[-1] < 0.5
    after_one = margins(base, first.path, pairs, tokenizer)

    second = train_preferences(base, tmp_path / "second", pairs, start=first.path)
    assert losses(tmp_path / "second")[0] == pytest.approx(math.log(2), abs=1e-3)
    after_two = margins(base, second.path, pairs, tokenizer)
    assert sum(after_two) > sum(after_one) > 0

    with pytest.raises(ConfigError, match=r"start: that adapter has .*'r': 4.*says .*'r': 8"):
        train_rows(
            pairs, base, AdapterConfig(r=8), TrainingConfig(), tmp_path / "third", first.path
        )


def test_a_start_has_the_same_targets_and_takes_the_new_dropout(base: Path, tmp_path: Path) -> None:
    save_adapter(with_adapter(base, ADAPTER), tmp_path)
    fault = (
        r"start: that adapter has .*'qkv_proj'.*says .*'target_modules': \['o_proj', 'qkv_proj'\]"
    )
    with pytest.raises(ConfigError, match=fault):
        with_adapter(base, AdapterConfig(r=4, target_modules=("qkv_proj", "o_proj")), tmp_path)
    every = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
    adapter = AdapterConfig(r=4, target_modules=every, dropout=0.25)
    model = with_adapter(base, adapter, tmp_path)
    drops = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    assert 0.25 in drops
    assert sum(parameter.requires_grad for parameter in model.parameters()) == 2 * 2 * 4


def test_pairs_share_their_context_and_label_the_last_answer(tokenizer: Any) -> None:
    history = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    row = Example((*history, Message("assistant", "yes")), rejected="no")
    (pair,) = render_rows(tokenizer, config("dpo"), [row])
    assert isinstance(pair, Pair)
    for part, answer in ((pair.chosen, "yes"), (pair.rejected, "no")):
        trained = [label for label in part.labels if label != IGNORED]
        assert tokenizer.decode(trained) == f"{answer}<|im_end|>"


def test_plain_text_is_cut_into_blocks_that_lose_nothing(tokenizer: Any) -> None:
    texts = [Text("Once upon a time."), Text("The end.")]
    blocks = render_rows(tokenizer, config("cpt", max_length=16), texts)
    ids = [token for block in blocks for token in block.input_ids]  # type: ignore[union-attr]
    assert tokenizer.decode(ids) == "Once upon a time.<|im_end|>The end.<|im_end|>"
    assert all(len(block.input_ids) <= 16 for block in blocks)  # type: ignore[union-attr]


def test_cpt_learns_the_text(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    blocks: Any = render_rows(tokenizer, config("cpt", max_length=32), [Text("ab" * 200)])
    training = TrainingConfig(epochs=8, batch_size=4, learning_rate=0.01)
    trained = train_rows(blocks, base, ADAPTER, training, tmp_path)
    assert losses(tmp_path)[-1] < losses(tmp_path)[0] - 1
    assert trained.trained_tokens == sum(len(block.input_ids) - 1 for block in blocks)


def test_rslora_is_scaled_by_the_root_of_the_rank(base: Path, tmp_path: Path) -> None:
    row = RenderedExample([1, 2, 3], [IGNORED, 2, 3])
    adapter = AdapterConfig(r=4, rslora=True)
    path = train_rows([row], base, adapter, TrainingConfig(epochs=1), tmp_path).path
    assert json.loads((path / "adapter_config.json").read_text())["use_rslora"] is True
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    adapted = PeftModel.from_pretrained(model, path)
    assert adapted.base_model.model.model.layers[0].mlp.down_proj.scaling["default"] == 16 / 2


def test_labelled_logprobs_are_the_models_own(base: Path, tokenizer: Any) -> None:
    from peft import get_peft_model

    from training.model import lora_config

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    rows = [
        RenderedExample([1, 2, 3, 4], [IGNORED, 2, IGNORED, 4]),
        RenderedExample([5, 6], [5, 6]),
    ]
    batch = Padding(tokenizer.pad_token_id)([{"row": row} for row in rows])
    with torch.inference_mode():
        whole = torch.log_softmax(model(batch["input_ids"]).logits, dim=-1)
        found, row = label_logprobs(get_peft_model(model, lora_config(ADAPTER)), batch)
    assert row.tolist() == [0, 0, 1]
    expected = torch.stack([whole[0, 0, 2], whole[0, 2, 4], whole[1, 0, 6]])
    assert torch.allclose(found, expected, atol=1e-5)


def test_gradient_checkpointing_changes_no_gradient(base: Path, tokenizer: Any) -> None:
    rows = [RenderedExample([n, 2, 3, 4], [IGNORED, 2, IGNORED, 4]) for n in range(4)]
    batch = Padding(tokenizer.pad_token_id)([{"row": row} for row in rows])
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        model = with_adapter(base, ADAPTER)
        if checkpointing:
            model.gradient_checkpointing_enable()  # as the Trainer does on a GPU
        model.train()
        found, _ = label_logprobs(model, batch)
        (-found.mean()).backward()
        gradients.append(
            {
                name: parameter.grad.clone()
                for name, parameter in model.named_parameters()
                if parameter.grad is not None
            }
        )
    plain, checkpointed = gradients
    assert sum(gradient.abs().sum() > 0 for gradient in plain.values()) == 8
    assert plain.keys() == checkpointed.keys()
    assert all(torch.equal(plain[name], checkpointed[name]) for name in plain)


def test_context_is_cut_out_of_the_middle_and_answers_keep_their_end() -> None:
    row = RenderedExample(list(range(20)), [IGNORED] * 15 + list(range(15, 20)))
    cut = shortened(row, 12)
    assert cut.input_ids == [0, 1, 2, *range(11, 20)]
    assert cut.labels[-5:] == [15, 16, 17, 18, 19] and len(cut.labels) == 12
    assert shortened(row, 20) == row
    assert shortened(row, 4) == row  # nothing but answers would be left
    assert shortened(row, 12, keep=5).input_ids == [0, 1, 2, 3, 4, 5, *range(14, 20)]
    assert shortened(row, 12, keep=8) == row


def test_too_long_rows_are_refused_or_cut_as_the_author_says(tokenizer: Any) -> None:
    row = Example(
        (Message("user", "x" * 200), Message("assistant", "y")), where="data/train.jsonl:7"
    )
    advice = r"1 of 1 rows are longer .*data/train\.jsonl:7.*or say training\.too_long: truncate"
    with pytest.raises(DataError, match=advice):
        render_rows(tokenizer, config("sft"), [row])
    (cut,) = render_rows(tokenizer, config("sft", too_long="truncate"), [row])
    assert isinstance(cut, RenderedExample) and len(cut.input_ids) == 128
    assert tokenizer.decode(cut.input_ids).startswith("<|im_start|>system\nShout.<|im_end|>")

    row = Example((Message("user", "x"), Message("assistant", "y" * 200)))
    with pytest.raises(DataError, match="system prompt and answers alone are too long to cut"):
        render_rows(tokenizer, config("sft", too_long="truncate"), [row])


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_system_prompt_is_never_cut(tokenizer: Any, method: str) -> None:
    rules = " ".join(f"Rule {number}." for number in range(9))
    agent = config(method, too_long="truncate").model_copy(update={"system_prompt": rules})
    answer = Message("assistant", "y")
    own = (Message("system", "x" * 200), Message("user", "Q?"), answer)  # in the row itself
    for messages in ((Message("user", "x" * 200 + " Q?"), answer), own):
        (cut,) = render_rows(tokenizer, agent, [Example(messages, rejected="n")])
        for part in [cut.chosen, cut.rejected] if isinstance(cut, Pair) else [cut]:
            text = tokenizer.decode(part.input_ids)
            assert len(part.input_ids) == 128 and text.startswith(f"<|im_start|>system\n{rules}")
            assert "Q?<|im_end|>\n<|im_start|>assistant\n" in text


def test_both_halves_of_a_pair_are_cut_at_the_same_place(tokenizer: Any) -> None:
    prompt = Message("user", "".join(map(chr, range(33, 127))) * 2)
    for rejected in ("no" * 9, "n"):
        row = Example((prompt, Message("assistant", "yes")), rejected=rejected)
        (pair,) = render_rows(tokenizer, config("dpo", too_long="truncate"), [row])
        assert isinstance(pair, Pair)
        before = [
            part.input_ids[: next(at for at, label in enumerate(part.labels) if label != IGNORED)]
            for part in (pair.chosen, pair.rejected)
        ]
        assert before[0] == before[1]
        lengths = [len(part.input_ids) for part in (pair.chosen, pair.rejected)]
        assert max(lengths) == 128 and min(lengths) < 128


def test_targets_are_checked_without_weights(base: Path) -> None:
    model = without_weights(base)
    check_targets(model, AdapterConfig(target_modules=("qkv_proj",)))
    with pytest.raises(ConfigError, match="q_proj match no module of the base"):
        check_targets(model, AdapterConfig(target_modules=("q_proj",)))
