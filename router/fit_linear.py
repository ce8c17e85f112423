"""Fit the fast path with scikit-learn; seconds for some thousand turns."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from agents.errors import RouterError
from router.fast_path import Block, FastPath, Floats
from router.fit_novelty import Alarm, fit_novelty
from router.novelty import Novelty
from router.text_features import BLOCKS
from router.turns import OUT_OF_SCOPE, LabelledTurn, RoutingTurn

#: The most frequent n-grams kept of each block; they decide the size of the file.
_MOST_FEATURES = {"word": 8000, "char": 20000, "previous": 2000, "context": 500}
_FEWEST_TURNS = 2
_INVERSE_REGULARISATION = 10.0
#: With more classes than this, multinomial regression takes minutes and one support vector
#: machine for each takes seconds. Its margins are no log-odds: they are scaled to be like them,
#: and calibration does the rest.
_MANY_CLASSES = 40
_SVM_INVERSE_REGULARISATION = 0.5
_SHARPNESS = 4.0
#: With fewer out-of-scope rows than this there is no teaching an alarm.
_FEWEST_OUTSIDE = 10
#: Score of a class without a row; those of the others are within a few units of zero.
_NEVER = -20.0


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What scikit-learn fitted.

    Attributes:
        vectorizers: one for each block, in the order of the features.
        features: of the rows, ``[rows, features]``.
        model: the linear model.
        classes: pairs of agent and intent, in the agents' order.
    """

    vectorizers: dict[str, TfidfVectorizer]
    features: csr_matrix
    model: LogisticRegression | LinearSVC
    classes: list[tuple[str, str]]


def fit_fast_path(
    rows: Sequence[LabelledTurn],
    agents: Sequence[str],
    held_out: Sequence[LabelledTurn] = (),
    novelty: Novelty | None = None,
) -> FastPath:
    """Fit on labelled turns; `RouterError` if an agent has none, or if there is but one.

    Rows that name their intent teach it: an agent whose intents are told apart is more easily
    told from the others. Rows of `OUT_OF_SCOPE`, the last agent, there need not be: then it is
    never the answer. Where there are some, they teach the alarm.

    Args:
        held_out: turns to weigh alarm and other signs of novelty with.
        novelty: weights that were found earlier; without them and without ``held_out``,
            or with a handful of rows, `OUT_OF_SCOPE` is an agent like any other.
    """
    missing = sorted(set(agents) - {row.agent for row in rows} - {OUT_OF_SCOPE})
    if missing:
        raise RouterError(f"no training turn is labelled {', '.join(missing)}")
    if len({row.agent for row in rows}) == 1:
        raise RouterError(f"every training turn is labelled {rows[0].agent}: nothing to tell apart")
    inside = [row for row in rows if row.agent != OUT_OF_SCOPE]
    outside = [row for row in rows if row.agent == OUT_OF_SCOPE]
    teachable = len(outside) >= _FEWEST_OUTSIDE and (held_out or novelty is not None)
    alone = len(agents) == 2
    if OUT_OF_SCOPE not in agents or (outside and (alone or not teachable)):
        return _classes(rows, agents)[0]
    classes, fitted = _classes(inside, agents[:-1])
    if not outside:
        silent = np.zeros(sum(len(block.idf) for block in classes.blocks.values()))
        return _with_class(classes, OUT_OF_SCOPE, silent, _NEVER)
    taught = Alarm(fitted.vectorizers, fitted.features)
    fast_path = _with_class(classes, OUT_OF_SCOPE, *taught.fit(outside))
    novelty = novelty or fit_novelty(classes, taught, outside, held_out)
    return dataclasses.replace(fast_path, novelty=novelty)


def _classes(rows: Sequence[LabelledTurn], agents: Sequence[str]) -> tuple[FastPath, Fitted]:
    fitted = fit_sklearn(rows, agents)
    coefficients = _per_class(fitted.model.coef_)
    blocks, start = {}, 0
    for name, vectorizer in fitted.vectorizers.items():
        ngrams = vectorizer.get_feature_names_out().tolist()
        stop = start + len(ngrams)
        vocabulary = {ngram: row for row, ngram in enumerate(ngrams)}
        idf = vectorizer.idf_.astype(np.float32)
        blocks[name] = Block(vocabulary, idf, _rounded(coefficients[:, start:stop].T))
        start = stop
    owners = np.array([agents.index(agent) for agent, _ in fitted.classes])
    intercept = _per_class(fitted.model.intercept_).astype(np.float32)
    return FastPath(tuple(agents), owners, blocks, intercept), fitted


def _with_class(
    fast_path: FastPath, agent: str, coefficients: NDArray[np.float64], intercept: float
) -> FastPath:
    """One class more, of an agent more; coefficients as the blocks follow each other."""
    blocks, start = {}, 0
    for name, block in fast_path.blocks.items():
        stop = start + len(block.idf)
        column = _rounded(coefficients[start:stop, np.newaxis])
        both = np.hstack([block.coefficients, column])
        blocks[name] = dataclasses.replace(block, coefficients=both)
        start = stop
    return FastPath(
        (*fast_path.agents, agent),
        np.append(fast_path.owners, len(fast_path.agents)),
        blocks,
        np.append(fast_path.intercept, np.float32(intercept)),
    )


def _rounded(coefficients: NDArray[np.float64]) -> Floats:
    """Half precision is what the file keeps; rounding here makes both score the same."""
    return coefficients.astype(np.float16).astype(np.float32)


def fit_sklearn(rows: Sequence[LabelledTurn], agents: Sequence[str]) -> Fitted:
    """The scikit-learn objects behind a fast path whose agents are the rows' own."""
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
    wanted = [(row.agent, row.intent or "") for row in rows]
    classes = sorted(set(wanted), key=lambda pair: (agents.index(pair[0]), pair[1]))
    number = {pair: at for at, pair in enumerate(classes)}
    model: LogisticRegression | LinearSVC
    if len(classes) <= _MANY_CLASSES:
        model = LogisticRegression(C=_INVERSE_REGULARISATION, max_iter=500)
    else:
        model = LinearSVC(C=_SVM_INVERSE_REGULARISATION, tol=1e-2, max_iter=100, random_state=0)
    model.fit(features, [number[pair] for pair in wanted])
    if isinstance(model, LinearSVC):
        model.coef_ *= _SHARPNESS
        model.intercept_ *= _SHARPNESS
    return Fitted(vectorizers, features, model, classes)


def _says_something(
    analyse: Callable[[RoutingTurn], Iterator[str]], turns: Sequence[RoutingTurn]
) -> bool:
    """Whether a block has features at all: single requests, say, have no previous text."""
    turns_with: Counter[str] = Counter()
    for turn in turns:
        turns_with.update(found := set(analyse(turn)))
        if any(turns_with[ngram] >= _FEWEST_TURNS for ngram in found):
            return True
    return False


def _per_class(parameters: np.ndarray) -> np.ndarray:
    """One row a class; for two classes scikit-learn keeps only the second one's."""
    return np.concatenate([-parameters / 2, parameters / 2]) if len(parameters) == 1 else parameters
