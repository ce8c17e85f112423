"""The fast path: a linear model over n-grams, about a millisecond a turn.

TF-IDF features and one linear model. scikit-learn fits it (`router.fit_linear`);
scoring needs NumPy alone and the file holds plain arrays, no pickle.
"""

import math
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.errors import RouterError
from router.novelty import Novelty, WordWeights, signals
from router.text_features import BLOCKS, words
from router.turns import RoutingTurn

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """One block of features.

    Attributes:
        vocabulary: every n-gram's row in the arrays.
        idf: inverse document frequency, ``[n]``.
        coefficients: ``[n, classes]``.
    """

    vocabulary: dict[str, int]
    idf: Floats
    coefficients: Floats

    def scores(self, ngrams: Iterable[str]) -> Floats:
        """This block's share of the classes' scores, ``[classes]``."""
        rows, weights = self._weighed(ngrams)
        scores: Floats = weights @ self.coefficients[list(rows.values())]
        return scores

    def contributions(self, ngrams: Iterable[str]) -> Iterator[tuple[str, Floats]]:
        """Every known n-gram with what it adds to the scores, ``[classes]``."""
        rows, weights = self._weighed(ngrams)
        for (ngram, row), weight in zip(rows.items(), weights, strict=True):
            yield ngram, weight * self.coefficients[row]

    def _weighed(self, ngrams: Iterable[str]) -> tuple[dict[str, int], Floats]:
        """The known n-grams' rows, and their weights of norm 1."""
        counts = Counter(ngrams)
        rows = {n: row for n in counts if (row := self.vocabulary.get(n)) is not None}
        tf = np.array([1 + math.log(counts[ngram]) for ngram in rows], np.float32)
        weights = tf * self.idf[list(rows.values())]
        norm = np.linalg.norm(weights)
        return rows, weights / norm if norm else weights


@dataclass(frozen=True)
class FastPath:
    """A fitted fast path over ``agents``, in the order of its outputs.

    It tells classes apart: an agent's intents where the rows name them, else the agents; an
    agent is as likely as its classes together.

    Attributes:
        owners: index of each class's agent, ``[classes]``.
        intercept: ``[classes]``.
        novelty: says how likely a turn fits none of them. The last class's score is then its
            alarm, and `OUT_OF_SCOPE` the last agent. None: that is a class like any other.
    """

    agents: tuple[str, ...]
    owners: NDArray[np.int_]
    blocks: dict[str, Block]
    intercept: Floats
    novelty: Novelty | None = None

    def log_probabilities(self, turn: RoutingTurn) -> NDArray[np.float64]:
        """Uncalibrated log-probabilities, ``[agents]``."""
        scores = self.class_scores(turn)
        if self.novelty is None:
            return _by_owner(scores, self.owners, len(self.agents))
        alarm, known = float(scores[-1]), scores[:-1]
        found = signals(alarm, known, self.word_weights(turn))
        inside, outside = self.novelty.split(found)
        agents = _by_owner(known, self.owners[:-1], len(self.agents) - 1)
        return np.append(inside + agents, outside)

    def word_weights(self, turn: RoutingTurn) -> WordWeights:
        """The words of the turn, and which of them are new."""
        block = self.blocks.get("word")
        if block is None:
            return WordWeights(np.zeros(0), np.zeros(0, bool))
        rows = [block.vocabulary.get(word) for word in words(turn.text)]
        new = np.array([row is None for row in rows], bool)
        heaviest = float(block.idf.max())
        weights = [heaviest if row is None else float(block.idf[row]) for row in rows]
        return WordWeights(np.array(weights), new)

    def class_scores(self, turn: RoutingTurn) -> NDArray[np.float64]:
        """Unnormalised log-probabilities, ``[classes]``."""
        scores = self.intercept.astype(np.float64)
        for name, block in self.blocks.items():
            scores += block.scores(BLOCKS[name](turn))
        return scores

    def contributions(self, turn: RoutingTurn) -> Iterator[tuple[str, str, Floats]]:
        """Block and n-gram of each known feature, with what it adds to the class scores."""
        for name, block in self.blocks.items():
            for ngram, share in block.contributions(BLOCKS[name](turn)):
                yield name, ngram, share

    def save(self, path: Path) -> None:
        """Write a compressed ``.npz`` of plain arrays."""
        arrays: dict[str, NDArray[np.generic]] = {
            "agents": _pack(self.agents),
            "owners": self.owners,
            "intercept": self.intercept,
        }
        for name, block in self.blocks.items():
            arrays[f"{name}.vocabulary"] = _pack(block.vocabulary)
            arrays[f"{name}.idf"] = block.idf
            arrays[f"{name}.coefficients"] = block.coefficients.astype(np.float16)
        if self.novelty is not None:
            arrays["novelty"] = self.novelty.weights
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
            novelty = Novelty(arrays["novelty"]) if "novelty" in arrays else None
            return FastPath(agents, arrays["owners"], blocks, arrays["intercept"], novelty)
    except FileNotFoundError:
        raise RouterError(f"{path}: no such file; fit the router first") from None
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise RouterError(f"{path}: damaged ({error}); fit the router again") from None


def _by_owner(
    scores: NDArray[np.float64], owners: NDArray[np.int_], agents: int
) -> NDArray[np.float64]:
    """Log-probabilities of the agents from the scores of their classes, ``[agents]``."""
    likelihoods = np.bincount(owners, np.exp(scores - scores.max()), agents)
    log_probabilities: NDArray[np.float64] = np.log(likelihoods / likelihoods.sum())
    return log_probabilities


def _pack(texts: Iterable[str]) -> NDArray[np.uint8]:
    # An array of strings pads each to the longest; n-grams hold no line break.
    return np.frombuffer("\n".join(texts).encode("utf-8"), np.uint8)


def _unpack(packed: NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode("utf-8").split("\n")
