"""Two requests in one message: where it could be cut, and how likely each cut is right.

A cut is proposed from the fast path alone: both halves must look like requests to different
agents, and the message as a whole less like one. The weights know no agent by name, so agents
that are added later are told apart as well. Whoever routes the halves has the last word
(`router.requests`).
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.errors import RouterError
from router.combine import Array

SPLIT_FILE = "split.json"

#: Cuts that are looked at, the strongest separators first; each costs two fast-path readings.
_MOST_CUTS = 8
#: Longer messages are documents, and one request about them.
_LONGEST = 1200

# A run of blanks is begun at its first one only (`(?<!\s)\s+`), and no two runs stand side by side:
# a search that tries each way to share them out takes the cube of their length, for every turn.
_SEPARATORS = {
    "sentence": re.compile(r"(?<=[.!?;])[\"”')]*\s+|(?<!\s)\s*\n\s*"),
    "conjunction": re.compile(
        r"(?:(?<!\s)\s+(?:[,;:–-]\s+)?|[,;:–-]\s+)"
        r"(?:and|then|plus|also|but|while|as well as|oh|next)\b[,:]?\s+"
        r"|(?<!\s)\s+[&+–-]\s+",
        re.IGNORECASE,
    ),
    "comma": re.compile(r"(?<!\s)\s+,\s+|,\s+"),
}
#: What joins a request to the one before it and belongs to neither.
_JOINERS = re.compile(
    r"(?:(?:and|then|plus|also|but|oh|next|besides|additionally|as well as|after that|by the way"
    r"|while you'?re at it|while|one more(?: thing)?|say|[&+–-])(?:\b|(?<=[&+–-]))[\s,:;.]*)+",
    re.IGNORECASE,
)
#: A pasted block (a table's definition) ends here; what follows is asked about it.
_BLOCK_END = re.compile(r"[)\]}]\s*[;.]?$")
_TRAILING = re.compile(
    r"(?<![\s,;:])[\s,;:]+(?:(?:and|then|plus|also|but)[\s,;:]*)?$", re.IGNORECASE
)


@dataclass(frozen=True)
class Cut:
    """A message in two."""

    left: str
    right: str
    separator: str


def cuts(text: str) -> list[Cut]:
    """The places where a message could be cut, strongest separators first.

    What stands in parentheses is one thing (a table's columns), and so is a pasted block with what
    is asked about it.
    """
    if len(text) > _LONGEST:
        return []
    return list(islice(_cuts(text), _MOST_CUTS))


def _cuts(text: str) -> Iterator[Cut]:
    outside = _outside_parentheses(text)
    seen: set[tuple[str, str]] = set()
    for name, separator in _SEPARATORS.items():
        for found in separator.finditer(text):
            left = _TRAILING.sub("", text[: found.start()]).strip()
            right = text[found.end() :].strip()
            right = right[joined.end() :] if (joined := _JOINERS.match(right)) else right
            is_inside = not outside[found.start()] or _BLOCK_END.search(text[: found.start()])
            if left and right and not is_inside and (left, right) not in seen:
                seen.add((left, right))
                yield Cut(left, right, name)


def _outside_parentheses(text: str) -> list[bool]:
    depth, outside = 0, []
    for character in text:
        depth = max(0, depth + (character == "(") - (character == ")"))
        outside.append(depth == 0)
    return outside


#: What a cut is judged by: log-probabilities of the two halves' agents (in each half, in the
#: other half, in the whole), the halves' lengths, and what stands between them.
FEATURES = (
    "left_in_left",
    "right_in_right",
    "right_in_left",
    "left_in_right",
    "left_in_whole",
    "right_in_whole",
    "best_in_whole",
    "log_shorter_words",
    "log_words",
    "is_sentence_end",
    "is_comma",
    "has_fallback",
    "log_fallback_words",
    "fallback_asks",
)
_FLOOR = math.log(1e-3)


def features(cut: Cut, whole: Array, left: Array, right: Array, fallback: int) -> list[float]:
    """`FEATURES` of one cut.

    Args:
        whole, left, right: calibrated log-probabilities ``[agents]`` of the message and its halves.
        fallback: index of the agent for what fits no other: a greeting goes to it, and is no
            request.
    """
    a, b = int(left.argmax()), int(right.argmax())
    words = len(cut.left.split()), len(cut.right.split())
    fallback_text = cut.left if a == fallback else cut.right if b == fallback else ""
    return [
        *(
            max(float(log_probability), _FLOOR)
            for log_probability in (left[a], right[b], left[b], right[a], whole[a], whole[b])
        ),
        float(whole.max()),
        math.log(min(words)),
        math.log(sum(words)),
        float(cut.separator == "sentence"),
        float(cut.separator == "comma"),
        float(bool(fallback_text)),
        math.log(len(fallback_text.split()) or 1),
        float(fallback_text.endswith("?")),
    ]


class SplitSpec(BaseModel):
    """Everything fitted (`router.fit_split`).

    Attributes:
        weights: of a logistic regression, by feature.
        threshold: probability from which a cut is proposed.
        confidence: what the router must be sure of, of both halves, for the cut to be made.
        scores: shares of double requests that are found and of single ones that are cut, where
            the fast path has to confirm the cuts alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    weights: dict[str, float]
    bias: float
    threshold: float
    confidence: float
    data: dict[str, str] = {}
    scores: dict[str, float] = {}


class Splitter:
    """Proposes where to cut a message."""

    def __init__(self, spec: SplitSpec, fallback: int) -> None:
        self.spec = spec
        self._fallback = fallback
        self._weights = np.array([spec.weights[name] for name in FEATURES])

    def propose(self, text: str, glance: Callable[[str], Array]) -> Cut | None:
        """The best cut of ``text``, if one is likely to be right.

        Args:
            glance: the fast path's calibrated log-probabilities of a text in this place of the
                conversation, ``[agents]``.
        """
        scored = [(self.probability(seen), seen.cut) for seen in look(text, glance)]
        best, cut = max(scored, key=lambda pair: pair[0], default=(0.0, None))
        return cut if best >= self.spec.threshold else None

    def probability(self, seen: "Seen") -> float:
        """That the cut separates two requests to different agents."""
        row = features(seen.cut, seen.whole, seen.left, seen.right, self._fallback)
        return float(1 / (1 + np.exp(-(self._weights @ row + self.spec.bias))))


@dataclass(frozen=True)
class Seen:
    """A cut, and what the fast path says of the message and its halves."""

    cut: Cut
    whole: Array
    left: Array
    right: Array


def look(text: str, glance: Callable[[str], Array]) -> list[Seen]:
    """The cuts whose halves look like requests to different agents."""
    found = cuts(text)
    if not found:
        return []
    whole = glance(text)
    seen = [Seen(cut, whole, glance(cut.left), glance(cut.right)) for cut in found]
    return [each for each in seen if each.left.argmax() != each.right.argmax()]


def read_splitter(folder: Path, fallback: int) -> Splitter | None:
    """The splitter in a router's folder; None if that router has none.

    Raises:
        RouterError: the file is damaged.
    """
    path = folder / SPLIT_FILE
    if not path.is_file():
        return None
    try:
        spec = SplitSpec.model_validate_json(path.read_bytes())
        return Splitter(spec, fallback)
    except (ValidationError, KeyError) as error:
        raise RouterError(f"{path}: damaged, fit it again:\n{error}") from None
