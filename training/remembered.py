"""Label reads that were done before: the same prompt to the same router LLM has one answer.

Adding an agent reads the shipped calibration and evaluation turns each time; only the first time
on a home folder must the engine be asked.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from router.label_read import LabelReadEngine
from training.whole import write_whole

#: Reads that are lost at most when the process is killed.
_SAVED_EVERY = 100


class RememberedReads:
    """A `router.label_read.LabelReadEngine` in front of another one, with a file as its memory.

    Args:
        path: JSON file of one model's reads; its name must change with the model's weights.
    """

    def __init__(self, engine: LabelReadEngine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._known: dict[str, list[float]] = {}
        self._unsaved = 0
        if path.exists():
            self._known = json.loads(path.read_text(encoding="utf-8"))

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        """See `router.label_read.LabelReadEngine`."""
        key = hashlib.sha256(json.dumps([model, prompt, *labels]).encode()).hexdigest()
        if key not in self._known:
            self._known[key] = list(await self._engine.label_logprobs(model, prompt, labels))
            self._unsaved += 1
            if self._unsaved == _SAVED_EVERY:
                self.save()
        return self._known[key]

    def save(self) -> None:
        """Write the file, whole or not at all; now and then it is written by itself."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, json.dumps(self._known))
        self._unsaved = 0
