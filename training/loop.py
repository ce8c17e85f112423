"""One run of the trainer over rendered rows: begun, gone on with, and saved."""

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from transformers import AutoTokenizer, PrinterCallback, TrainingArguments

from agents.config import AdapterConfig, TrainingConfig
from training import cpu
from training.batches import LengthGroups, Padding
from training.checkpoints import (
    MarkComplete,
    forget_after,
    last_complete,
    step_of,
    steps_between,
)
from training.losses import LabelTrainer, PreferenceTrainer, reference_margins
from training.memory import TrimHeap
from training.model import save_adapter, with_adapter
from training.progress import Bar, MetricsFile
from training.render import IGNORED, Pair, RenderedExample
from training.rows import length_of


@dataclass(frozen=True)
class TrainedAdapter:
    """What a run leaves behind: the adapter's folder and how it went."""

    path: Path
    rows: int
    trained_tokens: int
    seconds: float
    final_loss: float


def train_rows(
    rows: Sequence[RenderedExample] | Sequence[Pair],
    base: Path | str,
    adapter: AdapterConfig,
    training: TrainingConfig,
    run_dir: Path,
    start: Path | None = None,
    console: Console | None = None,
) -> TrainedAdapter:
    """Train one adapter on rendered rows and save it under ``run_dir / "adapter"``.

    The base is loaded in bfloat16, or in NF4 for QLoRA; the adapter trains and is saved in
    bfloat16, which is what the engine serves. ``run_dir / "metrics.jsonl"`` gets the losses. If
    ``run_dir`` holds a checkpoint, training goes on from it, with the same result as if it had
    never stopped.

    Args:
        rows: examples or blocks of text, or pairs, which are trained by `PreferenceTrainer`.
        start: folder of the adapter to go on from; None: a new one.
        console: shows a progress bar.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(training.seed)
    model = with_adapter(base, adapter, start)
    on_cpu = not torch.cuda.is_available()
    if on_cpu:
        _speed_up_on_cpu(model, adapter, training.epochs * sum(map(length_of, rows)))
    checkpoint = last_complete(run_dir / "checkpoints")
    metrics = run_dir / "metrics.jsonl"
    before = forget_after(step_of(checkpoint) if checkpoint else 0, metrics)
    told = MetricsFile(metrics, before)
    bar = Bar(console) if console else None
    trainer = _trainer(
        rows,
        training,
        Padding(AutoTokenizer.from_pretrained(base).pad_token_id),
        model=model,
        args=_arguments(training, len(rows), run_dir),
        callbacks=[
            told,
            MarkComplete(),
            *([bar] if bar else []),
            *([TrimHeap()] if on_cpu else []),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    if bar:
        bar.tokens = lambda: trainer.tokens
    try:
        outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:
        if bar:
            bar.close()
    if trainer.is_world_process_zero():
        save_adapter(trainer.model, run_dir / "adapter")
    return TrainedAdapter(
        path=run_dir / "adapter",
        rows=len(rows),
        trained_tokens=sum(map(_labels, rows)),
        seconds=told.seconds,
        final_loss=next(
            (log["loss"] for log in reversed(trainer.state.log_history) if "loss" in log),
            outcome.training_loss,  # a run too short to log one
        ),
    )


def optimizer_steps(rows: int, training: TrainingConfig) -> int:
    """How many steps a run takes, on as many devices as this process was started for."""
    devices = int(os.environ.get("WORLD_SIZE", "1"))
    batches = math.ceil(rows / (training.batch_size * devices))
    return math.ceil(training.epochs * math.ceil(batches / training.gradient_accumulation))


def environment() -> dict[str, str]:
    """The versions a result depends on, for manifests."""
    packages = ("torch", "transformers", "peft", "bitsandbytes")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _trainer(
    rows: Sequence[RenderedExample] | Sequence[Pair],
    training: TrainingConfig,
    padding: Padding,
    **named: Any,
) -> LabelTrainer:
    lengths = [length_of(row) for row in rows]
    named["order"] = LengthGroups(lengths, training.batch_size, training.seed)
    named["data_collator"] = padding
    pairs = [row for row in rows if isinstance(row, Pair)]
    if not pairs:
        return LabelTrainer(train_dataset=[{"row": row} for row in rows], **named)
    margins = reference_margins(named["model"], pairs, padding, training.batch_size)
    data = [{"row": p, "reference": m} for p, m in zip(pairs, margins, strict=True)]
    return PreferenceTrainer(beta=training.beta, train_dataset=data, **named)


def _speed_up_on_cpu(model: Any, adapter: AdapterConfig, tokens: float) -> None:
    cpu.keep_freed_memory()
    if adapter.quantization != "none" or tokens < cpu.TOKENS_WORTH_COMPILING:
        return
    if not cpu.compile_layers(model.base_model.model):
        print("No C++ compiler found: training goes on without torch.compile, slower by a third.")


def _labels(row: RenderedExample | Pair) -> int:
    if isinstance(row, Pair):
        return _labels(row.chosen) + _labels(row.rejected)
    return sum(label != IGNORED for label in row.labels)


def _arguments(training: TrainingConfig, rows: int, run_dir: Path) -> TrainingArguments:
    on_gpu = torch.cuda.is_available()
    steps = optimizer_steps(rows, training)
    return TrainingArguments(
        output_dir=str(run_dir / "checkpoints"),
        num_train_epochs=training.epochs,
        learning_rate=training.learning_rate,
        per_device_train_batch_size=training.batch_size,
        gradient_accumulation_steps=training.gradient_accumulation,
        lr_scheduler_type="linear",
        warmup_steps=0.05,
        seed=training.seed,
        use_cpu=not on_gpu,
        gradient_checkpointing=on_gpu,
        remove_unused_columns=False,
        logging_steps=max(1, min(10, steps // 20)),
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=steps_between(steps),
        save_total_limit=2,
        disable_tqdm=True,
        report_to="none",
        optim="paged_adamw_8bit" if on_gpu else "adamw_torch",
    )
