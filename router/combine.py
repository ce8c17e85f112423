"""Calibration: several log-probabilities in, one calibrated distribution out.

A log-linear pool (Genest & Zidek 1986): ``p ∝ exp(Σ weight · log p_stage)``. With one stage it
is temperature scaling (Guo et al. 2017), its temperature being one over the weight.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

Array = NDArray[np.float64]

#: Pulls the weights towards a plain mean; it matters where held-out turns show no mistake.
_SHRINKAGE = 1.0


def pool(stages: Sequence[Array], weights: Sequence[float]) -> Array:
    """Calibrated log-probabilities ``[…, agents]`` of stages' log-probabilities, same shape."""
    weighted = np.sum([w * stage for w, stage in zip(weights, stages, strict=True)], axis=0)
    pooled: Array = log_softmax(weighted, axis=-1)
    return pooled


def combine(
    read: Array, fast: Array, labelled: Sequence[int], weights: tuple[float, float], alone: float
) -> Array:
    """Calibrated log-probabilities ``[…, agents]`` of both stages.

    An agent that was added after the router LLM was trained has no label it could read. How
    likely it is, the fast path says alone; the label read then divides what is left among the
    agents that it knows: ``p(a) = (1 - p(new)) · p(a | not new)``.

    Args:
        read: the label read's log-probabilities of the ``labelled`` agents, ``[…, labelled]``.
        fast: the fast path's of all agents.
        labelled: indices of the agents the router LLM has a label for.
        weights: of read and fast path, among the labelled agents.
        alone: weight of the fast path by itself.
    """
    known = np.asarray(labelled)
    combined = pool([fast], [alone])
    rest = logsumexp(combined[..., known], axis=-1, keepdims=True)
    combined[..., known] = rest + pool([read, log_softmax(fast[..., known], axis=-1)], weights)
    return combined


def fit_pool(stages: Sequence[Array], right: NDArray[np.int_]) -> tuple[float, ...]:
    """Weights, none negative, that minimise the negative log-likelihood of held-out turns.

    Args:
        stages: each stage's log-probabilities, ``[turns, agents]``.
        right: index of the right agent, ``[turns]``.
    """
    # Half a second to import, and serving never fits.
    from scipy.optimize import minimize

    def weights(logarithms: Array) -> list[float]:
        weights: list[float] = (np.exp(logarithms) / len(stages)).tolist()
        return weights

    def loss(logarithms: Array) -> float:
        likelihood = pool(stages, weights(logarithms))[np.arange(len(right)), right].sum()
        return float(_SHRINKAGE * np.square(logarithms).sum() - likelihood)

    return tuple(weights(minimize(loss, np.zeros(len(stages)), method="Nelder-Mead").x))
