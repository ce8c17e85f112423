from pathlib import Path

import pytest

from agents.errors import ConfigError
from training.metrics import METRICS, metric_named
from training.metrics.exact_match import score

RIGHT = {
    "exact_match": ("yes", "yes"),
    "json_equal": ('{"a": 1}', '{"a":1.0}'),
    "cron_equal": ("0 9 * * 1-5", "0 9 * * 1,2,3,4,5"),
    "sql_execution": ("SELECT a FROM t WHERE a > 1", "SELECT a FROM t WHERE a = 2"),
    "label": (" Card_Arrival.", "card arrival"),
    "numeric": ("It is 1,200.50.", "#### 1200.5"),
    "rouge_l": ("the cat sat", "The cat sat."),
}


def test_the_names_agents_may_use() -> None:
    assert list(METRICS) == list(RIGHT)


@pytest.mark.parametrize("name", RIGHT)
def test_every_metric_scores_by_name(name: str) -> None:
    prediction, reference = RIGHT[name]
    extra = {
        "messages": [{"role": "user", "content": "CREATE TABLE t (a INTEGER); which?"}],
        "rows": ["INSERT INTO t VALUES (1), (2)"],
    }
    assert metric_named(name)(prediction, reference, extra)["score"] == 1.0
    assert metric_named(name)("nonsense", reference, extra)["score"] == 0.0


def test_an_unknown_metric_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown 'bleu'; known: exact_match, json_equal"):
        metric_named("bleu")


def test_exact_match_forgives_only_outer_white_space() -> None:
    assert score(" yes\n", "yes", {}) == {"score": 1.0}
    assert score("Yes", "yes", {}) == {"score": 0.0}
    assert score("y es", "yes", {}) == {"score": 0.0}


@pytest.mark.parametrize(
    ("prediction", "reference", "right"),
    [
        ("3 + 4 = 7", "7", 1.0),
        ("-0.5", "the answer is -.5", 1.0),
        ("7 apples and 8 pears", "7", 0.0),
        ("none", "7", 0.0),
        ("1e3", "1000", 1.0),
    ],
)
def test_numeric_compares_the_last_numbers(prediction: str, reference: str, right: float) -> None:
    assert metric_named("numeric")(prediction, reference, {}) == {"score": right}


def test_numeric_needs_a_number_to_compare_with() -> None:
    with pytest.raises(ValueError, match="no number in 'seven'"):
        metric_named("numeric")("7", "seven", {})


def test_label_forgives_case_quotes_and_separators_only() -> None:
    label = metric_named("label")
    assert label('"Lost-Card"', "lost_card", {}) == {"score": 1.0}
    assert label("lost cards", "lost_card", {}) == {"score": 0.0}
    assert label("I think it is lost_card", "lost_card", {}) == {"score": 0.0}


def test_rouge_l_is_the_f1_of_the_longest_common_subsequence() -> None:
    rouge = metric_named("rouge_l")
    assert rouge("a b c d", "a x b d", {})["score"] == pytest.approx(0.75)
    assert rouge("", "a", {}) == {"score": 0.0}


def test_a_metric_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "def longer(prediction, reference, extra):\n    return {'score': 1.0}\nvalue = 3\n"
    (tmp_path / "my_own_metric.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    assert metric_named("my_own_metric:longer")("", "", {}) == {"score": 1.0}
    for name, fault in [
        ("my_own_metric:shorter", "cannot be imported"),
        ("no_such_module:score", "cannot be imported .*PYTHONPATH"),
        ("my_own_metric:value", "is not a function"),
    ]:
        with pytest.raises(ConfigError, match=fault):
            metric_named(name)
