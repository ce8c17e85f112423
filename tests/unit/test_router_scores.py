import numpy as np
import pytest

from router.scores import auroc, recall_at, reliability, wilson_interval
from router.typos import mistyped


def test_wilson_interval_is_the_textbooks() -> None:
    low, high = wilson_interval(95, 100)
    assert (round(low, 3), round(high, 3)) == (0.888, 0.978)


def test_recall_is_taken_where_few_enough_are_refused() -> None:
    in_scope = np.arange(100) / 100
    out_of_scope = np.array([0.5, 0.97, 0.975, 2.0])
    # Two of a hundred may be refused: what is above the third strangest, 0.97, is.
    assert recall_at(in_scope, out_of_scope, 0.02) == 0.5
    assert recall_at(in_scope, out_of_scope, 0.0) == 0.25


def test_ties_are_never_refused() -> None:
    assert recall_at(np.ones(50), np.ones(50), 0.02) == 0.0


def test_auroc_counts_pairs_and_halves_ties() -> None:
    assert auroc(np.array([0.1, 0.2]), np.array([0.3, 0.4])) == 1.0
    assert auroc(np.array([0.3, 0.4]), np.array([0.1, 0.2])) == 0.0
    assert auroc(np.array([0.1, 0.3]), np.array([0.3])) == pytest.approx(0.75)


def test_reliability_fills_its_bins_equally_from_the_least_sure() -> None:
    confidence = np.linspace(0.4, 1.0, 150)
    bins = reliability(confidence, confidence > 0.7)
    assert [each["turns"] for each in bins] == [10] * 15
    assert bins[0]["accuracy"] == 0.0 and bins[-1]["accuracy"] == 1.0
    assert bins[0]["confidence"] < bins[-1]["confidence"]


@pytest.mark.parametrize("text", ["turn on the lamp in the hall please", "ok", "X"])
def test_typos_change_a_text_a_little_and_always_alike(text: str) -> None:
    assert mistyped(text) == mistyped(text)
    assert abs(len(mistyped(text)) - len(text)) <= 1 + len(text) // 25


def test_what_has_no_letters_is_left_alone() -> None:
    assert mistyped("42 !?") == "42 !?"


def test_most_texts_are_mistyped() -> None:
    texts = [f"please switch on lamp number {n}" for n in range(100)]
    assert sum(mistyped(text) != text for text in texts) > 90
