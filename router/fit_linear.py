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
from router.turns import OUT_OF_SCOPE, LabelledTurn, RoutingTurn

#: The most frequent n-grams kept of each block; they decide the size of the file.
_MOST_FEATURES = {"word": 8000, "char": 20000, "previous": 2000, "context": 500}
_FEWEST_TURNS = 2
_INVERSE_REGULARISATION = 10.0
#: Score of a class without a row; those of the others are within a few units of zero.
_NEVER = -20.0


def fit_fast_path(rows: Sequence[LabelledTurn], agents: Sequence[str]) -> FastPath:
    """Fit on labelled turns; `RouterError` if an agent has none.

    Only for `OUT_OF_SCOPE` there need be none: then it is never the answer, and what fits no
    agent shows by being unlike each of them.

    Rows that name their intent teach it: an agent whose intents are told apart is more easily
    told from the others.
    """
    missing = sorted(set(agents) - {row.agent for row in rows} - {OUT_OF_SCOPE})
    if missing:
        raise RouterError(f"no training turn is labelled {', '.join(missing)}")
    vectorizers, model, classes = fit_sklearn(rows, agents)
    coefficients = _per_class(model.coef_)
    blocks, start = {}, 0
    for name, vectorizer in vectorizers.items():
        ngrams = vectorizer.get_feature_names_out().tolist()
        stop = start + len(ngrams)
        # Half precision is what the file keeps; rounding here makes both score the same.
        rounded = coefficients[:, start:stop].T.astype(np.float16).astype(np.float32)
        vocabulary = {ngram: row for row, ngram in enumerate(ngrams)}
        blocks[name] = Block(vocabulary, vectorizer.idf_.astype(np.float32), rounded)
        start = stop
    owners = np.array([agents.index(agent) for agent, _ in classes])
    intercept = _per_class(model.intercept_).astype(np.float32)
    if OUT_OF_SCOPE in agents and agents.index(OUT_OF_SCOPE) not in owners:
        owners = np.append(owners, agents.index(OUT_OF_SCOPE))
        intercept = np.append(intercept, np.float32(_NEVER))
        blocks = {name: block.with_silent_class() for name, block in blocks.items()}
    return FastPath(tuple(agents), owners, blocks, intercept)


def fit_sklearn(
    rows: Sequence[LabelledTurn], agents: Sequence[str]
) -> tuple[dict[str, TfidfVectorizer], LogisticRegression, list[tuple[str, str]]]:
    """The fitted scikit-learn objects: a vectorizer for each block, and the regression.

    Its classes, pairs of agent and intent, come with it, the agents' order kept.
    """
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
    wanted = [(row.agent, row.intent or "") for row in rows]
    classes = sorted(set(wanted), key=lambda pair: (agents.index(pair[0]), pair[1]))
    number = {pair: at for at, pair in enumerate(classes)}
    model.fit(features, [number[pair] for pair in wanted])
    return vectorizers, model, classes


def _says_something(
    analyse: Callable[[RoutingTurn], Iterator[str]], turns: Sequence[RoutingTurn]
) -> bool:
    """Whether a block has features at all: single requests, say, have no previous text."""
    turns_with = Counter(ngram for turn in turns for ngram in set(analyse(turn)))
    return max(turns_with.values(), default=0) >= _FEWEST_TURNS


def _per_class(parameters: np.ndarray) -> np.ndarray:
    """One row a class; for two classes scikit-learn keeps only the second one's."""
    return np.concatenate([-parameters / 2, parameters / 2]) if len(parameters) == 1 else parameters
