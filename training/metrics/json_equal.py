"""Is the predicted JSON the same value as the reference?"""

import json
from collections.abc import Mapping
from typing import Any


def values_equal(a: object, b: object) -> bool:
    """JSON equality: 1 equals 1.0, but true equals neither; objects need the same keys."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(values_equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(values_equal, a, b))
    return a == b


def score(prediction: str, reference: str, extra: Mapping[str, object]) -> dict[str, float]:
    """1.0 or 0.0 for the whole value and for each key of a reference object.

    Fences or prose around the JSON make a prediction unparsable: it scores 0 everywhere.
    """
    expected = json.loads(reference)
    fields = expected if isinstance(expected, dict) else {}
    try:
        found = _parse(prediction)
    except (ValueError, RecursionError):
        return {"score": 0.0} | {f"field.{key}": 0.0 for key in fields}
    given = found if isinstance(found, dict) else {}
    scores = {"score": float(values_equal(found, expected))}
    for key, value in fields.items():
        scores[f"field.{key}"] = float(key in given and values_equal(given[key], value))
    return scores


def _parse(text: str) -> Any:
    return json.loads(text, parse_constant=_reject, object_pairs_hook=_unique)


def _reject(constant: str) -> None:
    raise ValueError(f"not JSON: {constant}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found
