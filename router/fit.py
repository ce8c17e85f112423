"""Fit a router: fast path on training turns, calibration and thresholds on held-out ones."""

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from agents.artifacts import sha256_of
from agents.errors import DataError
from router.artifact import FAST_PATH_FILE, PoolWeights, RouterSpec, write_spec
from router.combine import Array, combine, expected_calibration_error, fit_pool, pool
from router.fast_path import FastPath
from router.fit_linear import fit_fast_path
from router.label_read import LabelReadEngine, read_labels
from router.policy import Targets, fit_fast_threshold, fit_policy
from router.prompt import labels_for
from router.turns import OUT_OF_SCOPE, LabelledTurn, all_turns, load_labelled

#: Label reads in flight at once while calibrating; an engine batches them.
_IN_FLIGHT = 16


async def fit_router(
    train: Path,
    calibration: Path,
    out: Path,
    *,
    agents: Sequence[str],
    fallback: str,
    engine: LabelReadEngine,
    model: str,
    targets: Targets,
) -> RouterSpec:
    """Write ``router.json`` and ``fast_path.npz`` under ``out``; the adapter is there already.

    Args:
        train: labelled JSONL that the fast path is fitted on.
        calibration: labelled JSONL that weights and thresholds are fitted on.
        engine: serves the router LLM as ``model``.

    Raises:
        DataError: a file is broken, or labels a turn with an unknown agent.
        EngineError: the router LLM does not answer.
    """
    fast_path = fit_fast_path(read_turns(train, agents, fallback), agents)
    rows = read_turns(calibration, agents, fallback)
    reads = await label_reads(engine, model, rows, agents)
    out.mkdir(parents=True, exist_ok=True)
    fast_path.save(out / FAST_PATH_FILE)
    files = {"train": train, "calibration": calibration, "fast_path": out / FAST_PATH_FILE}
    spec = calibrate(fast_path, reads, rows, fallback, targets)
    spec = spec.model_copy(update={"data": {name: sha256_of(file) for name, file in files.items()}})
    write_spec(spec, out)
    return spec


def calibrate(
    fast_path: FastPath,
    reads: Array,
    rows: Sequence[LabelledTurn],
    fallback: str,
    targets: Targets,
    labelled: Sequence[str] | None = None,
) -> RouterSpec:
    """Weights and thresholds from held-out turns.

    Args:
        reads: the label reads' log-probabilities of ``rows``, ``[turns, labelled agents]``.
        labelled: the agents the router LLM has a label for, the first of the fast path's;
            None: all of them.
    """
    agents = fast_path.agents
    known = len(agents if labelled is None else labelled)
    index = {agent: number for number, agent in enumerate(agents)}
    right = np.array([index[row.agent] for row in rows])
    fast = np.array([fast_path.log_probabilities(row.turn) for row in rows])
    (fast_alone,) = fit_pool([fast], right)
    of_known = right < known
    weights = fit_pool(
        [reads[of_known], log_softmax(fast[of_known, :known], axis=-1)], right[of_known]
    )
    pool_weights = PoolWeights(label_read=weights[0], fast=weights[1])
    alone = pool([fast], [fast_alone])
    pooled = combine(reads, fast, range(known), pool_weights.weights, fast_alone)
    policy = fit_policy(
        pooled,
        [None if row.turn.current is None else index[row.turn.current] for row in rows],
        right,
        index[fallback],
        fit_fast_threshold(np.exp(alone.max(1)), alone.argmax(1) == right, targets.fast_precision),
        targets,
    )
    stages = {"fast": fast, "fast_calibrated": alone, "pooled": pooled}
    if known == len(agents):
        stages["label_read"] = reads
    return RouterSpec(
        agents=agents,
        labels=dict(labels_for(agents[:known])),
        fallback=fallback,
        pool=pool_weights,
        fast_alone=fast_alone,
        policy=policy,
        targets=targets,
        data={},
        scores={name: _scores(stage, right) for name, stage in stages.items()},
    )


def read_turns(path: Path, agents: Sequence[str], fallback: str) -> list[LabelledTurn]:
    """The turns of a labelled file; what fits no agent is the fallback's."""
    rows = [_in_scope(row, fallback) for row in all_turns(load_labelled(path))]
    unknown = sorted({row.agent for row in rows} - set(agents))
    if unknown:
        raise DataError(f"{path}: no such agent: {', '.join(unknown)}; known: {', '.join(agents)}")
    return rows


def _scores(stage: Array, right: NDArray[np.int_]) -> dict[str, float]:
    correct = stage.argmax(1) == right
    confidence = np.exp(stage.max(1))
    return {
        "accuracy": float(correct.mean()),
        "ece": expected_calibration_error(confidence, correct),
    }


def _in_scope(row: LabelledTurn, fallback: str) -> LabelledTurn:
    """What fits no agent is the fallback's, now and as the agent that answered before."""
    current = fallback if row.turn.current == OUT_OF_SCOPE else row.turn.current
    agent = fallback if row.agent == OUT_OF_SCOPE else row.agent
    return LabelledTurn(dataclasses.replace(row.turn, current=current), agent)


async def label_reads(
    engine: LabelReadEngine, model: str, rows: Sequence[LabelledTurn], agents: Sequence[str]
) -> Array:
    """Log-probabilities over ``agents`` of every row, ``[rows, agents]``."""
    slots = asyncio.Semaphore(_IN_FLIGHT)

    async def read(row: LabelledTurn) -> Array:
        async with slots:
            return await read_labels(engine, model, row.turn, agents)

    return np.array(await asyncio.gather(*map(read, rows)))
