"""What a run says while it goes on: a line of ``metrics.jsonl`` now and then, and a bar."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import TrainerCallback


class MetricsFile(TrainerCallback):
    """Writes what the trainer logs, one JSON object a line.

    Beside the trainer's own it has ``seconds`` since the run began (earlier parts of a resumed
    run included) and ``tokens_per_s`` since this process began.
    """

    def __init__(self, path: Path, seconds_before: float) -> None:
        self._path = path
        self._before = seconds_before
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long the run has taken so far, earlier parts included."""
        return self._before + time.perf_counter() - self._started

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Append a line."""
        if not state.is_world_process_zero or "loss" not in (logs or {}):
            return
        line = {"step": state.global_step, "seconds": round(self.seconds, 2), **logs}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


class Bar(TrainerCallback):
    """A progress bar with loss, tokens per second and time left."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("Training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]} · {task.fields[speed]} tokens/s ·"),
            TimeElapsedColumn(),
            TextColumn("· left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._started = time.perf_counter()
        self.tokens: Callable[[], int] = lambda: 0
        """How many tokens were read so far in this process; the trainer's to say."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show the bar."""
        self._started = time.perf_counter()
        self._task = self._progress.add_task(
            "", total=state.max_steps, completed=state.global_step, loss="–", speed="–"
        )
        if state.is_world_process_zero:
            self._progress.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move it."""
        speed = self.tokens() / (time.perf_counter() - self._started)
        self._progress.update(self._task, completed=state.global_step, speed=f"{speed:,.0f}")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Show the loss."""
        if "loss" in (logs or {}):
            self._progress.update(self._task, loss=f"{logs['loss']:.3f}")

    def close(self) -> None:
        """Take the bar away, however the run ended."""
        self._progress.stop()
