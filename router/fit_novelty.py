"""Fit what tells turns that fit no agent: the alarm, and the weights of all signs of novelty."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from router.fast_path import FastPath
from router.novelty import Novelty, signals
from router.turns import OUT_OF_SCOPE, LabelledTurn

_FOLDS = 5
_INVERSE_REGULARISATION = 10.0
#: How much more an out-of-scope row weighs than one in scope: they are few.
_WEIGHT = 5.0
#: Share of turns in service that are taken to fit none; rows to learn from are no sample of it.
OUT_OF_SCOPE_SHARE = 0.03


class Alarm:
    """A linear score for being out of scope, taught on one set of in-scope turns.

    Args:
        vectorizers: those of the fast path's blocks.
        inside: features of turns that fit an agent, ``[turns, features]``.
    """

    def __init__(self, vectorizers: Mapping[str, TfidfVectorizer], inside: csr_matrix) -> None:
        self._vectorizers = vectorizers
        self._inside = inside

    def features(self, rows: Sequence[LabelledTurn]) -> csr_matrix:
        """As the fast path sees them, ``[rows, features]``."""
        turns = [row.turn for row in rows]
        return hstack([v.transform(turns) for v in self._vectorizers.values()]).tocsr()

    def fit(self, outside: Sequence[LabelledTurn]) -> tuple[NDArray[np.float64], float]:
        """Coefficients ``[features]`` and intercept that tell these rows from the inside."""
        model = self._model(self.features(outside))
        return model.coef_[0], float(model.intercept_[0])

    def crossed(
        self, strangers: Sequence[LabelledTurn], held_out: Sequence[LabelledTurn]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores of both, each by an alarm that saw neither the row itself nor its fold."""
        features, others = self.features(strangers), self.features(held_out)
        scores, at = np.zeros(len(strangers)), np.arange(len(strangers)) % _FOLDS
        other_scores, other_at = np.zeros(len(held_out)), np.arange(len(held_out)) % _FOLDS
        for fold in range(_FOLDS):
            model = self._model(features[at != fold])
            scores[at == fold] = model.decision_function(features[at == fold])
            other_scores[other_at == fold] = model.decision_function(others[other_at == fold])
        return scores, other_scores

    def _model(self, outside: csr_matrix) -> LogisticRegression:
        strange = np.repeat([0, 1], [self._inside.shape[0], outside.shape[0]])
        model = LogisticRegression(
            C=_INVERSE_REGULARISATION, class_weight={0: 1.0, 1: _WEIGHT}, solver="liblinear"
        )
        return model.fit(vstack([self._inside, outside]), strange)


def fit_novelty(
    classes: FastPath,
    alarm: Alarm,
    outside: Sequence[LabelledTurn],
    held_out: Sequence[LabelledTurn],
) -> Novelty:
    """Weigh the signals by turns that the classes have not seen.

    Those are the held-out turns, and every out-of-scope one: classes learn from none of these.

    Args:
        classes: a fast path of the in-scope agents alone.
        outside: out-of-scope rows to learn from, besides those held out.
    """
    inside = [row for row in held_out if row.agent != OUT_OF_SCOPE]
    strangers = [*outside, *(row for row in held_out if row.agent == OUT_OF_SCOPE)]
    alarms = alarm.crossed(strangers, inside)
    found = np.array(
        [
            signals(score, classes.class_scores(row.turn), classes.word_weights(row.turn))
            for rows, scores in zip((strangers, inside), alarms, strict=True)
            for row, score in zip(rows, scores, strict=True)
        ]
    )
    strange = np.repeat([1, 0], [len(strangers), len(inside)])
    share = np.where(strange, OUT_OF_SCOPE_SHARE, 1 - OUT_OF_SCOPE_SHARE)
    importance = share / np.where(strange, len(strangers), len(inside)) * len(strange)
    centre, spread = found.mean(0), found.std(0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=500)
    model.fit((found - centre) / spread, strange, sample_weight=importance)
    weights = model.coef_[0] / spread
    return Novelty(np.append(model.intercept_[0] - centre @ weights, weights))
