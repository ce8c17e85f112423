"""The steps that make an agent, one typed function each; the command line runs the same ones.

::

    agent = load_agent(Path("bank/agent.yaml"))
    checked(agent, settings)
    run_dir = train(agent, settings)
    async with any_engine(settings, console) as client, candidate(client, agent, run_dir) as model:
        comparison = await evaluate_served(client, agent, run_dir, model)
        refuse(gate(agent.config.gate, comparison.base, comparison.adapter), agent, run_dir)
        parity = await check_served(client, agent, run_dir, model, settings)
        refuse(parity.faults, agent, run_dir)
        change = await refit(client, agent, run_dir, settings)
        refuse(change.faults(agent.config.gate.max_routing_loss), agent, run_dir)
    version = publish(agent, run_dir, change.router, settings)

Each can be called again: what has been trained or evaluated already is not done twice.
"""

import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rich.console import Console

from agents.artifacts import WEIGHTS, sha256_of
from agents.bases import profile_named
from agents.catalog import Agent, load_catalog
from agents.config import GenerationConfig
from agents.data import Example, Message
from agents.errors import ConfigError, EngineRejected, GateRefused
from agents.registry import Registry, Version
from agents.settings import Settings
from serving.engine.base_model import ensure_base_model
from serving.engine.client import BASE_MODEL, CANDIDATE, EngineClient
from training.evaluate import Comparison, Complete, compare, comparison_from
from training.manifest import record_scores
from training.metrics import metric_digest
from training.parity import PROMPTS, Parity, check_parity
from training.routing import RoutingChange, refit_router
from training.run import run_training
from training.tracking import forget_record
from training.whole import write_whole

EVALUATION = "evaluation.json"
ROUTING = "routing.json"


def checked(agent: Agent, settings: Settings) -> Agent:
    """The agent, if it can be added to this system.

    Raises:
        ConfigError: the name belongs to a shipped agent, there is nothing to train, or its base
            is not the one that is served.
    """
    shipped = load_catalog(settings.agents_dir)
    if agent.name in shipped and shipped[agent.name].folder.resolve() != agent.folder.resolve():
        raise ConfigError(
            f"name: {agent.name!r} is a shipped agent's, in {shipped[agent.name].folder}; choose "
            "another"
        )
    if agent.config.adapter is None:
        raise ConfigError("adapter: null leaves nothing to train; give it an `adapter` section")
    if agent.config.base != settings.base:
        raise ConfigError(
            f"base: {agent.config.base!r}, but this system serves {settings.base!r}; all its "
            "agents share one base (PHILHARMONIC_BASE names it)"
        )
    return agent


def train(agent: Agent, settings: Settings, console: Console | None = None) -> Path:
    """Train its adapter, or go on with a run that was killed; the run's folder.

    Raises:
        ConfigError, DataError, TrainingError: see `training.run.run_training`.
    """
    base = ensure_base_model(profile_named(agent.config.base), settings.cache)
    start = None
    if agent.config.start is not None:
        version = Registry(settings.home).version(agent.config.start)
        if version.adapter is None or version.config.base != agent.config.base:
            raise ConfigError(
                f"start: {version.model} has no adapter for base {agent.config.base!r}"
            )
        start = version.adapter
    return run_training(agent, base, settings.home / "runs", start, console)


@asynccontextmanager
async def candidate(client: EngineClient, agent: Agent, run_dir: Path) -> AsyncIterator[str]:
    """The run's adapter on the engine, under a name that nobody else uses, for a while."""
    adapter = (run_dir / "adapter").resolve()
    model = f"{CANDIDATE}{agent.name}-{sha256_of(adapter / WEIGHTS)[:8]}"
    for left in await client.models():  # by a run that was killed
        if left.startswith(f"{CANDIDATE}{agent.name}-"):
            await client.unload_adapter(left)
    await client.load_adapter(model, adapter)
    try:
        yield model
    finally:
        with suppress(EngineRejected):
            await client.unload_adapter(model)


async def evaluate_served(
    client: EngineClient, agent: Agent, run_dir: Path, model: str
) -> Comparison:
    """Adapter and base on the agent's evaluation rows, as the engine serves them.

    The result is kept in the run's ``evaluation.json``, the scores in the adapter's manifest. It
    is read from there if adapter, rows, config and metric are the same as then.
    """
    assert agent.config.evaluation is not None
    examples = agent.eval_examples()
    key = _evaluation_key(agent, run_dir, examples)
    path = run_dir / EVALUATION
    comparison = _kept_evaluation(path, key)
    if comparison is None:
        comparison = await compare(completer(client), agent.config, examples, model, BASE_MODEL)
        forget_record(run_dir)
        document = {"key": key, **dataclasses.asdict(comparison)}
        write_whole(path, json.dumps(document, ensure_ascii=False, indent=1))
    record_scores(run_dir / "adapter", agent.config.evaluation.metric, comparison)
    return comparison


async def check_served(
    client: EngineClient, agent: Agent, run_dir: Path, model: str, settings: Settings
) -> Parity:
    """Compare what is served with what was trained on evaluation prompts, at least 20 if it can."""
    examples = agent.eval_examples()
    if len(examples) < PROMPTS:
        examples += [row for row in agent.dataset().train if isinstance(row, Example)]
    base = ensure_base_model(profile_named(agent.config.base), settings.cache)
    return await check_parity(client, model, agent.config, examples, base, run_dir / "adapter")


async def refit(
    client: EngineClient, agent: Agent, run_dir: Path, settings: Settings
) -> RoutingChange:
    """Fit the router for the newcomer, and measure what that does to all others.

    The figures are kept in the run's ``routing.json``.
    """
    change = await refit_router(client, agent, agent.dataset(), settings, run_dir / "router")
    figures = {"before": change.before, "after": change.after, "newcomer": change.newcomer}
    (run_dir / ROUTING).write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return change


def refuse(reasons: Sequence[str], agent: Agent, run_dir: Path) -> None:
    """`GateRefused` if there is any reason."""
    if reasons:
        raise GateRefused(
            f"{agent.name}: the gate says no: {'; '.join(reasons)}. Nothing was published; the "
            f"adapter is in {run_dir}"
        )


def publish(agent: Agent, run_dir: Path, router: Path | None, settings: Settings) -> Version:
    """Make the adapter, and the router that knows it, live in one go; again changes nothing.

    Args:
        router: folder of the refitted router; None: the router knows the agent already.
    """
    registry = Registry(settings.home)
    if router is not None:
        return registry.publish_with_router(agent.config, run_dir / "adapter", router)
    version = registry.publish(agent.config, run_dir / "adapter")
    return registry.activate(agent.name, version.number)


def completer(client: EngineClient) -> Complete:
    """Asks an engine for whole answers, as `training.evaluate` needs them."""

    async def complete(
        model: str, messages: Sequence[Message], generation: GenerationConfig
    ) -> str:
        completion = await client.chat(
            {
                "model": model,
                "messages": [message.as_dict() for message in messages],
                "temperature": generation.temperature,
                "max_tokens": generation.max_tokens,
            }
        )
        return str(completion["choices"][0]["message"]["content"] or "")

    return complete


def _kept_evaluation(path: Path, key: list[str]) -> Comparison | None:
    """What was found under the same key, if anything."""
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return comparison_from(kept) if kept["key"] == key else None


def _evaluation_key(agent: Agent, run_dir: Path, examples: Sequence[Example]) -> list[str]:
    rows = json.dumps([dataclasses.asdict(e) for e in examples], sort_keys=True, default=str)
    config = agent.config.model_dump_json(include={"system_prompt", "generation", "evaluation"})
    assert agent.config.evaluation is not None
    metric = metric_digest(agent.config.evaluation.metric)
    return [sha256_of(run_dir / "adapter" / WEIGHTS), _sha256(rows), _sha256(config), metric]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
