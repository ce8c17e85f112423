"""Who gets a request: affinity, as long as it does not make one engine much busier."""

from collections import Counter
from dataclasses import dataclass

import pytest

from serving.engine.balance import BOUND, choose


@dataclass
class Engine:
    name: str
    load: int = 0


def some(count: int) -> list[Engine]:
    return [Engine(f"10.0.0.{number}:8000") for number in range(count)]


def test_the_same_beginning_goes_to_the_same_engine_while_nobody_is_busy() -> None:
    engines = some(4)
    for number in range(50):
        chosen = {choose(engines, f"conversation {number}").name for _ in range(3)}
        assert len(chosen) == 1


def test_beginnings_are_spread_evenly_while_nobody_is_busy() -> None:
    engines = some(4)
    counts = Counter(choose(engines, f"conversation {number}").name for number in range(4000))
    assert len(counts) == 4
    assert all(850 < count < 1150 for count in counts.values())  # five standard deviations


@pytest.mark.parametrize("count", [2, 3, 8])
def test_no_engine_is_much_busier_than_the_average(count: int) -> None:
    engines = some(count)
    for number in range(1, 400):
        choose(engines, "all say hello").load += 1
        assert max(engine.load for engine in engines) <= BOUND * number / count + 1


def test_affinity_gives_way_to_the_least_busy_one_that_has_room() -> None:
    engines = some(2)
    mine = choose(engines, "hello")
    (other,) = [engine for engine in engines if engine is not mine]
    mine.load = 1
    assert choose(engines, "hello") is mine
    mine.load = 9
    assert choose(engines, "hello") is other
    other.load = 9
    assert choose(engines, "hello") is mine


def test_who_goes_takes_only_its_own_conversations_along() -> None:
    engines = some(4)
    keys = [f"conversation {number}" for number in range(400)]
    before = {key: choose(engines, key).name for key in keys}
    after = {key: choose(engines[1:], key).name for key in keys}
    moved = {key for key in keys if before[key] != after[key]}
    assert moved == {key for key in keys if before[key] == engines[0].name}
    assert {after[key] for key in moved} == {engine.name for engine in engines[1:]}


def test_one_engine_gets_everything() -> None:
    (engine,) = some(1)
    engine.load = 1000
    assert choose([engine], "hello") is engine
