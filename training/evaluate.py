"""How good a served model's answers are, and whether an adapter is good enough to publish."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from agents.config import AgentConfig, GateConfig, GenerationConfig
from agents.data import Example, Message
from agents.errors import ConfigError
from agents.jsonl import refuse_faults
from agents.prompt import with_system_prompt
from training.metrics import Metric, metric_named

Complete = Callable[[str, Sequence[Message], GenerationConfig], Awaitable[str]]
"""Asks an engine: model, messages and generation settings to the text of the answer."""

CONCURRENCY = 16
_RESAMPLES = 2000
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Miss:
    """An answer that did not score 1: `row` counts from 1, `messages` led to it."""

    row: int
    messages: tuple[Message, ...]
    expected: str
    answer: str
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """One model on one agent's evaluation rows; ``dataclasses.asdict`` of it is JSON.

    Attributes:
        score: mean over the rows, in 0..1.
        interval: 95 % confidence interval of ``score``.
        fields: mean of each ``field.<name>`` over the rows that have it, by name.
        misses: the worst first.
    """

    model: str
    rows: int
    score: float
    interval: tuple[float, float]
    fields: Mapping[str, float]
    misses: tuple[Miss, ...]


@dataclass(frozen=True)
class Comparison:
    """The adapter and the base it was trained on, on the same rows."""

    adapter: Evaluation
    base: Evaluation

    @property
    def gain(self) -> float:
        """What the adapter adds to the base's score."""
        return self.adapter.score - self.base.score


def comparison_from(document: Mapping[str, Any]) -> Comparison:
    """A comparison from what ``dataclasses.asdict`` made of it (and JSON of that)."""
    return Comparison(_evaluation(document["adapter"]), _evaluation(document["base"]))


def _evaluation(document: Mapping[str, Any]) -> Evaluation:
    misses = tuple(
        Miss(**{**miss, "messages": tuple(Message(**said) for said in miss["messages"])})
        for miss in document["misses"]
    )
    low, high = document["interval"]
    return Evaluation(**{**document, "interval": (low, high), "misses": misses})


async def evaluate(
    complete: Complete, config: AgentConfig, examples: Sequence[Example], model: str
) -> Evaluation:
    """Let ``model`` give the last answer of every example and score it.

    Raises:
        ConfigError: the agent has no metric, or one that does not exist.
        DataError: see `check_references`.
        EngineError: whatever ``complete`` raises; the requests still open are given up.
    """
    if config.evaluation is None:
        raise ConfigError(f"agent {config.name!r}: evaluation.metric is not set")
    metric = metric_named(config.evaluation.metric)
    check_references(metric, examples)
    answers = await _answers(complete, config, examples, model)
    scored = [
        metric(answer, example.reference, _extra(example))
        for example, answer in zip(examples, answers, strict=True)
    ]
    scores = [row["score"] for row in scored]
    return Evaluation(
        model=model,
        rows=len(examples),
        score=float(np.mean(scores)),
        interval=confidence_interval(scores),
        fields=_field_means(scored),
        misses=_misses(examples, answers, scored),
    )


async def compare(
    complete: Complete, config: AgentConfig, examples: Sequence[Example], adapter: str, base: str
) -> Comparison:
    """Evaluate the models named ``adapter`` and ``base``, both as this agent."""
    return Comparison(
        adapter=await evaluate(complete, config, examples, adapter),
        base=await evaluate(complete, config, examples, base),
    )


def check_references(metric: Metric, examples: Sequence[Example]) -> None:
    """Refuse rows whose own answer does not score 1: they would count against every model.

    Raises:
        DataError: there are such rows (a reference query fails, say); names file and line.
    """
    faults = (_reference_fault(metric, row, example) for row, example in enumerate(examples, 1))
    refuse_faults(fault for fault in faults if fault)


def gate(config: GateConfig, base: Evaluation, adapter: Evaluation) -> list[str]:
    """Why the adapter must not be published, and by how much it falls short; empty = it may."""
    reasons = []
    if adapter.score < config.min_score - _ROUNDING:
        short = config.min_score - adapter.score
        reasons.append(
            f"score {adapter.score:.4f} is {short:.4f} below gate.min_score {config.min_score}"
        )
    gain = adapter.score - base.score
    if gain < config.min_gain - _ROUNDING:
        reasons.append(
            f"gain {gain:+.4f} over the base's {base.score:.4f} is {config.min_gain - gain:.4f} "
            f"below gate.min_gain {config.min_gain}"
        )
    return reasons


def confidence_interval(scores: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a mean: Wilson's where scores are 0 or 1, else percentile bootstrap."""
    if set(scores) <= {0.0, 1.0}:
        hits = binomtest(int(sum(scores)), len(scores))
        low, high = hits.proportion_ci(confidence_level=0.95, method="wilson")
    else:
        samples = np.random.default_rng(0).choice(scores, (_RESAMPLES, len(scores)))
        low, high = np.quantile(samples.mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _extra(example: Example) -> dict[str, object]:
    return {**example.extra, "messages": [message.as_dict() for message in example.prompt]}


def _reference_fault(metric: Metric, row: int, example: Example) -> str | None:
    where = example.where or f"evaluation row {row}"
    try:
        score = metric(example.reference, example.reference, _extra(example))["score"]
    except (KeyError, TypeError, ValueError) as error:
        return f"{where}: its own answer cannot be scored: {error}"
    if score < 1:
        return f"{where}: its own answer scores {score}, not 1; correct it: {example.reference}"
    return None


async def _answers(
    complete: Complete, config: AgentConfig, examples: Sequence[Example], model: str
) -> list[str]:
    slots = asyncio.Semaphore(CONCURRENCY)

    async def answer(example: Example) -> str:
        messages = with_system_prompt(config.system_prompt, example.prompt)
        async with slots:
            return await complete(model, messages, config.generation)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(answer(example)) for example in examples]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _field_means(scored: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(key for row in scored for key in row if key.startswith("field."))
    return {
        name.removeprefix("field."): float(np.mean([row[name] for row in scored if name in row]))
        for name in names
    }


def _misses(
    examples: Sequence[Example], answers: Sequence[str], scored: Sequence[Mapping[str, float]]
) -> tuple[Miss, ...]:
    misses = [
        Miss(row, example.prompt, example.reference, answer, scores)
        for row, (example, answer, scores) in enumerate(
            zip(examples, answers, scored, strict=True), 1
        )
        if scores["score"] < 1
    ]
    # Among equal scores the answer with the fewest right fields is the worst.
    return tuple(sorted(misses, key=lambda miss: (miss.scores["score"], sum(miss.scores.values()))))
