"""Batches: rows of like length together, in an order that seed and epoch alone decide.

A small data set has rows that nothing else is as long as; their batches are read in parts
(`like_lengths`), so that less than 5 % of what a model reads is padding, however few rows there
are.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Sampler

from training.render import IGNORED, Pair, RenderedExample

#: Rows are sorted by length within as many batches; all of a small data set.
_SORTED_BATCHES = 200

#: A batch with more padding is read in parts.
_MOST_PADDING = 0.04


class LengthGroups(Sampler[int]):
    """The order of rows in an epoch; one that was broken off can be gone on with exactly.

    Sorting whole neighbourhoods leaves next to no padding; shuffling rows before and batches
    after it leaves chance enough.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) that the next iteration is of."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rng = random.Random(f"{self._seed} {self._epoch}")
        order = list(range(len(self._lengths)))
        rng.shuffle(order)
        size, batches = self._batch_size, []
        for start in range(0, len(order), size * _SORTED_BATCHES):
            part = order[start : start + size * _SORTED_BATCHES]
            part.sort(key=self._lengths.__getitem__, reverse=True)
            batches += [part[at : at + size] for at in range(0, len(part), size)]
        # The sampler behind us cuts every `size` rows: a short batch must stay the last.
        short = [batch for batch in batches if len(batch) < size]
        full = [batch for batch in batches if len(batch) == size]
        rng.shuffle(full)
        for batch in full + short:
            yield from batch


def like_lengths(lengths: Sequence[int]) -> list[list[int]]:
    """The rows of one batch in as few parts as leave each little padding; all of most batches.

    Args:
        lengths: of the batch's rows; rows are named by their place in it.
    """
    parts: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if parts and _padding([lengths[other] for other in (*parts[-1], row)]) <= _MOST_PADDING:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def padding_share(lengths: Sequence[int], batch_size: int, seed: int) -> float:
    """Share of the tokens read in the first epoch that are padding."""
    order = list(LengthGroups(lengths, batch_size, seed))
    batches = [
        [lengths[row] for row in order[at : at + batch_size]]
        for at in range(0, len(order), batch_size)
    ]
    parts = [[batch[row] for row in part] for batch in batches for part in like_lengths(batch)]
    return 1 - sum(lengths) / sum(max(part) * len(part) for part in parts)


def _padding(lengths: Sequence[int]) -> float:
    return 1 - sum(lengths) / (max(lengths) * len(lengths))


@dataclass(frozen=True)
class Padding:
    """Pads a batch on the right to its longest row; of pairs, all chosen rows come first."""

    pad_token_id: int

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """``input_ids``, ``labels`` and ``attention_mask``, each ``[rows, longest]``.

        Of pairs ``[2 · pairs, longest]``, and ``reference`` ``[pairs]`` (see `training.losses`).
        """
        if isinstance(rows[0]["row"], RenderedExample):
            return self._pad([row["row"] for row in rows])
        pairs: list[Pair] = [row["row"] for row in rows]
        batch = self._pad([pair.chosen for pair in pairs] + [pair.rejected for pair in pairs])
        if "reference" in rows[0]:
            batch["reference"] = torch.tensor([row["reference"] for row in rows])
        return batch

    def _pad(self, rows: Sequence[RenderedExample]) -> dict[str, torch.Tensor]:
        longest = max(len(row.input_ids) for row in rows)
        fills = {"input_ids": self.pad_token_id, "labels": IGNORED}
        batch = {
            key: torch.tensor(
                [getattr(row, key) + [fill] * (longest - len(row.input_ids)) for row in rows]
            )
            for key, fill in fills.items()
        }
        lengths = torch.tensor([len(row.input_ids) for row in rows])
        batch["attention_mask"] = (torch.arange(longest) < lengths[:, None]).long()
        return batch
