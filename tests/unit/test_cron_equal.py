import pytest

from agents.cron.expression import fire_times_equal
from training.metrics.cron_equal import score


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("30 9 * * 1-5", "30 9 * * 1,2,3,4,5"),
        ("0 0 * * 0-6", "0 0 * * *"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * 1-7", "0 0 * * *"),
        ("*/15 * * * *", "0,15,30,45 * * * *"),
        ("0-59/15 * * * *", "0/15 * * * *"),
        ("0 0 1 */3 *", "0 0 1 1,4,7,10 *"),
        ("0 0 1-31/2 * *", "0 0 */2 * *"),
        ("0 0 1-31 * *", "0 0 * * *"),
        ("0 0 30,31 4 *", "0 0 30 4 *"),
        ("0 0 1 * 0-6", "0 0 * * *"),
        ("05  07 * * *", "5 7 * * *"),
        ("0 0 * * */3", "0 0 * * 0,3,6"),
        ("0 0 15 * 5", "0 0 15 1-12 5"),
    ],
)
def test_same_fire_times(a: str, b: str) -> None:
    assert fire_times_equal(a, b)
    assert fire_times_equal(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("0 9 * * *", "0 21 * * *"),
        ("0 9 * * 1-5", "0 9 * * 1-6"),
        ("0 9 15 * 1", "0 9 * * 1"),
        ("0 9 15 * 1", "0 9 15 * *"),
        ("0 9 1 1 *", "0 9 1 * *"),
        ("* 9 * * *", "0 9 * * *"),
        ("0 0 */2 * *", "0 0 2-31/2 * *"),
    ],
)
def test_different_fire_times(a: str, b: str) -> None:
    assert not fire_times_equal(a, b)


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        "0 9 * *",
        "0 9 * * * *",
        "60 9 * * *",
        "0 24 * * *",
        "0 9 0 * *",
        "0 9 * 13 *",
        "0 9 * * 8",
        "0 9 * * MON",
        "0 22-2 * * *",
        "*/0 * * * *",
        "0 9 * * 1,",
        "0 9 L * *",
        "@daily",
        "0 \u0669 * * *",
        "-5 9 * * *",
    ],
)
def test_invalid_is_never_equal(invalid: str) -> None:
    assert not fire_times_equal(invalid, invalid)
    assert not fire_times_equal(invalid, "0 9 * * *")


def test_score_strips_but_takes_nothing_else() -> None:
    assert score(" 0 9 * * 1-5\n", "0 9 * * 1,2,3,4,5", {}) == {"score": 1.0}
    assert score("`0 9 * * 1-5`", "0 9 * * 1-5", {}) == {"score": 0.0}
    assert score("0 9 * * 1-5 runs at nine", "0 9 * * 1-5", {}) == {"score": 0.0}
    assert score("0 9 * * *\n0 9 * * *", "0 9 * * *", {}) == {"score": 0.0}
