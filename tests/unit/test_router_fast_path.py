import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import hstack

from agents.data import Message
from agents.errors import RouterError
from router.fast_path import FastPath, load_fast_path
from router.fit_linear import fit_fast_path, fit_sklearn
from router.text_features import BLOCKS, char_ngrams
from router.turns import OUT_OF_SCOPE, LabelledTurn, RoutingTurn

AGENTS = ("general", "home", "sql")
TEXTS = {
    "home": ["turn on the lamp", "close the blinds", "lamp off please", "set the lamp to 40%"],
    "sql": ["list all customers", "count the orders", "total of all orders", "only the customers"],
    "general": ["thanks a lot", "tell me a joke", "who was Napoleon", "thanks, another joke"],
}


def labelled() -> list[LabelledTurn]:
    return [
        LabelledTurn(RoutingTurn((Message("user", text),), current), agent)
        for agent, texts in TEXTS.items()
        for text in texts
        for current in (None, agent)
    ]


@pytest.fixture(scope="module")
def fast_path() -> FastPath:
    return fit_fast_path(labelled(), AGENTS)


@pytest.fixture
def turns() -> list[RoutingTurn]:
    history = (Message("user", "turn on the lamp"), Message("assistant", "{}"))
    return [
        RoutingTurn((Message("user", "Turn on the LAMP, the lamp!"),)),
        RoutingTurn((*history, Message("user", "a joke")), "home"),
        RoutingTurn((*history, Message("user", "zzz")), "gone"),
    ]


def test_scores_equal_scikit_learns(fast_path: FastPath, turns: list[RoutingTurn]) -> None:
    fitted = fit_sklearn(labelled(), AGENTS)
    features = hstack([v.transform(turns) for v in fitted.vectorizers.values()])
    ours = np.exp([fast_path.log_probabilities(turn) for turn in turns])
    # Half-precision coefficients cost the fourth digit.
    np.testing.assert_allclose(ours, fitted.model.predict_proba(features), atol=2e-3)


def test_two_agents_are_scored_like_scikit_learn_does(turns: list[RoutingTurn]) -> None:
    rows = [row for row in labelled() if row.agent != "sql"]
    fitted = fit_sklearn(rows, AGENTS[:2])
    features = hstack([v.transform(turns) for v in fitted.vectorizers.values()])
    fast_path = fit_fast_path(rows, AGENTS[:2])
    ours = np.exp([fast_path.log_probabilities(turn) for turn in turns])
    np.testing.assert_allclose(ours, fitted.model.predict_proba(features), atol=2e-3)


def test_round_trip_changes_nothing(
    fast_path: FastPath, turns: list[RoutingTurn], tmp_path: Path
) -> None:
    fast_path.save(tmp_path / "fast_path.npz")
    loaded = load_fast_path(tmp_path / "fast_path.npz")
    assert loaded.agents == fast_path.agents
    for turn in turns:
        np.testing.assert_array_equal(
            loaded.log_probabilities(turn), fast_path.log_probabilities(turn)
        )


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut short"])
def test_damaged_files_are_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fast_path.npz"
    with pytest.raises(RouterError, match="no such file"):
        load_fast_path(path)
    path.write_bytes(content)
    with pytest.raises(RouterError, match="damaged"):
        load_fast_path(path)


def test_an_agent_without_turns_is_named() -> None:
    with pytest.raises(RouterError, match="cron"):
        fit_fast_path(labelled(), (*AGENTS, "cron"))


def test_one_agent_is_nothing_to_tell_apart() -> None:
    rows = [row for row in labelled() if row.agent == "sql"]
    with pytest.raises(RouterError, match="nothing to tell apart"):
        fit_fast_path(rows, ("sql", OUT_OF_SCOPE))


def test_n_grams_hold_no_line_break_and_stay_within_words() -> None:
    ngrams = list(char_ngrams("ab\nc"))
    assert " ab " in ngrams and " c " in ngrams
    assert not any("\n" in ngram or "b c" in ngram for ngram in ngrams)


def test_a_pasted_document_costs_no_more_than_a_page(fast_path: FastPath) -> None:
    turn = RoutingTurn((Message("user", "lamp " * 200_000),))
    started = time.perf_counter()
    for analyse in BLOCKS.values():
        list(analyse(turn))
    assert time.perf_counter() - started < 0.5


def test_intents_are_told_apart_and_counted_as_their_agents() -> None:
    rows = [
        dataclasses.replace(row, intent=row.turn.text.split()[0]) if row.agent == "home" else row
        for row in labelled()
    ]
    fast_path = fit_fast_path(rows, AGENTS)
    intents = len({row.intent for row in rows if row.agent == "home"})
    assert [int((fast_path.owners == agent).sum()) for agent in range(3)] == [1, intents, 1]
    probabilities = np.exp(fast_path.log_probabilities(rows[0].turn))
    assert probabilities.shape == (3,) and probabilities.sum() == pytest.approx(1)
    turn = RoutingTurn((Message("user", "close the blinds"),))
    assert AGENTS[fast_path.log_probabilities(turn).argmax()] == "home"


def test_nobody_has_to_be_shown_what_is_out_of_scope() -> None:
    fast_path = fit_fast_path(labelled(), (*AGENTS, OUT_OF_SCOPE))
    for row in labelled():
        assert np.exp(fast_path.log_probabilities(row.turn)[-1]) < 0.01
