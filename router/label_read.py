"""The label read: one forward pass of the router LLM, a log-probability for each agent."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from agents.errors import EngineUnavailable
from router.prompt import labels_for, render_prompt
from router.turns import RoutingTurn

#: Engines report the likeliest tokens only; a label among the rest counts as this improbable.
FLOOR = float(np.log(1e-6))


class LabelReadEngine(Protocol):
    """What the router needs of an inference server."""

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        """Log-probability of each label as the token after ``prompt``.

        A label that the engine does not report gets `FLOOR` or less.

        Raises:
            EngineError: the engine does not answer, or refuses.
        """
        ...


async def read_labels(
    engine: LabelReadEngine, model: str, turn: RoutingTurn, agents: Sequence[str]
) -> NDArray[np.float64]:
    """Uncalibrated log-probabilities over ``agents``: those of the labels, normalised.

    Raises:
        EngineError: the engine does not answer, refuses, or says nothing of any label.
    """
    labels = list(labels_for(agents).values())
    found = await engine.label_logprobs(model, render_prompt(turn), labels)
    if len(found) != len(labels) or not max(found) > FLOOR:
        raise EngineUnavailable(f"router LLM {model!r} named none of the labels it was asked for")
    log_probabilities: NDArray[np.float64] = log_softmax(np.maximum(found, FLOOR))
    return log_probabilities
