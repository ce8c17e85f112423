import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import DataError, RouterError
from agents.settings import ROOT
from router.artifact import read_spec
from router.combine import Array
from router.data.doubles import FITTED_ON, JUDGED_BY, load_rows
from router.split import (
    _SEPARATORS,
    _TRAILING,
    FEATURES,
    SPLIT_FILE,
    SplitSpec,
    Splitter,
    cuts,
    read_splitter,
)

FITTED = ROOT / "router" / "fitted"
HOME, CRON, NEITHER = (
    np.log([0.98, 0.01, 0.01]),
    np.log([0.01, 0.98, 0.01]),
    np.log([0.4, 0.4, 0.2]),
)


def halves(text: str) -> list[tuple[str, str]]:
    return [(cut.left, cut.right) for cut in cuts(text)]


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("lock the door, and run it at 3", "lock the door", "run it at 3"),
        ("Lock the door. Also, run it at 3.", "Lock the door.", "run it at 3."),
        ("lock the door and then also run it at 3", "lock the door", "run it at 3"),
        ("lock the door; run it at 3", "lock the door", "run it at 3"),
        ("lock the door\nrun it at 3", "lock the door", "run it at 3"),
        ("is it locked? oh and by the way, run it at 3", "is it locked?", "run it at 3"),
        ("lock the door & run it at 3", "lock the door", "run it at 3"),
        ("lock the door, run it at 3", "lock the door", "run it at 3"),
    ],
)
def test_what_joins_two_requests_belongs_to_neither(text: str, left: str, right: str) -> None:
    assert (left, right) in halves(text)


@pytest.mark.parametrize(
    "text", ["lock the door", "", "and", "t (a INTEGER, b INTEGER)", "t (a INTEGER); sum of a"]
)
def test_some_messages_cannot_be_cut(text: str) -> None:
    assert halves(text) == []


def test_a_document_is_one_request() -> None:
    assert cuts("lock the door, and run it at 3. " * 50) == []


@settings(deadline=None)
@given(st.text(max_size=300))
def test_halves_are_of_the_message_in_its_order(text: str) -> None:
    for cut in cuts(text):
        assert cut.left and cut.right
        assert text.index(cut.left) + len(cut.left) <= text.rindex(cut.right)


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 1190 + "b",
        "a" + "\t" * 1190 + "b",
        "a" + "\n" * 1190 + "b",
        "a" + " \n" * 595 + "b",
        "a" + " , ; :\t\n" * 148 + "b",
        "a" + ",;:\t\n" * 238 + "b",
        "(" + ", , " * 297 + "b",
        "a" + " and" * 297 + "b",
        "a" + " - " * 396 + "b",
        "." + "\"'" * 595,
        "(" + ") " * 595 + "b",
    ],
)
def test_no_message_takes_long(text: str) -> None:
    assert len(text) <= 1200
    began = time.process_time()
    cuts(text)
    assert time.process_time() - began < 1.0


#: What the patterns mean, said plainly, where time does not matter.
PLAIN = {
    "sentence": re.compile(r"(?<=[.!?;])[\"”')]*\s+|\s*\n\s*"),
    "conjunction": re.compile(
        r"\s*[,;:–-]?\s+(?:and|then|plus|also|but|while|as well as|oh|next)\b[,:]?\s+|\s+[&+–-]\s+",
        re.IGNORECASE,
    ),
    "comma": re.compile(r"\s*,\s+"),
}
PLAIN_TRAILING = re.compile(r"[\s,;:]+(?:and|then|plus|also|but)?[\s,;:]*$", re.IGNORECASE)
PIECES = [*' \t\n\u00a0,;:-–&+.?()"x', "and", "AND", "then", "also", "but", "as well as", "oh"]


@settings(deadline=None, max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_the_patterns_find_what_the_plain_ones_find(text: str) -> None:
    for name, plain in PLAIN.items():
        spans = [
            [found.span() for found in each.finditer(text)] for each in (_SEPARATORS[name], plain)
        ]
        assert spans[0] == spans[1], name
    assert _TRAILING.sub("", text) == PLAIN_TRAILING.sub("", text)


def splitter(threshold: float = 0.5) -> Splitter:
    """Wants halves that are surer of their agents than the whole."""
    weights = dict.fromkeys(FEATURES, 0.0) | {"left_in_left": 1, "right_in_right": 1}
    weights |= {"best_in_whole": -1}
    return Splitter(SplitSpec(weights=weights, bias=0, threshold=threshold, confidence=0.8), 2)


def glance(text: str) -> Array:
    door, job = "door" in text, "run" in text
    return NEITHER if door == job else HOME if door else CRON


def test_a_cut_between_two_agents_is_proposed() -> None:
    cut = splitter().propose("lock the door, and run it at 3", glance)
    assert cut is not None and (cut.left, cut.right) == ("lock the door", "run it at 3")
    assert splitter(0.99).propose("lock the door, and run it at 3", glance) is None
    assert splitter().propose("lock the door, and the garage door", glance) is None


def test_the_fast_path_is_not_asked_where_nothing_can_be_cut() -> None:
    def never(text: str) -> Array:
        raise AssertionError(text)

    assert splitter().propose("lock the door", never) is None


def test_the_shipped_one_was_fitted_for_these_rows() -> None:
    shipped = read_splitter(FITTED, read_spec(FITTED).agents.index("general"))
    assert shipped is not None
    scores = shipped.spec.scores
    assert scores["false_on_held_out_turns"] <= 0.0025
    assert scores["found_judged_by"] >= 0.6
    assert scores["false_judged_by"] <= 0.06


def test_a_router_without_one_never_splits(tmp_path: Path) -> None:
    assert read_splitter(tmp_path, 0) is None


def test_a_damaged_one_is_named(tmp_path: Path) -> None:
    shutil.copyfile(FITTED / SPLIT_FILE, tmp_path / SPLIT_FILE)
    text = (tmp_path / SPLIT_FILE).read_text()
    for damaged in (text[:-20], text.replace("left_in_left", "left_in_lift")):
        (tmp_path / SPLIT_FILE).write_text(damaged)
        with pytest.raises(RouterError, match=r"split\.json: damaged"):
            read_splitter(tmp_path, 0)


def test_the_rows_for_fitting_and_for_judging_are_apart() -> None:
    fitted_on, judged_by = load_rows(FITTED_ON), load_rows(JUDGED_BY)
    texts = [{part for row in rows for part in row.parts} for rows in (fitted_on, judged_by)]
    assert not texts[0] & texts[1]
    for rows in (fitted_on, judged_by):
        assert sum(len(row.parts) == 2 for row in rows) >= 60
        assert sum(len(row.parts) == 1 for row in rows) >= 50


@pytest.mark.parametrize(
    ("line", "fault"),
    [("home: a // b", "1 agents for 2 requests"), ("[home | a] home: b", "user | assistant")],
)
def test_a_broken_row_is_named(tmp_path: Path, line: str, fault: str) -> None:
    (tmp_path / "rows.txt").write_text(f"# said\n{line}\n")
    with pytest.raises(DataError, match=rf"rows\.txt:2: .*{fault}".replace("|", r"\|")):
        load_rows(tmp_path / "rows.txt")
