"""What is said of versions that change under load, from runs that are known."""

from typing import Any, cast

import pytest

from router.loadtest.record import Record
from tests.integration.hot_swap import AGENT, Change, Load, Reader, outcome_of
from tests.unit.loadtest_runs import record, run_of
from tests.unit.toy_gateway import ToyGateway

BEGIN = 100.0


def turn(at: float, version: int, **changes: Any) -> Record:
    found = record(round(100 * at), at, **changes)
    found.model = f"cron@{version}"
    return found


def reader(*streams: tuple[set[str], str]) -> Reader:
    found = Reader(cast(Any, None))
    found.streams = [(frozenset(models), text) for models, text in streams]
    return found


def test_a_change_takes_effect_when_no_turn_that_begins_gets_the_old_version() -> None:
    turns = [turn(at, 1) for at in (0.2, 0.9, 1.1, 1.3)]
    turns += [turn(at, 2) for at in (1.2, 1.5, 2.9)] + [turn(at, 1) for at in (3.1, 3.5)]
    changes = [
        Change("publish", "cron@2", BEGIN + 1.0),
        Change("roll back", "cron@1", BEGIN + 3.0),
    ]
    outcome = outcome_of(run_of(turns), BEGIN, reader(), changes)
    publish, back = outcome.effects
    assert (publish.first_s, publish.last_old_s) == pytest.approx((0.2, 0.3))
    assert (back.first_s, back.last_old_s) == pytest.approx((0.1, 0.0))
    assert (outcome.turns, outcome.lost, outcome.mixed) == (9, [], [])
    assert outcome.answers == {"cron@1": {5}, "cron@2": {5}}


def test_lost_turns_and_mixed_streams_are_named() -> None:
    turns = [turn(0.0, 1), turn(0.5, 1, error="http_503")]
    seen = reader(
        ({"cron@1"}, "0 9 * * *"),
        ({"cron@1"}, "0 9 * * *"),
        ({"cron@1", "cron@2"}, "0 9 *off"),
        ({"cron@2"}, "off"),
        ({"cron@2"}, "of course off"),
        ({"cron@1"}, "0 9off"),
    )
    seen.lost.append("incomplete")
    outcome = outcome_of(run_of(turns), BEGIN, seen, [Change("publish", "cron@2", BEGIN)])
    assert outcome.lost == ["http_503", "incomplete"]
    assert outcome.mixed == ["cron@1, cron@2: 0 9 *off", "cron@1: 0 9off"]
    assert outcome.streams == 6


def test_the_load_comes_at_its_rate() -> None:
    with ToyGateway().serving() as toy, Load(toy.url, rate=20, seconds=1.0) as load:
        assert load.begin > 0
    assert load.run is not None
    assert [record.error for record in load.run.records] == [None] * 20
    assert {record.model for record in load.run.records} == {f"{AGENT}@1"}
