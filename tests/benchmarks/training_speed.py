"""Our training against plain ``trl`` on the same rows, batches and steps, each in its own process.

Run: ``python -m tests.benchmarks.training_speed [--agent agents/home] [--steps 60]``. Both train a
rank-8 adapter on the default base in bfloat16, with a loss on the answers alone. Peak memory is
the process's largest resident set.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.bases import profile_named
from agents.catalog import load_agent
from agents.data import Example
from agents.prompt import with_system_prompt
from agents.settings import ROOT, Settings
from serving.engine.base_model import ensure_base_model

BATCH = 8
LEARNING_RATE = 1e-3
LAST = 5


def main() -> None:
    """Run both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agent", type=Path, default=ROOT / "agents" / "home")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--only", choices=("ours", "trl"))
    given = parser.parse_args()
    if given.only:
        run = {"ours": ours, "trl": plain_trl}[given.only]
        print(json.dumps(run(given.agent, given.steps) | {"memory": _peak_bytes()}))
        return
    table = Table(
        "trainer", "trained tokens/s", "all tokens/s", "seconds", "loss at the end", "peak"
    )
    found = {name: _in_a_process(name, given.agent, given.steps) for name in ("trl", "ours")}
    for name, row in found.items():
        table.add_row(
            name,
            f"{row['trained'] / row['seconds']:,.0f}",
            f"{row['tokens'] / row['seconds']:,.0f}",
            f"{row['seconds']:.0f}",
            f"{row['loss']:.3f}",
            f"{row['memory'] / 2**30:.2f} GiB",
        )
    Console().print(table)
    print(f"{found['trl']['seconds'] / found['ours']['seconds']:.2f} times as fast")


def ours(agent_path: Path, steps: int) -> dict[str, float]:
    """What `philharmonic train` runs, compiled layers included."""
    from transformers import AutoTokenizer

    from agents.config import AdapterConfig, TrainingConfig
    from training.loop import train_rows
    from training.rows import render_rows

    agent, base = load_agent(agent_path), _base()
    rows: Any = render_rows(AutoTokenizer.from_pretrained(base), agent.config, _rows(agent, steps))
    training = TrainingConfig(epochs=1, learning_rate=LEARNING_RATE, batch_size=BATCH)
    with tempfile.TemporaryDirectory() as folder:
        trained = train_rows(rows, base, AdapterConfig(), training, Path(folder))
        lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    return {
        "trained": trained.trained_tokens,
        "tokens": sum(len(row.input_ids) for row in rows),
        "seconds": trained.seconds,
        "loss": sum(losses[-LAST:]) / len(losses[-LAST:]),
    }


def plain_trl(agent_path: Path, steps: int) -> dict[str, float]:
    """`trl.SFTTrainer` on conversational prompt and completion, its defaults otherwise."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from training.render import IGNORED
    from training.rows import render_rows

    agent, base = load_agent(agent_path), _base()
    examples = _rows(agent, steps)
    system = agent.config.system_prompt
    data = Dataset.from_list(
        [
            {
                "prompt": [m.as_dict() for m in with_system_prompt(system, example.prompt)],
                "completion": [example.messages[-1].as_dict()],
            }
            for example in examples
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16),
            args=SFTConfig(
                output_dir=folder,
                num_train_epochs=1,
                per_device_train_batch_size=BATCH,
                learning_rate=LEARNING_RATE,
                lr_scheduler_type="linear",
                warmup_steps=0.05,
                logging_steps=max(1, steps // 20),
                save_strategy="no",
                report_to="none",
                use_cpu=not torch.cuda.is_available(),
                disable_tqdm=True,
            ),
            train_dataset=data,
            peft_config=LoraConfig(
                r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
        )
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
    losses = [log["loss"] for log in trainer.state.log_history if "loss" in log]
    rows: Any = render_rows(AutoTokenizer.from_pretrained(base), agent.config, examples)
    return {
        "trained": sum(label != IGNORED for row in rows for label in row.labels),
        "tokens": sum(len(row.input_ids) for row in rows),
        "seconds": seconds,
        "loss": sum(losses[-LAST:]) / len(losses[-LAST:]),
    }


def _rows(agent: Any, steps: int) -> list[Example]:
    """Rows for so many steps, of one turn each: then both train the same tokens."""
    single = (
        row for row in agent.dataset().train if isinstance(row, Example) and len(row.prompt) == 1
    )
    return list(islice(single, steps * BATCH))


def _base() -> Path | str:
    settings = Settings()
    return ensure_base_model(profile_named("default"), settings.cache)


def _in_a_process(name: str, agent: Path, steps: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.training_speed", "--only", name]
    command += ["--agent", str(agent), "--steps", str(steps)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
