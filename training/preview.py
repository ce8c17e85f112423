"""``philharmonic train --preview``: what the model would be taught, and what it would cost.

Nothing is guessed: one optimiser step is run on the longest rows, for the memory, and on usual
ones, for the time.
"""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text
from transformers import AutoTokenizer

from agents.catalog import Agent
from training.batches import LengthGroups, Padding, padding_share
from training.loop import optimizer_steps
from training.losses import label_logprobs
from training.model import with_adapter
from training.render import IGNORED, Pair, RenderedExample
from training.rows import length_of
from training.run import checked_rows

_ROWS_SHOWN = 3
_BINS = 10
_BAR = 40
_CONTEXT, _TRAINED = "dim", "bold green"


@dataclass(frozen=True)
class Cost:
    """What a run would take on this machine.

    Attributes:
        padding: share of tokens that only fill batches up.
        seconds: of training, compiling and checkpoints aside.
        memory: bytes of this process's peak (on a GPU, of the GPU's).
    """

    rows: int
    tokens: int
    trained_tokens: int
    padding: float
    steps: int
    seconds: float
    memory: int


def preview(agent: Agent, base: Path | str, console: Console) -> Cost:
    """Print rows as the model sees them, their lengths, and the measured cost of the run.

    Raises:
        ConfigError, DataError: what training itself would raise.
    """
    dataset = agent.dataset()
    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = checked_rows(agent.config, dataset, base)
    for warning in dataset.warnings:
        console.print(f"[yellow]Data:[/] {warning}", highlight=False)
    console.print(f"Context is [{_CONTEXT}]dim[/], what is trained is [{_TRAINED}]green[/].")
    for row in rows[:_ROWS_SHOWN]:
        for part in _parts(row):
            console.print(coloured(tokenizer, part))
            console.rule(style="dim")
    console.print(histogram([length_of(row) for row in rows], agent.config.training.max_length))
    cost = measured_cost(agent, base, tokenizer, rows)
    console.print(
        f"{cost.rows} rows, {cost.tokens:,} tokens, {cost.trained_tokens:,} of them trained, "
        f"{cost.padding:.1%} padding: {cost.steps} steps, about {_duration(cost.seconds)}, "
        f"{cost.memory / 2**30:.1f} GiB.",
        highlight=False,
    )
    return cost


def coloured(tokenizer: Any, row: RenderedExample) -> Text:
    """A row's text, token by token; trained ones stand out. Template tokens are shown as text."""
    text = Text()
    for token, label in zip(row.input_ids, row.labels, strict=True):
        text.append(tokenizer.decode([token]), _CONTEXT if label == IGNORED else _TRAINED)
    return text


def histogram(lengths: Sequence[int], limit: int) -> Table:
    """How many rows have how many tokens."""
    table = Table("tokens", "rows", "", title=f"Lengths (training.max_length is {limit})")
    low, high = min(lengths), max(lengths)
    width = max(1, -(-(high - low + 1) // _BINS))
    bins = [0] * ((high - low) // width + 1)
    for length in lengths:
        bins[(length - low) // width] += 1
    for number, count in enumerate(bins):
        start = low + number * width
        bar = "█" * round(_BAR * count / max(bins))
        table.add_row(f"{start}–{start + width - 1}", str(count), bar)
    return table


def measured_cost(
    agent: Agent, base: Path | str, tokenizer: Any, rows: Sequence[RenderedExample | Pair]
) -> Cost:
    """Run single optimiser steps and extrapolate."""
    config = agent.config
    assert config.adapter is not None
    training = config.training
    lengths = [length_of(row) for row in rows]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = with_adapter(base, config.adapter).to(device)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])
    padding = Padding(tokenizer.pad_token_id)

    def step(numbers: Sequence[int]) -> float:
        batch = padding([{"row": rows[number]} for number in numbers])
        inputs = {key: value.to(device) for key, value in batch.items()}
        started = time.perf_counter()
        found, _ = label_logprobs(model, inputs)
        (-found.mean()).backward()
        optimizer.step()
        optimizer.zero_grad()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started

    size = training.batch_size
    step(sorted(range(len(rows)), key=lengths.__getitem__)[-size:])
    usual = list(LengthGroups(lengths, size, training.seed))[:size]
    per_token = step(usual) / sum(lengths[number] for number in usual)
    return Cost(
        rows=len(rows),
        tokens=sum(lengths),
        trained_tokens=sum(
            label != IGNORED for row in rows for part in _parts(row) for label in part.labels
        ),
        padding=padding_share(lengths, size, training.seed),
        steps=optimizer_steps(len(rows), training),
        seconds=per_token * sum(lengths) * training.epochs,
        memory=_peak_memory(device),
    )


def _parts(row: RenderedExample | Pair) -> list[RenderedExample]:
    return [row.chosen, row.rejected] if isinstance(row, Pair) else [row]


def _peak_memory(device: str) -> int:
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
