"""The router: fast path, label read and policy as one answer to "who answers this turn?"."""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from router.artifact import RouterSpec, read_fitted
from router.combine import Array, combine, pool
from router.explain import Explanation, explain
from router.fast_path import FastPath
from router.guard import GuardedLabelReads, LabelReadFailed, Reason
from router.label_read import LabelReadEngine
from router.turns import RoutingTurn

Stage = Literal["fast", "label_read", "fast_only"]
_Evidence = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Decision:
    """Who answers, and why.

    Attributes:
        confidence: calibrated probability of ``agent``.
        probabilities: of every agent, calibrated.
        stage: ``fast``, the fast path was sure or there is no router LLM; ``label_read``, both
            were asked; ``fast_only``, the router LLM failed or was too slow.
        threshold: confidence from which the fast path decides alone; None: never.
        milliseconds: how long the decision took.
        reason: of a decision that is ``fast_only``, why the router LLM had no say.
        evidence: what each stage that was asked said by itself, uncalibrated: probability per
            agent by ``fast`` and ``label_read``.
        switch_margin: by how much in log-probability another agent had to beat the current one.
        floor: below this probability of the best agent the fallback answers.
    """

    agent: str
    confidence: float
    probabilities: Mapping[str, float]
    stage: Stage
    threshold: float | None
    milliseconds: float
    reason: Reason | None = None
    evidence: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    switch_margin: float = 0.0
    floor: float = 0.0

    @property
    def uncalibrated(self) -> Mapping[str, float]:
        """What the deciding stage said by itself."""
        return self.evidence["label_read" if self.stage == "label_read" else "fast"]

    def strangeness(self, fallback: str) -> float:
        """How much the turn looks like one that fits none of the other agents; 0..1."""
        return 1 - max((p for name, p in self.probabilities.items() if name != fallback), default=0)


class Router:
    """Answers who answers; safe to share between tasks."""

    def __init__(
        self,
        spec: RouterSpec,
        fast_path: FastPath,
        engine: LabelReadEngine,
        model: str,
        timeout_s: float,
    ) -> None:
        self.spec = spec
        self._fast_path = fast_path
        self._label_reads = GuardedLabelReads(engine, model, timeout_s)

    async def route(self, turn: RoutingTurn) -> Decision:
        """Decide one turn; an engine that fails or is slow costs accuracy, never the turn."""
        started = time.perf_counter()
        spec = self.spec
        fast = self._fast_path.log_probabilities(turn)
        calibrated = pool([fast], [spec.fast_alone])
        evidence = {"fast": _by_name(spec.agents, fast)}
        best = int(calibrated.argmax())
        # Refusing is left to the floor, which is fitted for it.
        refusal = spec.policy.refuses and spec.agents[best] == spec.fallback
        if len(spec.agents) == 1 or (spec.policy.fast_is_sure(calibrated) and not refusal):
            return self._decision(best, calibrated, "fast", evidence, started)
        if not spec.labels:
            return self._chosen(calibrated, turn, "fast", evidence, started)
        try:
            read = await self._label_reads.read(turn, list(spec.labels))
        except LabelReadFailed as failure:
            alone = self._chosen(calibrated, turn, "fast_only", evidence, started)
            return replace(alone, reason=failure.reason)
        evidence["label_read"] = _by_name(spec.labels, read)
        both = combine(read, fast, spec.labelled, spec.pool.weights, spec.fast_alone)
        return self._chosen(both, turn, "label_read", evidence, started)

    def glance(self, turn: RoutingTurn) -> Array:
        """What the fast path alone says: calibrated log-probabilities, ``[agents]``."""
        return pool([self._fast_path.log_probabilities(turn)], [self.spec.fast_alone])

    def likely(self, turn: RoutingTurn) -> str | None:
        """The agent that will probably be chosen; None if `route` decides without waiting."""
        spec, calibrated = self.spec, self.glance(turn)
        waits = spec.labels and len(spec.agents) > 1 and not spec.policy.fast_is_sure(calibrated)
        return spec.agents[self._best(calibrated, turn)] if waits else None

    def explain(self, turn: RoutingTurn, decision: Decision) -> Explanation:
        """What spoke for a decision on the fast path."""
        # Another router, with other agents, may have taken over since the decision.
        known = decision.agent in self.spec.agents
        return explain(self._fast_path, turn, decision.agent if known else self.spec.fallback)

    def _chosen(
        self, calibrated: Array, turn: RoutingTurn, stage: Stage, evidence: _Evidence, start: float
    ) -> Decision:
        return self._decision(self._best(calibrated, turn), calibrated, stage, evidence, start)

    def _best(self, calibrated: Array, turn: RoutingTurn) -> int:
        agents = self.spec.agents
        # A conversation may have been answered by an agent that is gone since.
        current = agents.index(turn.current) if turn.current in agents else None
        fallback = agents.index(self.spec.fallback)
        return self.spec.policy.choose(calibrated, current, fallback)

    def _decision(
        self, chosen: int, calibrated: Array, stage: Stage, evidence: _Evidence, started: float
    ) -> Decision:
        spec = self.spec
        probabilities = _by_name(spec.agents, calibrated)
        return Decision(
            agent=spec.agents[chosen],
            confidence=probabilities[spec.agents[chosen]],
            probabilities=probabilities,
            stage=stage,
            threshold=spec.policy.fast_threshold,
            milliseconds=(time.perf_counter() - started) * 1000,
            evidence=evidence,
            switch_margin=spec.policy.switch_margin,
            floor=spec.policy.floor,
        )


def _by_name(names: Iterable[str], log_probabilities: Array) -> dict[str, float]:
    return dict(zip(names, np.exp(log_probabilities).tolist(), strict=True))


def load_router(
    folder: Path,
    agents: Collection[str],
    engine: LabelReadEngine,
    model: str,
    timeout_s: float,
) -> Router:
    """The fitted router of ``folder``.

    Args:
        agents: the catalog's agents; the router must have been fitted for exactly these.
        model: the name under which ``engine`` serves the router's adapter.
        timeout_s: how long a label read may take before the fast path decides alone.

    Raises:
        RouterError: a file is missing or damaged, or the agents differ.
    """
    spec, fast_path = read_fitted(folder, agents)
    return Router(spec, fast_path, engine, model, timeout_s)
