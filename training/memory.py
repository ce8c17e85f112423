"""Keeps a long run on a CPU from growing."""

from typing import Any

from transformers import TrainerCallback

from training import cpu


class TrimHeap(TrainerCallback):
    """Gives freed memory back at each checkpoint: seldom enough to cost nothing."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Give it back."""
        cpu.give_back_freed_memory()
