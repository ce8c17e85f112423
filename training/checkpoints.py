"""Checkpoints that a killed run can be gone on with: a half-written one is never taken."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

_COMPLETE = "complete"
_MOST_STEPS = 50


def steps_between(total_steps: int) -> int:
    """How many steps a killed run loses at most."""
    return min(_MOST_STEPS, max(1, total_steps // 10))


class MarkComplete(TrainerCallback):
    """Marks a checkpoint when all of it is written; what has no mark does not count."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark the checkpoint of this step."""
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            os.sync()  # the mark must not reach the disk before what it vouches for
            (folder / _COMPLETE).touch()


def last_complete(folder: Path) -> Path | None:
    """The latest whole checkpoint; half-written ones are removed."""
    found: Path | None = None
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=step_of):
        if (checkpoint / _COMPLETE).exists():
            found = checkpoint
        else:
            shutil.rmtree(checkpoint)
    return found


def step_of(checkpoint: Path) -> int:
    """The step after which it was written."""
    return int(checkpoint.name.rpartition("-")[2])


def forget_after(step: int, metrics: Path) -> float:
    """Drop the lines of ``metrics.jsonl`` that the run will write again.

    Returns:
        The seconds the run had taken by then.
    """
    if not metrics.exists():
        return 0.0
    kept = []
    for line in metrics.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:  # the kill cut the last line off
            break
        if row["step"] > step:
            break
        kept.append(row)
    text = "".join(json.dumps(row) + "\n" for row in kept)
    metrics.write_text(text, encoding="utf-8")
    return float(kept[-1]["seconds"]) if kept else 0.0
