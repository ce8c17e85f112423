"""Fit a router: fast path on training turns, calibration and thresholds on held-out ones."""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from agents.artifacts import sha256_of
from agents.errors import DataError
from router.artifact import FAST_PATH_FILE, PoolWeights, RouterSpec, write_spec
from router.combine import Array, combine, fit_pool, pool
from router.fast_path import FastPath
from router.fit_linear import fit_fast_path
from router.label_read import LabelReadEngine, read_labels
from router.policy import fit_fast_threshold, fit_policy
from router.prompt import labels_for
from router.scores import expected_calibration_error
from router.targets import Targets
from router.turns import OUT_OF_SCOPE, LabelledConversation, LabelledTurn, all_turns, as_served

#: Label reads in flight at once while calibrating; an engine batches them.
_IN_FLIGHT = 16


async def fit_router(
    train: Sequence[LabelledConversation],
    calibration: Sequence[LabelledConversation],
    out: Path,
    *,
    agents: Sequence[str],
    fallback: str,
    labelled: Sequence[str],
    engine: LabelReadEngine | None,
    model: str,
    base: str,
    targets: Targets,
    data: Mapping[str, str],
) -> RouterSpec:
    """Write ``router.json`` and ``fast_path.npz`` under ``out``; the adapter is there already.

    Args:
        train: conversations that the fast path is fitted on.
        calibration: held-out ones that weights and thresholds are fitted on. The fast path that
            is written learns from them, too; the one they judge does not.
        labelled: the agents the router LLM has a label for, the first of ``agents``.
        engine: serves the router LLM as ``model``; None: the fast path decides alone.
        base: name of the base model the adapter is for.
        data: digests of the files the turns come from.

    Raises:
        EngineError: the router LLM does not answer.
    """
    rows = all_turns(as_served(train, agents))
    held_out = all_turns(as_served(calibration, agents))
    judged = fit_fast_path(rows, agents, held_out=held_out)
    reads = None if engine is None else await label_reads(engine, model, held_out, labelled)
    spec = calibrate(judged, reads, held_out, fallback, targets, labelled)
    fast_path = fit_fast_path([*rows, *held_out], agents, novelty=judged.novelty)
    out.mkdir(parents=True, exist_ok=True)
    fast_path.save(out / FAST_PATH_FILE)
    digests = {**data, "fast_path": sha256_of(out / FAST_PATH_FILE)}
    spec = spec.model_copy(update={"data": digests, "base": base})
    write_spec(spec, out)
    return spec


def calibrate(
    fast_path: FastPath,
    reads: Array | None,
    rows: Sequence[LabelledTurn],
    fallback: str,
    targets: Targets,
    labelled: Sequence[str],
) -> RouterSpec:
    """Weights and thresholds from held-out turns.

    Args:
        reads: the label reads' log-probabilities of ``rows``, ``[turns, labelled agents]``;
            None if there is no router LLM.
        labelled: the agents the router LLM has a label for, the first of the fast path's.
    """
    agents = fast_path.agents
    known = len(labelled)
    index = {agent: number for number, agent in enumerate(agents)}
    right = np.array([index[row.agent] for row in rows])
    fast = np.array([fast_path.log_probabilities(row.turn) for row in rows])
    (fast_alone,) = fit_pool([fast], right)
    alone = pool([fast], [fast_alone])
    stages = {"fast": fast, "fast_calibrated": alone}
    pool_weights = PoolWeights(label_read=0.0, fast=fast_alone)
    decided = alone
    if reads is not None:
        of_known = right < known
        weights = fit_pool(
            [reads[of_known], log_softmax(fast[of_known, :known], axis=-1)], right[of_known]
        )
        pool_weights = PoolWeights(label_read=weights[0], fast=weights[1])
        decided = combine(reads, fast, range(known), pool_weights.weights, fast_alone)
        stages |= {"pooled": decided} | ({"label_read": reads} if known == len(agents) else {})
    leaves = np.array([row.turn.current not in (None, row.agent) for row in rows])
    refuses = fallback == OUT_OF_SCOPE
    # Decisions that are never the fast path's own (`router.router.Router.route`).
    refusals = (alone.argmax(1) == index[fallback]) & refuses
    policy = fit_policy(
        decided,
        [None if row.turn.current is None else index[row.turn.current] for row in rows],
        right,
        index[fallback],
        _fast_threshold(alone, right, leaves, refusals, targets),
        targets,
        refuses=refuses,
    )
    return RouterSpec(
        agents=agents,
        labels=dict(labels_for(labelled)),
        fallback=fallback,
        pool=pool_weights,
        fast_alone=fast_alone,
        policy=policy,
        targets=targets,
        data={},
        scores={name: _scores(stage, right) for name, stage in stages.items()},
    )


def _fast_threshold(
    alone: Array,
    right: NDArray[np.int_],
    leaves: NDArray[np.bool_],
    refusals: NDArray[np.bool_],
    targets: Targets,
) -> float | None:
    """The stricter of two: with refusals and without.

    Many right refusals must not hide the mistakes of what the fast path decides alone, and wrong
    ones tell that it is sure too easily.
    """
    confidence, correct = np.exp(alone.max(1)), alone.argmax(1) == right
    fitted = [
        fit_fast_threshold(confidence[some], correct[some], leaves[some], targets)
        for some in (np.ones_like(refusals), ~refusals)
    ]
    found = [threshold for threshold in fitted if threshold is not None]
    return max(found) if len(found) == len(fitted) else None


def for_agents(
    conversations: Sequence[LabelledConversation], agents: Sequence[str], fallback: str
) -> list[LabelledConversation]:
    """The conversations with what fits no agent labelled as the fallback's.

    Raises:
        DataError: a turn is labelled with something that is no agent.
    """
    unknown = {row.agent for row in all_turns(conversations)} - {*agents, OUT_OF_SCOPE}
    if unknown:
        raise DataError(f"no such agent: {', '.join(sorted(unknown))}; known: {', '.join(agents)}")
    return [
        dataclasses.replace(each, turns=tuple(_in_scope(row, fallback) for row in each.turns))
        for each in conversations
    ]


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
    turn = dataclasses.replace(row.turn, current=current)
    return dataclasses.replace(row, turn=turn, agent=agent)


async def label_reads(
    engine: LabelReadEngine, model: str, rows: Sequence[LabelledTurn], agents: Sequence[str]
) -> Array:
    """Log-probabilities over ``agents`` of every row, ``[rows, agents]``."""
    slots = asyncio.Semaphore(_IN_FLIGHT)

    async def read(row: LabelledTurn) -> Array:
        async with slots:
            return await read_labels(engine, model, row.turn, agents)

    return np.array(await asyncio.gather(*map(read, rows)))
