"""``philharmonic train``: run → evaluation on the served engine → gate → installed adapter."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.artifacts import WEIGHTS, sha256_of
from agents.bases import profile_named
from agents.catalog import Agent, load_agent
from agents.config import GenerationConfig
from agents.data import Message
from agents.errors import GateRefused
from agents.settings import Settings
from serving.engine.base_model import ensure_base_model
from serving.engine.client import BASE_MODEL, EngineClient
from serving.engine.own import any_engine
from training.evaluate import Comparison, Complete, compare, gate
from training.manifest import record_scores
from training.run import install_adapter, run_training


def train_agent(folder: Path, settings: Settings, force: bool, console: Console) -> None:
    """Train, evaluate and install the adapter of the agent in ``folder``.

    Raises:
        ConfigError, DataError: the agent cannot be trained as it is.
        GateRefused: the adapter is not good enough and ``force`` is false; its run stays.
    """
    agent = load_agent(folder)
    settings = settings.model_copy(update={"base": agent.config.base})
    console.print(f"Training [bold]{agent.name}[/] on base {agent.config.base!r} …")
    base = ensure_base_model(profile_named(agent.config.base), settings.cache)
    run_dir = run_training(agent, base, settings.home / "runs")
    console.print(f"Run: {run_dir}", highlight=False)
    comparison = asyncio.run(_evaluate(agent, run_dir, settings, console))
    judge(agent, run_dir, comparison, force, console)


def judge(
    agent: Agent, run_dir: Path, comparison: Comparison, force: bool, console: Console
) -> None:
    """Record the scores in the run's manifest and install its adapter if the gate lets it."""
    assert agent.config.evaluation is not None
    record_scores(run_dir / "adapter", agent.config.evaluation.metric, comparison)
    console.print(_table(comparison))
    reasons = gate(agent.config.gate, comparison.base, comparison.adapter)
    if reasons and not force:
        raise GateRefused(
            f"{agent.name}: the gate says no: {'; '.join(reasons)}. Nothing was installed; the "
            f"adapter is in {run_dir}. Improve the data, or install it all the same with --force."
        )
    install_adapter(agent, run_dir)
    console.print(f"Installed in {agent.adapter_dir}; philharmonic publish {agent.name}")


async def evaluate_run(client: EngineClient, agent: Agent, run_dir: Path) -> Comparison:
    """The run's adapter and the base, on the agent's evaluation rows, as the engine serves them."""
    adapter = (run_dir / "adapter").resolve()
    candidate = f"{agent.name}-candidate-{sha256_of(adapter / WEIGHTS)[:8]}"
    await client.load_adapter(candidate, adapter)
    try:
        return await compare(
            _completer(client), agent.config, agent.eval_examples(), candidate, BASE_MODEL
        )
    finally:
        await client.unload_adapter(candidate)


async def _evaluate(
    agent: Agent, run_dir: Path, settings: Settings, console: Console
) -> Comparison:
    async with any_engine(settings, console) as client:
        with console.status(f"Evaluating on {len(agent.eval_examples())} rows …"):
            return await evaluate_run(client, agent, run_dir)


def _completer(client: EngineClient) -> Complete:
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


def _table(comparison: Comparison) -> Table:
    table = Table("model", "rows", "score", "95 % interval", *comparison.adapter.fields)
    for name, result in (("adapter", comparison.adapter), ("base", comparison.base)):
        low, high = result.interval
        fields = [f"{result.fields.get(field, 0):.1%}" for field in comparison.adapter.fields]
        interval = f"{low:.1%} to {high:.1%}"
        table.add_row(name, str(result.rows), f"{result.score:.1%}", interval, *fields)
    return table
