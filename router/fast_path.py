"""The fast path: a linear model over n-grams, about a millisecond a turn.

TF-IDF features and multinomial logistic regression. scikit-learn fits it (`router.fit_linear`);
scoring needs NumPy alone and the file holds plain arrays, no pickle.
"""

import math
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.errors import RouterError
from router.text_features import BLOCKS
from router.turns import RoutingTurn

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """One block of features.

    Attributes:
        vocabulary: every n-gram's row in the arrays.
        idf: inverse document frequency, ``[n]``.
        coefficients: ``[n, agents]``.
    """

    vocabulary: dict[str, int]
    idf: Floats
    coefficients: Floats

    def scores(self, ngrams: Iterable[str]) -> Floats:
        """This block's share of the agents' scores, ``[agents]``."""
        counts = Counter(ngrams)
        found = [
            (row, 1 + math.log(count))
            for ngram, count in counts.items()
            if (row := self.vocabulary.get(ngram)) is not None
        ]
        if not found:
            return np.zeros(self.coefficients.shape[1], np.float32)
        rows = [row for row, _ in found]
        weights = np.array([weight for _, weight in found], np.float32) * self.idf[rows]
        scores: Floats = (weights / np.linalg.norm(weights)) @ self.coefficients[rows]
        return scores


@dataclass(frozen=True)
class FastPath:
    """A fitted fast path over ``agents``, in the order of its outputs."""

    agents: tuple[str, ...]
    blocks: dict[str, Block]
    intercept: Floats

    def log_probabilities(self, turn: RoutingTurn) -> NDArray[np.float64]:
        """Uncalibrated log-probabilities, ``[agents]``."""
        scores = self.intercept.astype(np.float64)
        for name, block in self.blocks.items():
            scores += block.scores(BLOCKS[name](turn))
        shifted = scores - scores.max()
        log_probabilities: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
        return log_probabilities

    def save(self, path: Path) -> None:
        """Write a compressed ``.npz`` of plain arrays."""
        arrays: dict[str, NDArray[np.generic]] = {
            "agents": _pack(self.agents),
            "intercept": self.intercept,
        }
        for name, block in self.blocks.items():
            arrays[f"{name}.vocabulary"] = _pack(block.vocabulary)
            arrays[f"{name}.idf"] = block.idf
            arrays[f"{name}.coefficients"] = block.coefficients.astype(np.float16)
        np.savez_compressed(path, allow_pickle=False, **arrays)


def load_fast_path(path: Path) -> FastPath:
    """Read what `FastPath.save` wrote; `RouterError` if it is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            blocks = {
                name: Block(
                    {ngram: row for row, ngram in enumerate(_unpack(arrays[f"{name}.vocabulary"]))},
                    arrays[f"{name}.idf"],
                    arrays[f"{name}.coefficients"].astype(np.float32),
                )
                for name in BLOCKS
                if f"{name}.idf" in arrays
            }
            agents = tuple(_unpack(arrays["agents"]))
            return FastPath(agents, blocks, arrays["intercept"])
    except FileNotFoundError:
        raise RouterError(f"{path}: no such file; fit the router first") from None
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise RouterError(f"{path}: damaged ({error}); fit the router again") from None


def _pack(texts: Iterable[str]) -> NDArray[np.uint8]:
    # An array of strings pads each to the longest; n-grams hold no line break.
    return np.frombuffer("\n".join(texts).encode("utf-8"), np.uint8)


def _unpack(packed: NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode("utf-8").split("\n")
