"""Why the fast path leans the way it does: the n-grams that weigh most."""

from dataclasses import dataclass

import numpy as np

from router.fast_path import FastPath
from router.turns import RoutingTurn

_STRONGEST = 8


@dataclass(frozen=True)
class Feature:
    """One n-gram of a turn.

    Attributes:
        block: ``word``, ``char``, ``previous`` (the user's message before) or ``context``.
        weight: by how much it moves the log-odds of the agent against the runner-up.
    """

    block: str
    ngram: str
    weight: float


@dataclass(frozen=True)
class Explanation:
    """What spoke for an agent on the fast path, and what against it.

    Attributes:
        runner_up: the likeliest other agent; None if there is no other.
        features: the strongest either way, the heaviest first.
    """

    agent: str
    runner_up: str | None
    features: tuple[Feature, ...]


def explain(fast_path: FastPath, turn: RoutingTurn, agent: str) -> Explanation:
    """The n-grams that decided between ``agent`` and the likeliest other one.

    Where an agent has several intents, the likeliest one of each agent is compared.
    """
    agents, owners = fast_path.agents, fast_path.owners
    scores = fast_path.class_scores(turn)
    own = owners == agents.index(agent)
    chosen = int(np.where(own, scores, -np.inf).argmax())
    other = None if own.all() else int(np.where(own, -np.inf, scores).argmax())
    features = [
        Feature(block, ngram, float(share[chosen] - (0.0 if other is None else share[other])))
        for block, ngram, share in fast_path.contributions(turn)
    ]
    features.sort(key=lambda feature: -abs(feature.weight))
    runner_up = None if other is None else agents[owners[other]]
    return Explanation(agent, runner_up, tuple(features[:_STRONGEST]))
