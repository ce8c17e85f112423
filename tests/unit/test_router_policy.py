import numpy as np
import pytest

from router.combine import fit_pool, pool
from router.policy import Policy, fit_fast_threshold, fit_policy
from router.scores import expected_calibration_error
from router.targets import Targets

FALLBACK = 2
PRECISE = Targets(fast_precision=0.995)
NO_HAND_OFFS = np.zeros(1000, bool)
POLICY = Policy(fast_threshold=0.9, switch_margin=1.0, floor=0.4)


def log(*probabilities: float) -> np.ndarray:
    return np.log(np.array(probabilities))


@pytest.mark.parametrize(
    ("probabilities", "current", "chosen"),
    [
        pytest.param((0.5, 0.4, 0.1), None, 0, id="first turn: the best"),
        pytest.param((0.5, 0.4, 0.1), 1, 1, id="stay: the lead is within the margin"),
        pytest.param((0.7, 0.2, 0.1), 1, 0, id="switch: the lead is beyond it"),
        pytest.param((0.39, 0.36, 0.25), 1, FALLBACK, id="nobody reaches the floor"),
    ],
)
def test_choices(probabilities: tuple[float, ...], current: int | None, chosen: int) -> None:
    assert POLICY.choose(log(*probabilities), current, FALLBACK) == chosen


def test_the_fast_path_decides_alone_only_above_its_threshold() -> None:
    assert POLICY.fast_is_sure(log(0.95, 0.03, 0.02))
    assert not POLICY.fast_is_sure(log(0.85, 0.1, 0.05))
    never = POLICY.model_copy(update={"fast_threshold": None})
    assert not never.fast_is_sure(log(0.999, 0.0005, 0.0005))


def test_fast_threshold_keeps_the_precision_it_was_asked_for() -> None:
    confidence = np.linspace(0.3, 1.0, 1000)
    correct = confidence > 0.6
    threshold = fit_fast_threshold(confidence, correct, NO_HAND_OFFS, PRECISE)
    assert threshold is not None and 0.59 < threshold < 0.61
    assert correct[confidence >= threshold].mean() >= 0.995


def test_the_fast_path_overlooks_few_hand_offs_however_rare_they_are() -> None:
    confidence = np.linspace(0.3, 1.0, 1000)
    hands_off = np.arange(1000) % 100 == 0
    # Nearly always right, but of the ten turns that leave the current agent only six.
    correct = ~hands_off | (confidence > 0.55)
    careless = Targets(fast_precision=0.99, missed_handoffs=1.0)
    assert fit_fast_threshold(confidence, correct, hands_off, careless) == pytest.approx(0.3)
    careful = Targets(fast_precision=0.99, missed_handoffs=0.1)
    threshold = fit_fast_threshold(confidence, correct, hands_off, careful)
    assert threshold is not None and 0.5 < threshold < 0.6


def test_of_a_few_hand_offs_none_may_be_overlooked() -> None:
    confidence = np.linspace(0.3, 1.0, 1000)
    hands_off = np.arange(1000) % 200 == 0
    correct = ~hands_off | (confidence > 0.5)
    threshold = fit_fast_threshold(confidence, correct, hands_off, Targets())
    assert threshold is not None and 0.4 < threshold < 0.5


def test_fast_threshold_is_none_where_no_evidence_suffices() -> None:
    few = np.linspace(0.5, 1.0, 50)
    assert fit_fast_threshold(few, np.ones(50, bool), np.zeros(50, bool), PRECISE) is None


def test_margin_is_the_smallest_that_stops_false_hand_offs() -> None:
    pooled = np.log([[0.5, 0.4, 0.1]] * 10 + [[0.05, 0.9, 0.05]] * 10)
    current: list[int | None] = [1] * 10 + [0] * 10
    right = np.array([1] * 20)
    policy = fit_policy(pooled, current, right, FALLBACK, None, Targets())
    assert policy.switch_margin == pytest.approx(0.3)
    assert policy.choose(pooled[0], 1, FALLBACK) == 1
    assert policy.choose(pooled[-1], 0, FALLBACK) == 1


def test_turns_that_are_nobodys_do_not_raise_the_margin() -> None:
    pooled = np.log([[0.5, 0.4, 0.1]] * 50)
    right = np.array([FALLBACK] * 50)
    current = [FALLBACK] * 50
    policy = fit_policy(pooled, current, right, FALLBACK, None, Targets(), refuses=True)
    assert policy.switch_margin == 0


def test_floor_sends_what_fits_none_to_the_fallback() -> None:
    pooled = np.log([[0.9, 0.05, 0.05]] * 20 + [[0.42, 0.38, 0.2]] * 5)
    right = np.array([0] * 20 + [FALLBACK] * 5)
    policy = fit_policy(pooled, [None] * 25, right, FALLBACK, None, Targets())
    choices = [policy.choose(row, None, FALLBACK) for row in pooled]
    assert choices == right.tolist()


def unsure(turns: int) -> np.ndarray:
    """Log-probabilities of turns of the first agent, from hardly to quite sure."""
    confidence = np.linspace(0.5, 0.999, turns)
    rest = 1 - confidence
    return np.log(np.array([confidence, rest * 0.6, rest * 0.4]).T)


@pytest.mark.parametrize("target", [0.0, 0.005, 0.02, 0.1])
def test_floor_refuses_as_many_as_it_may(target: float) -> None:
    pooled = np.vstack([unsure(1000), log(0.2, 0.2, 0.6)])
    right = np.array([0] * 1000 + [FALLBACK])
    targets = Targets(false_refusals=target)
    policy = fit_policy(pooled, [None] * 1001, right, FALLBACK, None, targets)
    refused = [policy.choose(row, None, FALLBACK) == FALLBACK for row in pooled[:1000]]
    assert sum(refused) == int(target * 1000)


def test_where_nobody_is_the_fallback_the_floor_alone_refuses() -> None:
    """However likely it is that nobody fits: only so many in-scope turns may be refused."""
    pooled = np.log([[0.3, 0.1, 0.6]] * 50 + [[0.1, 0.05, 0.85]] * 50)
    right = np.array([0] * 50 + [FALLBACK] * 50)
    fit = fit_policy(pooled, [None] * 100, right, FALLBACK, None, Targets(), refuses=True)
    assert [fit.choose(row, None, FALLBACK) for row in pooled] == right.tolist()
    assert fit.choose(pooled[0], FALLBACK, FALLBACK) == 0


def test_nothing_is_refused_where_nothing_is_out_of_scope() -> None:
    targets = Targets(false_refusals=0.1)
    right = np.zeros(100, int)
    assert fit_policy(unsure(100), [None] * 100, right, FALLBACK, None, targets).floor == 0.0


def overconfident(turns: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities sharpened threefold, and answers drawn from the true ones."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(turns, 4)) * 2
    true = pool([scores], [1.0])
    right = np.array([random.choice(4, p=row) for row in np.exp(true)])
    return pool([scores], [3.0]), right


def test_calibration_makes_confidence_honest() -> None:
    sharpened, right = overconfident()
    (weight,) = fit_pool([sharpened], right)
    assert weight == pytest.approx(1 / 3, abs=0.05)
    calibrated = pool([sharpened], [weight])
    errors = [
        expected_calibration_error(np.exp(p.max(1)), p.argmax(1) == right)
        for p in (sharpened, calibrated)
    ]
    assert errors[0] > 0.1 and errors[1] < 0.03


def test_pool_trusts_the_stage_that_knows() -> None:
    informed, right = overconfident()
    noise = pool([np.random.default_rng(1).normal(size=informed.shape)], [1.0])
    weights = fit_pool([informed, noise], right)
    assert weights[0] > 5 * weights[1]
