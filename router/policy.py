"""The policy: calibrated probabilities to a decision, and its thresholds from held-out turns."""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from router.combine import Array
from router.targets import Targets


class Policy(BaseModel):
    """Fitted thresholds.

    Attributes:
        fast_threshold: confidence from which the fast path decides alone; None: it never does.
        switch_margin: by how much in log-probability another agent must beat the current one.
        floor: below this probability of the best agent the fallback answers.
        refuses: whether the fallback is nobody. Then the floor alone decides what goes there;
            otherwise it is an agent that may also be the best one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fast_threshold: Annotated[float, Field(ge=0, le=1)] | None
    switch_margin: Annotated[float, Field(ge=0)]
    floor: Annotated[float, Field(ge=0, le=1)]
    refuses: bool = False

    def fast_is_sure(self, log_probabilities: Array) -> bool:
        """Whether the fast path's calibrated answer needs no second opinion."""
        threshold = self.fast_threshold
        return threshold is not None and bool(np.exp(log_probabilities.max()) >= threshold)

    def choose(self, log_probabilities: Array, current: int | None, fallback: int) -> int:
        """Index of the agent that answers.

        Args:
            log_probabilities: calibrated, ``[agents]``.
            current: index of the agent that answered last, if any.
        """
        if self.refuses:
            log_probabilities = log_probabilities.copy()
            log_probabilities[fallback] = -np.inf
        best = int(log_probabilities.argmax())
        lead = 0.0 if current is None else log_probabilities[best] - log_probabilities[current]
        if current is not None and lead < self.switch_margin:
            best = current
        return fallback if np.exp(log_probabilities.max()) < self.floor else best


def fit_fast_threshold(
    confidence: Array, correct: NDArray[np.bool_], hands_off: NDArray[np.bool_], targets: Targets
) -> float | None:
    """The lowest confidence from which the fast path is right often enough.

    Of what it decides alone, enough must be right; and of all turns that leave the current agent
    it may get wrong only so many: they are few, so the first target says little of them, and
    each one missed spoils the turns that follow. The bounds are those of conformal risk control
    (Angelopoulos et al. 2022): one more mistake than was seen must still be few enough. Where
    there are too few hand-offs to say so, none may be missed. None if no threshold does it.

    Args:
        hands_off: turns whose right agent is not the current one, if there is a current one.
    """
    order = np.argsort(-confidence, kind="stable")
    mistakes = np.cumsum(~correct[order])
    taken = np.arange(1, len(order) + 1)
    enough = (mistakes + 1) / (taken + 1) <= 1 - targets.fast_precision
    if hands_off.any():
        missed = np.cumsum((~correct & hands_off)[order])
        enough &= missed <= max(targets.missed_handoffs * (hands_off.sum() + 1) - 1, 0)
    found = np.flatnonzero(enough)
    return float(confidence[order[found[-1]]]) if len(found) else None


def fit_policy(
    pooled: Array,
    current: Sequence[int | None],
    right: NDArray[np.int_],
    fallback: int,
    fast_threshold: float | None,
    targets: Targets,
    refuses: bool = False,
) -> Policy:
    """Margin and floor for calibrated log-probabilities ``[turns, agents]``.

    The margin is the smallest that keeps false hand-offs within the target; the floor the highest
    that keeps false refusals within theirs.
    """
    policy = Policy(fast_threshold=fast_threshold, switch_margin=0.0, floor=0.0, refuses=refuses)
    stays = np.array([agent == answer for agent, answer in zip(current, right, strict=True)])
    if refuses:  # what is nobody's goes there by the floor alone, whatever the margin
        stays &= right != fallback
    for margin in np.arange(0.0, 5.0, 0.1):
        policy = policy.model_copy(update={"switch_margin": round(float(margin), 2)})
        false = (_choices(policy, pooled, current, fallback) != right) & stays
        if false.mean() * 100 <= targets.false_handoffs_per_100_turns:
            break
    return _with_floor(policy, pooled, current, right, fallback, targets)


def _with_floor(
    policy: Policy,
    pooled: Array,
    current: Sequence[int | None],
    right: NDArray[np.int_],
    fallback: int,
    targets: Targets,
) -> Policy:
    """The highest floor at which few enough in-scope turns go to the fallback.

    None where no turn is the fallback's: refusing would cost something and gain nothing.
    """
    inside = right != fallback
    if inside.all():
        return policy
    answered = inside & (_choices(policy, pooled, current, fallback) != fallback)
    agents = np.delete(pooled, fallback, axis=1) if policy.refuses else pooled
    confidence = np.sort(np.exp(agents.max(1))[answered])
    may_be_refused = int(targets.false_refusals * inside.sum()) - (inside & ~answered).sum()
    if not 0 <= may_be_refused < len(confidence):
        return policy
    # Rounded down, so that the turn at the edge is still answered.
    floor = math.floor(confidence[may_be_refused] * 1e6) / 1e6
    return policy.model_copy(update={"floor": floor})


def _choices(
    policy: Policy, pooled: Array, current: Sequence[int | None], fallback: int
) -> NDArray[np.int_]:
    rows = zip(pooled, current, strict=True)
    return np.array([policy.choose(row, agent, fallback) for row, agent in rows])
