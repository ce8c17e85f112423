"""QLoRA at Phi-3-mini's size on one GPU: tokens per second, peak memory, share of the bf16 peak.

    python -m tests.benchmarks.qlora_gpu [--batch 16] [--length 1024] [--steps 30]

The base has the shape of microsoft/Phi-3-mini-4k-instruct and random weights, so nothing is
downloaded; it is written to a temporary folder (7.6 GB, ``--folder`` chooses where) and trained by
what ``philharmonic train`` runs: NF4 with double quantisation, rank 16 on all linear layers, a
paged 8-bit AdamW, gradient checkpointing. Rows are random tokens of one length, the last quarter
of each is trained.

The share counts the floating-point operations that the gradient needs, none of them twice. For
each token that is read: 4 for every frozen weight of a linear layer (forward, and the gradient of
its input; a frozen weight needs none of its own), 6 for every weight of the adapter, and for
attention's two products 12 · layers · width · half the length (forward once, backward twice). For
each trained token: 4 for every weight of the output layer. What checkpointing computes again is
in the time and not in the count.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, Phi3Config, Phi3ForCausalLM

from agents.config import AdapterConfig, TrainingConfig
from tests.unit.tiny_phi3 import tiny_tokenizer
from training.loop import train_rows
from training.render import IGNORED, RenderedExample

ADAPTER = AdapterConfig(r=16, alpha=32, quantization="nf4")
TRAINED_SHARE = 0.25
#: Steps at the beginning that are not counted: caches fill, kernels are chosen.
WARM_UP = 5

#: Dense bf16 tensor throughput with float32 sums in TFLOP/s, from the makers' data sheets.
PEAK_TFLOPS = {
    "H200": 989,
    "H100 PCIe": 756,
    "H100": 989,
    "A100": 312,
    "L40S": 362,
    "L4": 121,
    "A10": 125,
    "RTX 4090": 165,
    "RTX 3090": 71,
}


def phi3_mini() -> Phi3Config:
    """The shape of microsoft/Phi-3-mini-4k-instruct: 3.8 billion weights."""
    return Phi3Config(
        vocab_size=32064,
        hidden_size=3072,
        intermediate_size=8192,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=32,
        max_position_embeddings=4096,
        original_max_position_embeddings=4096,
        sliding_window=2047,
        bos_token_id=1,
        eos_token_id=32000,
        pad_token_id=32000,
        tie_word_embeddings=False,
    )


@dataclass(frozen=True)
class Work:
    """Weights of a model and its adapter, as far as they are multiplied with every token."""

    linear: int
    output: int
    adapter: int
    layers: int
    width: int

    def per_row(self, length: int, trained: int) -> float:
        """Floating-point operations that one row's gradient needs (see above)."""
        attention = 12 * self.layers * self.width * length / 2
        each = 4 * self.linear + 6 * self.adapter + attention
        return length * each + 4 * self.output * trained


def work_of(config: Phi3Config, rank: int) -> Work:
    """The work of a Phi-3 with an adapter of this rank on all linear layers."""
    with torch.device("meta"):
        model = Phi3ForCausalLM(config)
    layers = [m for m in model.model.modules() if isinstance(m, torch.nn.Linear)]
    return Work(
        linear=sum(m.in_features * m.out_features for m in layers),
        output=config.vocab_size * config.hidden_size,
        adapter=sum(rank * (m.in_features + m.out_features) for m in layers),
        layers=config.num_hidden_layers,
        width=config.hidden_size,
    )


def write_base(config: Phi3Config, folder: Path) -> Path:
    """A model of this shape with random weights, and a tokenizer beside it."""
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    del model
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return folder


def random_rows(count: int, length: int, vocabulary: int) -> list[RenderedExample]:
    """Rows of random tokens; the last quarter of each has labels."""
    rng = random.Random(0)
    context = length - round(TRAINED_SHARE * length)
    rows = []
    for _ in range(count):
        ids = [rng.randrange(vocabulary) for _ in range(length)]
        rows.append(RenderedExample(ids, [IGNORED] * context + ids[context:]))
    return rows


def seconds_per_step(metrics: Path, warm_up: int) -> float:
    """Median of the steps after the first ``warm_up``, of a run's ``metrics.jsonl``.

    A step after a checkpoint takes longer, which is the disk's part and not the chip's.
    """
    lines = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    at = [line["seconds"] for line in lines if line["step"] >= warm_up]
    if len(at) < 2:
        raise ValueError(f"{lines[-1]['step']} steps are too few: give more than {warm_up}")
    return statistics.median(after - before for before, after in pairwise(at))


def measured(
    config: Phi3Config, folder: Path, batch: int, length: int, steps: int, warm_up: int = WARM_UP
) -> dict[str, float]:
    """One training on a base that is made in ``folder``; times, operations and peak memory."""
    base = write_base(config, folder / "base")
    rows = random_rows(batch * steps, length, config.vocab_size)
    training = TrainingConfig(
        epochs=1, learning_rate=2e-4, batch_size=batch, max_length=length, seed=0
    )
    train_rows(rows, base, ADAPTER, training, folder / "run")
    seconds = seconds_per_step(folder / "run" / "metrics.jsonl", warm_up)
    trained = round(TRAINED_SHARE * length)
    work = work_of(config, ADAPTER.r)
    return {
        "weights": float(work.linear + 2 * work.output),
        "seconds_per_step": seconds,
        "tokens_per_s": batch * length / seconds,
        "flops": batch * work.per_row(length, trained) / seconds,
        "peak_bytes": float(torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0),
    }


def peak_tflops(name: str) -> float | None:
    """The data sheet's figure for a device of this name."""
    return next((peak for chip, peak in PEAK_TFLOPS.items() if chip in name), None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table; exit code 1 without a GPU that can do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=1024, help="tokens of a row")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--peak-tflops", type=float, help="the chip's, where it is not known here")
    parser.add_argument("--folder", type=Path, help="where 8 GB may be written for a while")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    if not torch.cuda.is_available() or not torch.cuda.is_bf16_supported():
        sys.exit(
            "no GPU with bfloat16 here: this measures QLoRA at the size of Phi-3-mini, which "
            "takes one with 16 GB or more"
        )
    name = torch.cuda.get_device_name()
    peak = given.peak_tflops or peak_tflops(name)
    if peak is None:
        sys.exit(f"{name}: its bf16 peak is not known here; give --peak-tflops")
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="bench-qlora-") as work:
        found = measured(phi3_mini(), Path(work), given.batch, given.length, given.steps)
    found["share_of_peak"] = found["flops"] / (peak * 1e12)
    if given.json:
        print(json.dumps({"device": name, "peak_tflops": peak, **found}))
        return
    Console(width=110).print(_table(f"{name}, {given.batch} × {given.length} tokens", peak, found))


def _table(title: str, peak: float, found: dict[str, Any]) -> Table:
    table = Table("", "", title=title, show_header=False)
    table.add_row("weights of the base", f"{found['weights'] / 1e9:.2f} billion")
    table.add_row("tokens/s", f"{found['tokens_per_s']:,.0f}")
    table.add_row("seconds a step", f"{found['seconds_per_step']:.3f}")
    table.add_row("peak memory", f"{found['peak_bytes'] / 2**30:.1f} GiB")
    share = f"{found['flops'] / 1e12:.1f} TFLOP/s, {found['share_of_peak']:.1%} of {peak:g}"
    table.add_row("share of the bf16 peak", share)
    return table


if __name__ == "__main__":
    main()
