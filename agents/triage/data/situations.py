"""Reads the situation sentences: `priority[sentiment]|pattern`, one file per category."""

from dataclasses import dataclass
from pathlib import Path

from agents.triage.data.labels import CATEGORIES

FOLDER = Path(__file__).parent / "situations"
_PRIORITY = {"l": "low", "n": "normal", "h": "high", "u": "urgent"}
_SENTIMENT = {"-": "negative", "0": "neutral", "+": "positive"}
_ASKING = (
    "I'd like",
    "I want",
    "I need",
    "please",
    "could you",
    "I can't find",
    "I can't work out",
    "I'd rather",
    "I don't want",
    "I can't tell",
)


@dataclass(frozen=True)
class Situation:
    """A tone-free sentence pattern; only feedback fixes its own `sentiment`."""

    category: str
    priority: str
    pattern: str
    sentiment: str | None

    @property
    def is_request(self) -> bool:
        """Whether the customer asks for something rather than reports a problem."""
        return self.category == "cancellation" or self.pattern.startswith(_ASKING)


def load_situations() -> dict[str, list[Situation]]:
    """All situations by category."""
    return {category: _read(category) for category in CATEGORIES}


def _read(category: str) -> list[Situation]:
    lines = (FOLDER / f"{category}.txt").read_text(encoding="utf-8").splitlines()
    return [_parse(category, line) for line in lines]


def _parse(category: str, line: str) -> Situation:
    code, pattern = line.split("|", 1)
    sentiment = _SENTIMENT[code[1]] if len(code) > 1 else None
    return Situation(category, _PRIORITY[code[0]], pattern, sentiment)
