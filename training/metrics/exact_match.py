"""Is the answer the reference, character by character?"""

from collections.abc import Mapping


def score(prediction: str, reference: str, extra: Mapping[str, object]) -> dict[str, float]:
    """1.0 where both are the same text, white space around them aside."""
    return {"score": float(prediction.strip() == reference.strip())}
