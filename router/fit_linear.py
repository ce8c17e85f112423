"""Fit the fast path with scikit-learn; seconds for some thousand turns."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from agents.errors import RouterError
from router.fast_path import Block, FastPath
from router.text_features import BLOCKS
from router.turns import LabelledTurn, RoutingTurn

#: The most frequent n-grams kept of each block; they decide the size of the file.
_MOST_FEATURES = {"word": 8000, "char": 20000, "previous": 2000, "context": 500}
_FEWEST_TURNS = 2
_INVERSE_REGULARISATION = 10.0


def fit_fast_path(rows: Sequence[LabelledTurn], agents: Sequence[str]) -> FastPath:
    """Fit on labelled turns; `RouterError` if an agent has none."""
    missing = sorted(set(agents) - {row.agent for row in rows})
    if missing:
        raise RouterError(f"no training turn is labelled {', '.join(missing)}")
    vectorizers, model = fit_sklearn(rows, agents)
    coefficients = _per_agent(model.coef_)
    blocks, start = {}, 0
    for name, vectorizer in vectorizers.items():
        ngrams = vectorizer.get_feature_names_out().tolist()
        stop = start + len(ngrams)
        # Half precision is what the file keeps; rounding here makes both score the same.
        rounded = coefficients[:, start:stop].T.astype(np.float16).astype(np.float32)
        vocabulary = {ngram: row for row, ngram in enumerate(ngrams)}
        blocks[name] = Block(vocabulary, vectorizer.idf_.astype(np.float32), rounded)
        start = stop
    return FastPath(tuple(agents), blocks, _per_agent(model.intercept_).astype(np.float32))


def fit_sklearn(
    rows: Sequence[LabelledTurn], agents: Sequence[str]
) -> tuple[dict[str, TfidfVectorizer], LogisticRegression]:
    """The fitted scikit-learn objects: a vectorizer for each block, and the regression."""
    turns = [row.turn for row in rows]
    vectorizers = {
        name: TfidfVectorizer(
            analyzer=analyse,
            sublinear_tf=True,
            min_df=_FEWEST_TURNS,
            max_features=_MOST_FEATURES[name],
        )
        for name, analyse in BLOCKS.items()
        if _says_something(analyse, turns)
    }
    features = hstack([v.fit_transform(turns) for v in vectorizers.values()]).tocsr()
    model = LogisticRegression(C=_INVERSE_REGULARISATION, max_iter=500)
    model.fit(features, [agents.index(row.agent) for row in rows])
    return vectorizers, model


def _says_something(
    analyse: Callable[[RoutingTurn], Iterator[str]], turns: Sequence[RoutingTurn]
) -> bool:
    """Whether a block has features at all: single requests, say, have no previous text."""
    turns_with = Counter(ngram for turn in turns for ngram in set(analyse(turn)))
    return max(turns_with.values(), default=0) >= _FEWEST_TURNS


def _per_agent(parameters: np.ndarray) -> np.ndarray:
    """One row an agent; for two agents scikit-learn keeps only the second one's."""
    return np.concatenate([-parameters / 2, parameters / 2]) if len(parameters) == 1 else parameters
