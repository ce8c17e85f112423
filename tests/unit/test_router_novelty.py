from pathlib import Path

import numpy as np
import pytest

from agents.data import Message
from router.fast_path import FastPath, load_fast_path
from router.fit_linear import fit_fast_path
from router.novelty import Novelty, WordWeights, signals
from router.turns import OUT_OF_SCOPE, LabelledTurn, RoutingTurn

AGENTS = ("home", "sql", OUT_OF_SCOPE)
THINGS = ("lamp", "blind", "door", "oven", "garage", "heater", "fan", "gate")
TABLES = ("orders", "clients", "books", "sales", "months", "cities", "teams", "items")
STRANGE = (
    "who wrote Dracula",
    "why is the sky blue",
    "how tall is Everest",
    "explain photosynthesis",
    "when did Rome fall",
    "what do whales eat",
    "how do bees dance",
    "is Pluto a planet",
    "who painted Guernica",
    "why do cats purr",
    "how old is the moon",
    "where do penguins live",
)


def turn(text: str) -> RoutingTurn:
    return RoutingTurn((Message("user", text),))


def rows(please: str) -> list[LabelledTurn]:
    return [
        *(LabelledTurn(turn(f"{please} open the {thing}"), "home") for thing in THINGS),
        *(LabelledTurn(turn(f"{please} list all {table}"), "sql") for table in TABLES),
    ]


def strange() -> list[LabelledTurn]:
    return [LabelledTurn(turn(text), OUT_OF_SCOPE) for text in STRANGE]


@pytest.fixture(scope="module")
def fast_path() -> FastPath:
    return fit_fast_path([*rows("please"), *rows("now"), *strange()], AGENTS, rows("well"))


def probability_of_none(fast_path: FastPath, text: str) -> float:
    return float(np.exp(fast_path.log_probabilities(turn(text))[-1]))


def test_what_nobody_taught_stands_out(fast_path: FastPath) -> None:
    known = [probability_of_none(fast_path, row.turn.text) for row in rows("so")]
    foreign = ("how many moons has Saturn", "why do leaves fall", "who discovered radium")
    assert max(known) < min(probability_of_none(fast_path, text) for text in foreign)


def test_probabilities_add_up(fast_path: FastPath) -> None:
    for text in ("please open the lamp", "who composed Carmen", ""):
        assert np.exp(fast_path.log_probabilities(turn(text))).sum() == pytest.approx(1)


def test_round_trip_keeps_it(fast_path: FastPath, tmp_path: Path) -> None:
    fast_path.save(tmp_path / "fast_path.npz")
    loaded = load_fast_path(tmp_path / "fast_path.npz")
    assert loaded.novelty is not None
    for text in ("open the lamp", "why do cats purr"):
        expected = fast_path.log_probabilities(turn(text))
        np.testing.assert_array_equal(loaded.log_probabilities(turn(text)), expected)


def test_weights_that_were_found_before_are_kept(fast_path: FastPath) -> None:
    again = fit_fast_path([*rows("well"), *strange()], AGENTS, novelty=fast_path.novelty)
    assert again.novelty is fast_path.novelty


def test_a_handful_of_rows_is_a_class_like_any_other() -> None:
    fast_path = fit_fast_path([*rows("now"), *strange()[:5]], AGENTS, rows("well"))
    assert fast_path.novelty is None and fast_path.agents == AGENTS


def test_signals_count_new_words_and_weigh_them() -> None:
    words = WordWeights(np.array([1.0, 3.0, 4.0]), np.array([False, True, False]))
    alarm, best, second, concentration, new, share, mean, largest, length = signals(
        -2.0, np.array([0.0, 5.0, 3.0]), words
    )
    assert (alarm, best, second, new, length) == (-2.0, 5.0, 3.0, 1, 3)
    assert share == pytest.approx(3 / 8) and mean == pytest.approx(8 / 3) and largest == 4.0
    assert 1 / 3 < concentration < 1


def test_a_turn_without_words_has_signals() -> None:
    nothing = WordWeights(np.zeros(0), np.zeros(0, bool))
    assert np.isfinite(signals(0.0, np.array([0.3]), nothing)).all()


def test_odds_split_into_inside_and_outside() -> None:
    inside, outside = Novelty(np.array([0.5, 2.0])).split(np.array([-1.0]))
    assert np.exp(inside) + np.exp(outside) == pytest.approx(1)
    assert outside < inside
