"""How much a turn looks like nothing the agents know: a few signals, one probability.

Turns that fit no agent are few and of every kind, so a class of their own learns little from
them. What they share shows elsewhere: no class is sure of them (Hendrycks & Gimpel 2017), and
their words are rare or new. A logistic regression (`router.fit_novelty`) weighs such signals
together with the alarm, a linear score that was taught on the out-of-scope rows there are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, softmax

Array = NDArray[np.float64]


@dataclass(frozen=True)
class WordWeights:
    """The words of a turn as the fast path knows them.

    Attributes:
        weights: inverse document frequency of each, ``[words]``; new ones weigh the most.
        new: which of them its vocabulary lacks, ``[words]``.
    """

    weights: Array
    new: NDArray[np.bool_]


def signals(alarm: float, scores: Array, words: WordWeights) -> Array:
    """What a turn's strangeness is judged by, ``[signals]``.

    Args:
        scores: of the classes in scope, ``[classes]``.
    """
    weights, new = words.weights, words.new
    best, second = np.sort(np.append(scores, scores.min()))[-1:-3:-1]
    return np.array(
        [
            alarm,
            best,
            second,
            np.square(softmax(scores)).sum(),
            new.sum(),
            weights[new].sum() / max(weights.sum(), 1e-9),
            weights.mean() if len(weights) else 0.0,
            weights.max(initial=0.0),
            len(weights),
        ]
    )


@dataclass(frozen=True)
class Novelty:
    """Fitted weights: of a constant and of each signal, ``[1 + signals]``."""

    weights: Array

    def log_odds(self, found: Array) -> float:
        """Of fitting no agent, given a turn's signals."""
        return float(self.weights[0] + found @ self.weights[1:])

    def split(self, found: Array) -> tuple[float, float]:
        """Log-probabilities of fitting an agent, and of fitting none."""
        odds = self.log_odds(found)
        return float(log_expit(-odds)), float(log_expit(odds))
