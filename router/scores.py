"""Figures of merit: shares with intervals, ranking of the out-of-scope, reliability."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from router.combine import Array

_BINS = 15


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.96
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return (centre - spread) / scale, (centre + spread) / scale


def recall_at(in_scope: Array, out_of_scope: Array, false_refusals: float) -> float:
    """Share of the out-of-scope that is refused when few of the in-scope are.

    Args:
        in_scope: how much each turn that fits an agent looks like one that fits none, ``[n]``.
        out_of_scope: the same of turns that fit none, ``[m]``.
        false_refusals: the most that may be refused of ``in_scope``.
    """
    allowed = int(false_refusals * len(in_scope))
    threshold = np.sort(in_scope)[::-1][allowed]
    return float(np.mean(out_of_scope > threshold))


def auroc(in_scope: Array, out_of_scope: Array) -> float:
    """How often a turn that fits none looks more like it than one that fits (Mann-Whitney)."""
    ranks = rankdata(np.concatenate([in_scope, out_of_scope]))[len(in_scope) :]
    surplus = ranks.sum() - len(out_of_scope) * (len(out_of_scope) + 1) / 2
    return float(surplus / (len(in_scope) * len(out_of_scope)))


def expected_calibration_error(confidence: Array, correct: NDArray[np.bool_]) -> float:
    """Mean gap between confidence and accuracy over equally filled bins (Nguyen & O'Connor 2015).

    Args:
        confidence: probability of the chosen agent, ``[turns]``.
        correct: whether it was the right one, ``[turns]``.
    """
    return sum(
        abs(part["confidence"] - part["accuracy"]) * part["turns"]
        for part in reliability(confidence, correct)
    ) / len(confidence)


def reliability(confidence: Array, correct: NDArray[np.bool_]) -> Sequence[dict[str, float]]:
    """Mean confidence, accuracy and number of turns in equally filled bins, least sure first."""
    order = np.argsort(confidence, kind="stable")
    return [
        {
            "confidence": float(confidence[part].mean()),
            "accuracy": float(correct[part].mean()),
            "turns": len(part),
        }
        for part in np.array_split(order, min(_BINS, len(order)))
    ]
