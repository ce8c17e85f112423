import random

import pytest

from training.batches import LengthGroups, Padding, like_lengths, padding_share
from training.render import IGNORED, Pair, RenderedExample


def lengths_of_chats(count: int) -> list[int]:
    """Log-normal, as lengths of conversations are."""
    rng = random.Random(0)
    return [min(2048, round(rng.lognormvariate(4.5, 0.7))) for _ in range(count)]


@pytest.mark.parametrize(
    ("rows", "batch"), [(3, 16), (20, 4), (40, 16), (300, 16), (500, 8), (1000, 16), (5000, 32)]
)
def test_padding_stays_under_five_percent(rows: int, batch: int) -> None:
    assert padding_share(lengths_of_chats(rows), batch, seed=0) < 0.05


def test_sorting_saves_most_of_the_padding() -> None:
    shuffled = lengths_of_chats(1000)
    plain = sum(max(shuffled[at : at + 16]) * 16 for at in range(0, 992, 16))
    assert 1 - sum(shuffled[:992]) / plain > 0.4


def test_only_a_batch_of_unlike_lengths_is_read_in_parts() -> None:
    assert like_lengths([50, 51, 50, 49]) == [[1, 0, 2, 3]]
    assert like_lengths([20, 300, 21, 120]) == [[1], [3], [2, 0]]


def test_an_epoch_is_every_row_once_and_the_same_whenever_it_is_asked_for() -> None:
    lengths = lengths_of_chats(101)
    order = LengthGroups(lengths, 8, seed=3)
    first = list(order)
    assert sorted(first) == list(range(101)) and first == list(order)
    order.set_epoch(1)
    assert list(order) != first
    again = LengthGroups(lengths, 8, seed=3)
    again.set_epoch(1)
    assert list(again) == list(order)
    assert list(LengthGroups(lengths, 8, seed=4)) != first


def test_rows_are_padded_on_the_right_and_pairs_stacked() -> None:
    short, long = RenderedExample([1, 2], [IGNORED, 2]), RenderedExample([3, 4, 5], [IGNORED] * 3)
    batch = Padding(9)([{"row": short}, {"row": long}])
    assert batch["input_ids"].tolist() == [[1, 2, 9], [3, 4, 5]]
    assert batch["labels"].tolist() == [[IGNORED, 2, IGNORED], [IGNORED] * 3]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    pairs = Padding(9)([{"row": Pair(short, long), "reference": 0.5}])
    assert pairs["input_ids"].tolist() == [[1, 2, 9], [3, 4, 5]]
    assert pairs["reference"].tolist() == [0.5]
