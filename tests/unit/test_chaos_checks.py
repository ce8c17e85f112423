"""The chaos run's promises, each of them kept and broken by runs that are known."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.chaos import checks
from tests.chaos.client import Answer, Seen
from tests.chaos.faults import Fault, Happening, Scene, Skipped, fill_disk, happen
from tests.chaos.ledger import Attempt, Ledger, Stored
from tests.chaos.resources import Sample, newly_open, sample
from tests.chaos.soak import plot
from tests.chaos.stage import Swap
from tests.chaos.tables import check_table, fault_table
from tests.small_disk import small_disk


def answered(text: str, model: str, *named: str) -> Seen:
    agent = model.partition("@")[0]
    return Seen("answered", "", Answer(text, agent, model, frozenset(named or {model})), "conv_1")


def attempt(seen: Seen, text: str = "hello", model: str = "cron", at: float = 0.0) -> Attempt:
    return Attempt("c1", 0, text, model, "new", at, at + 1.0, seen)


def stored(*turns: tuple[str, str]) -> dict[str, list[Stored]]:
    return {"conv_1": [Stored(user, answer, "cron", "cron@1") for user, answer in turns]}


def ledger(*attempts: Attempt) -> Ledger:
    return Ledger(list(attempts))


TWICE = ledger(
    attempt(answered("one", "cron@1"), "a"),
    attempt(Seen("cut", "ReadError", None, "conv_1"), "b"),
    attempt(answered("two", "cron@1"), "b"),
)


@pytest.mark.parametrize(
    ("turns", "lost", "uncalled_for"),
    [
        ([("a", "one"), ("b", "two")], 0, 0),
        ([("a", "one"), ("b", "what was cut"), ("b", "two")], 0, 0),
        ([("a", "one")], 1, 0),
        ([("b", "two")], 1, 0),
        ([("a", "one"), ("b", "three")], 1, 0),
        ([("b", "two"), ("a", "one")], 1, 0),
        ([], 2, 0),
        ([("a", "one"), ("b", "x"), ("b", "two"), ("b", "two")], 0, 1),
        ([("a", "one"), ("b", "two"), ("c", "never asked")], 0, 1),
    ],
)
def test_what_is_stored_is_held_against_what_was_told(
    turns: list[tuple[str, str]], lost: int, uncalled_for: int
) -> None:
    found = checks.nothing_lost(TWICE, stored(*turns))
    assert (found.tried, len(found.broken)) == (2, lost)
    assert len(checks.nothing_uncalled_for(TWICE, stored(*turns)).broken) == uncalled_for


def test_a_refused_turn_must_not_be_stored() -> None:
    refused = ledger(attempt(Seen("refused", "storage_unavailable", None, "conv_1"), "a"))
    assert not checks.nothing_uncalled_for(refused, stored()).broken
    assert checks.nothing_uncalled_for(refused, stored(("a", "one"))).broken


def test_the_agent_that_was_asked_answers_under_one_name() -> None:
    right = (attempt(answered("x", "cron@1")), attempt(answered("x", "home@1"), model="auto"))
    assert checks.right_agent(ledger(*right)).holds
    for wrong in (
        attempt(answered("x", "home@1"), model="cron"),
        attempt(answered("x", "cron@1", "cron@1", "cron@2")),
    ):
        assert not checks.right_agent(ledger(*right, wrong)).holds


def test_another_adapters_answer_is_known_by_its_look() -> None:
    cron = [attempt(answered("30 9 * * 1-5", "cron@1"))] * 3
    home = [attempt(answered('{"action": "set"}', "home@1"), model="home")] * 3
    other = [attempt(answered("something else", "home@1"), model="home")]
    found = checks.right_adapter(ledger(*cron, *home, *other))
    assert (found.holds, found.tried) == (True, 7)
    foreign = attempt(answered('{"action": "off"}', "cron@1"))
    assert checks.right_adapter(ledger(*cron, *home, foreign)).broken == [
        'cron@1: \'{"action": "off"}\''
    ]


SWAPS = [Swap("cron@2", 10.0, 12.0), Swap("cron@1", 20.0, 22.0)]


@pytest.mark.parametrize(
    ("at", "model", "holds"),
    [
        (5.0, "cron@1", True),
        (5.0, "cron@2", False),
        (9.5, "cron@2", True),
        (11.0, "cron@1", True),
        (12.5, "cron@1", False),
        (15.0, "cron@2", True),
        (22.5, "cron@2", False),
        (23.0, "cron@1", True),
    ],
)
def test_a_version_answers_only_while_it_is_live(at: float, model: str, holds: bool) -> None:
    turns = ledger(attempt(answered("x", model), at=at))
    assert checks.right_version(turns, "cron@1", SWAPS).holds == holds


def test_mixing_is_only_ruled_out_if_both_versions_answered() -> None:
    one = [attempt(answered("30 9 * * 5", "cron@1"))] * 3
    two = [attempt(answered("{off}", "cron@2"))] * 3
    assert checks.unmixed(ledger(*one, *two)).holds
    assert not checks.unmixed(ledger(*one)).holds
    mixture = attempt(answered("30 9 off}", "cron@1"))
    assert not checks.unmixed(ledger(*one, *two, mixture)).holds


CUT = Fault("cut", 0.0, cast(Any, None), {"cut": 2.0})


@pytest.mark.parametrize(
    ("outcome", "why", "at", "excused"),
    [
        ("cut", "ReadError", 10.5, True),
        ("cut", "ReadError", 13.5, True),
        ("cut", "ReadError", 14.5, False),
        ("cut", "ReadError", 8.5, False),
        ("refused", "overloaded", 10.5, False),
    ],
)
def test_a_failure_needs_a_fault_that_excuses_it(
    outcome: Any, why: str, at: float, excused: bool
) -> None:
    failed = ledger(attempt(Seen(outcome, why), at=at))
    assert checks.explained(failed, [Happening(CUT, 10.0, 12.0)]).holds == excused


def test_nobody_is_left_in_the_dark() -> None:
    fine = attempt(answered("x", "cron@1"))
    assert checks.clear_to_clients(ledger(fine)).holds
    assert not checks.clear_to_clients(ledger(fine, attempt(Seen("unclear", "?")))).holds


def test_what_was_never_tried_does_not_hold() -> None:
    assert not checks.nothing_lost(ledger(), {}).holds
    assert not checks.all_finished(9, 10).holds
    assert checks.all_finished(10, 10).holds
    assert not checks.nothing_left_behind([4711], 2).holds


async def test_faults_happen_in_turn_until_one_is_not_recovered_from() -> None:
    done: list[str] = []

    async def works(_: Scene) -> str:
        done.append("works")
        return "as it should"

    async def cannot(_: Scene) -> str:
        raise Skipped("no right to")

    async def fails(_: Scene) -> str:
        raise TimeoutError("it did not come back")

    timetable = [
        Fault("first", 0.0, works),
        Fault("second", 0.1, cannot),
        Fault("third", 0.2, fails),
        Fault("fourth", 0.3, works),
    ]
    found = await happen(cast(Any, None), 0.5, timetable)
    assert done == ["works"]
    assert [each.skipped for each in found] == [False, True, False]
    assert checks.all_happened(found, timetable).broken == [
        "third: TimeoutError: it did not come back",
        "fourth: it did not come to it",
    ]
    table = fault_table(0.0, found, TWICE)
    assert "SKIPPED: no right to" in list(table.columns[-1].cells)
    assert check_table([checks.nothing_lost(TWICE, stored())]).row_count == 1


async def test_a_disk_is_full_until_that_is_felt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.chaos.faults._FULL_AT_LEAST_S", 0.1)
    monkeypatch.setattr("tests.chaos.faults._FULL_AT_MOST_S", 0.5)
    felt = ledger(attempt(Seen("refused", "storage_unavailable"), at=float("inf")))
    disk = tmp_path / "disk"
    try:
        with small_disk(disk, 1):
            stage = cast(Any, type("Stage", (), {"disk": disk, "no_disk": ""}))
            assert "full for" in await fill_disk(Scene(stage, cast(Any, None), felt))
            with pytest.raises(RuntimeError, match="nobody felt a full disk"):
                await fill_disk(Scene(stage, cast(Any, None), ledger()))
            assert list(disk.iterdir()) == []
    except PermissionError as error:
        pytest.skip(str(error))


def test_descriptors_and_memory_of_a_process(tmp_path: Path) -> None:
    before = sample(os.getpid())
    with (tmp_path / "kept.txt").open("w"), (tmp_path / "more.txt").open("w"):
        after = sample(os.getpid())
        assert newly_open(before, after) == {"kept.txt": 1, "more.txt": 1}
        assert checks.same_descriptors(before, after).holds
        leaked = replace(after, descriptors=before.descriptors + 3)
        assert not checks.same_descriptors(before, leaked).holds
    assert before.rss_mb > 10 and before.threads >= 1


def test_memory_that_grows_is_told_from_memory_that_does_not() -> None:
    def at(*megabytes: float) -> list[Sample]:
        return [Sample(float(n), mb, 20, 5, {}) for n, mb in enumerate(megabytes)]

    assert checks.little_growth(at(200, 201, 220), at(203, 203, 150), 0.02).holds
    assert not checks.little_growth(at(200, 201, 220), at(206, 206, 150), 0.02).holds
    assert checks.same_memory("engine", 200, 219).holds
    assert not checks.same_memory("engine", 200, 221).holds
    assert plot(at(200, 201, 202)).startswith(b"\x89PNG")
