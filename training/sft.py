"""Supervised fine-tuning of one adapter: LoRA, or QLoRA when the base is loaded in NF4."""

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from agents.config import AdapterConfig, AgentConfig, TrainingConfig
from agents.data import Example
from agents.errors import ConfigError, DataError
from training import cpu
from training.render import IGNORED, RenderedExample, render


@dataclass(frozen=True)
class TrainedAdapter:
    """What a run leaves behind: the adapter's folder and how it went."""

    path: Path
    rows: int
    trained_tokens: int
    seconds: float
    final_loss: float


def train_adapter(
    config: AgentConfig, examples: Sequence[Example], base: Path | str, run_dir: Path
) -> TrainedAdapter:
    """Train an agent's adapter on its examples; see `train_rows`.

    Raises:
        DataError: a row is longer than ``training.max_length`` tokens.
        ConfigError: ``adapter.target_modules`` match no module of the base.
    """
    assert config.adapter is not None
    rows = render_all(AutoTokenizer.from_pretrained(base), config, examples)
    return train_rows(rows, base, config.adapter, config.training, run_dir)


def train_rows(
    rows: Sequence[RenderedExample],
    base: Path | str,
    adapter: AdapterConfig,
    training: TrainingConfig,
    run_dir: Path,
) -> TrainedAdapter:
    """Train one adapter on rendered rows and save it under ``run_dir / "adapter"``.

    The base is loaded in bfloat16, or in NF4 for QLoRA; the adapter trains and is saved in
    bfloat16, which is what the engine serves. ``run_dir / "metrics.jsonl"`` gets the losses.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(training.seed)
    model = _with_adapter(base, adapter)
    if not torch.cuda.is_available():
        _speed_up_on_cpu(model, adapter)
    trainer = _LabelLogitsTrainer(
        model=model,
        args=_arguments(training, run_dir),
        train_dataset=[_as_features(row) for row in rows],
        data_collator=_Padding(AutoTokenizer.from_pretrained(base).pad_token_id),
        callbacks=[_MetricsFile(run_dir / "metrics.jsonl")],
    )
    started = time.perf_counter()
    outcome = trainer.train()
    seconds = time.perf_counter() - started
    save_adapter(trainer.model, run_dir / "adapter")
    return TrainedAdapter(
        path=run_dir / "adapter",
        rows=len(rows),
        trained_tokens=sum(label != IGNORED for row in rows for label in row.labels),
        seconds=seconds,
        final_loss=next(
            (log["loss"] for log in reversed(trainer.state.log_history) if "loss" in log),
            outcome.training_loss,  # a run too short to log one
        ),
    )


def render_all(
    tokenizer: Any, config: AgentConfig, examples: Sequence[Example]
) -> list[RenderedExample]:
    """Every example as tokens; refuses rows that are too long instead of cutting them."""
    rows = [render(tokenizer, config.system_prompt, example) for example in examples]
    too_long = [n for n, row in enumerate(rows, 1) if len(row.input_ids) > _limit(config)]
    if too_long:
        raise DataError(
            f"{len(too_long)} of {len(rows)} rows are longer than training.max_length="
            f"{_limit(config)} tokens (the first is row {too_long[0]}): raise it or shorten them"
        )
    return rows


class _LabelLogitsTrainer(Trainer):
    """The Trainer, with logits only where there is a label.

    Most tokens of a row are context; the vocabulary is the widest matrix of a small model, so
    multiplying it with context tokens would be the dearest part of a step, for nothing.
    """

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        assert not return_outputs
        causal_lm = self.accelerator.unwrap_model(model).base_model.model
        hidden = causal_lm.model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            use_cache=False,
        ).last_hidden_state
        labels = inputs["labels"][:, 1:]
        logits = causal_lm.lm_head(hidden[:, :-1][labels != IGNORED]).float()
        targets = labels[labels != IGNORED]
        total = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
        return total / (targets.numel() if num_items_in_batch is None else num_items_in_batch)


class _Padding:
    """Pads a batch on the right to its longest row."""

    def __init__(self, pad_token_id: int) -> None:
        self._fill = {"input_ids": pad_token_id, "labels": IGNORED, "attention_mask": 0}

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        longest = max(len(row["input_ids"]) for row in rows)
        return {
            key: torch.tensor([row[key] + [fill] * (longest - len(row[key])) for row in rows])
            for key, fill in self._fill.items()
        }


def _as_features(row: RenderedExample) -> dict[str, list[int]]:
    return {
        "input_ids": row.input_ids,
        "labels": row.labels,
        "attention_mask": [1] * len(row.input_ids),
    }


def _with_adapter(base: Path | str, adapter: AdapterConfig) -> PeftModel:
    model = load_base(base, adapter)
    check_targets(model, adapter)
    if adapter.quantization != "none":
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=torch.cuda.is_available()
        )
    return get_peft_model(model, lora_config(adapter), autocast_adapter_dtype=False)


def _speed_up_on_cpu(model: PeftModel, adapter: AdapterConfig) -> None:
    cpu.keep_freed_memory()
    if adapter.quantization == "none" and not cpu.compile_layers(model.base_model.model):
        print("No C++ compiler found: training goes on without torch.compile, slower by a third.")


def load_base(base: Path | str, adapter: AdapterConfig) -> Any:
    """The base model in bfloat16, or in NF4 with double quantisation for QLoRA."""
    quantization = None
    if adapter.quantization == "nf4":
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    return AutoModelForCausalLM.from_pretrained(
        base,
        dtype=torch.bfloat16,
        quantization_config=quantization,
        attn_implementation="sdpa" if torch.cuda.is_available() else cpu.ATTENTION,
    )


def check_targets(model: Any, adapter: AdapterConfig) -> None:
    """Refuse targets that match no linear module of the loaded base.

    PEFT itself trains on whatever does match: on Phi-3, whose projections are fused, the names
    of an un-fused model would train a fraction of what was asked, silently.
    """
    if adapter.target_modules == "all-linear":
        return
    linear = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    } - {"lm_head"}
    unknown = sorted(set(adapter.target_modules) - linear)
    if unknown:
        raise ConfigError(
            f"adapter.target_modules: {', '.join(unknown)} match no module of the base; "
            f"it has {', '.join(sorted(linear))}, or say all-linear"
        )


def lora_config(adapter: AdapterConfig) -> LoraConfig:
    """PEFT's configuration for an adapter of ours."""
    targets = adapter.target_modules
    return LoraConfig(
        r=adapter.r,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )


def save_adapter(model: PeftModel, path: Path) -> None:
    """Save the adapter alone, in bfloat16 safetensors; no path of this machine goes along."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.bfloat16)
    model.peft_config["default"].base_model_name_or_path = ""
    model.save_pretrained(path)
    (path / "README.md").unlink(missing_ok=True)


def environment() -> dict[str, str]:
    """The versions a result depends on, for manifests."""
    packages = ("torch", "transformers", "peft", "bitsandbytes")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _limit(config: AgentConfig) -> int:
    return config.training.max_length


def _arguments(training: TrainingConfig, run_dir: Path) -> TrainingArguments:
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(run_dir / "checkpoints"),
        num_train_epochs=training.epochs,
        learning_rate=training.learning_rate,
        per_device_train_batch_size=training.batch_size,
        lr_scheduler_type="linear",
        warmup_steps=0.05,
        seed=training.seed,
        use_cpu=not on_gpu,
        gradient_checkpointing=on_gpu,
        train_sampling_strategy="group_by_length",
        remove_unused_columns=False,
        logging_steps=10,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        optim="paged_adamw_8bit" if on_gpu else "adamw_torch",
    )


class _MetricsFile(TrainerCallback):
    """Writes what the trainer logs, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **(logs or {})}) + "\n")
