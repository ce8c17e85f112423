import pytest

from agents.errors import ConfigError
from training.metrics import METRICS, metric_named
from training.metrics.exact_match import score

RIGHT = {
    "exact_match": ("yes", "yes"),
    "json_equal": ('{"a": 1}', '{"a":1.0}'),
    "cron_equal": ("0 9 * * 1-5", "0 9 * * 1,2,3,4,5"),
    "sql_execution": ("SELECT a FROM t WHERE a > 1", "SELECT a FROM t WHERE a = 2"),
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
