"""How much of the reference's words come in the same order (Lin 2004)?"""

from collections.abc import Mapping
from functools import cache
from typing import Any


def score(prediction: str, reference: str, extra: Mapping[str, object]) -> dict[str, float]:
    """ROUGE-L F1 over lower-cased words, not stemmed (the ``rouge-score`` package)."""
    return {"score": float(_scorer().score(reference, prediction)["rougeL"].fmeasure)}


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # two seconds to import

    return RougeScorer(["rougeL"])
