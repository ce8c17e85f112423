"""Is the predicted label the reference's, however it is capitalised, quoted or punctuated?"""

from collections.abc import Mapping

_AROUND = " \t\r\n.,;:!\"'`*"


def score(prediction: str, reference: str, extra: Mapping[str, object]) -> dict[str, float]:
    """1.0 where both are the same label; white space, underscores and hyphens are alike."""
    return {"score": float(_plain(prediction) == _plain(reference))}


def _plain(text: str) -> str:
    words = text.strip(_AROUND).casefold().replace("_", " ").replace("-", " ").split()
    return " ".join(words)
