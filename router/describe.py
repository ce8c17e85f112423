"""A decision as JSON: what ``POST /v1/route`` and ``philharmonic router explain`` say of it."""

import dataclasses
from typing import Any

from router.explain import Explanation
from router.router import Decision


def describe(decision: Decision, explanation: Explanation) -> dict[str, Any]:
    """Who, how sure, by which stage against which threshold, and what spoke for it."""
    return {
        "agent": decision.agent,
        "confidence": decision.confidence,
        "probabilities": dict(decision.probabilities),
        "stage": decision.stage,
        "threshold": decision.threshold,
        "switch_margin": decision.switch_margin,
        "floor": decision.floor,
        "milliseconds": decision.milliseconds,
        "reason": decision.reason,
        "evidence": {stage: dict(said) for stage, said in decision.evidence.items()},
        "runner_up": explanation.runner_up,
        "features": [dataclasses.asdict(feature) for feature in explanation.features],
    }
