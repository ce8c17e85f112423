"""Is the predicted number the reference's?"""

import math
import re
from collections.abc import Mapping

_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")


def score(prediction: str, reference: str, extra: Mapping[str, object]) -> dict[str, float]:
    """1.0 where the last number of both texts is the same, as answers end with their result.

    Commas may group digits. Numbers are the same within a millionth.

    Raises:
        ValueError: the reference holds no number.
    """
    expected, found = _last(reference), _last(prediction)
    if expected is None:
        raise ValueError(f"no number in {reference!r}")
    same = found is not None and math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-9)
    return {"score": float(same)}


def _last(text: str) -> float | None:
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None
