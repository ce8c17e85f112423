"""What a row says and what the right answer is."""

import json
from dataclasses import dataclass

CATEGORIES = ("billing", "delivery", "account", "technical", "cancellation", "feedback")
PRIORITIES = ("low", "normal", "high", "urgent")
SENTIMENTS = ("negative", "neutral", "positive")


@dataclass(frozen=True)
class Label:
    """The three fields of an answer."""

    category: str
    priority: str
    sentiment: str

    def to_json(self) -> str:
        """The answer as the agent must write it."""
        return json.dumps(
            {"category": self.category, "priority": self.priority, "sentiment": self.sentiment}
        )


@dataclass(frozen=True)
class Turn:
    """A user message and the label of the conversation up to it."""

    text: str
    label: Label


def worse(first: str, second: str) -> str:
    """The more pressing of two priorities."""
    return max(first, second, key=PRIORITIES.index)
