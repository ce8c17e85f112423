"""``philharmonic train`` and ``philharmonic add``: the steps in order, and what is said of them."""

import asyncio
import time
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.bases import profile_named
from agents.catalog import Agent, load_catalog
from agents.errors import ConfigError, EngineUnavailable, GateRefused
from agents.registry import Version
from agents.settings import Settings
from serving.announce import running_server
from serving.engine.base_model import ensure_base_model
from serving.engine.client import EngineClient
from serving.engine.own import any_engine
from serving.lineup import engine_model
from training import steps
from training.alone import alone
from training.evaluate import Comparison, Miss, gate
from training.loop import optimizer_steps
from training.preview import preview
from training.run import install_adapter, is_main_process, require_adapter
from training.tracking import track

_MISSES_SHOWN = 5
_LIVE_TIMEOUT_S = 60.0


def train_agent(agent: Agent, settings: Settings, force: bool, console: Console) -> None:
    """Train, evaluate and install an agent's adapter.

    Raises:
        ConfigError, DataError: the agent cannot be trained as it is.
        GateRefused: the adapter is not good enough and ``force`` is false; its run stays.
    """
    settings = settings.model_copy(update={"base": agent.config.base})
    with alone(settings.home):
        run_dir = _train(agent, settings, console)
        if not is_main_process():
            return
        comparison = asyncio.run(_evaluate(agent, run_dir, settings, console))
        judge(agent, run_dir, comparison, force, console)


def preview_agent(agent: Agent, settings: Settings, console: Console) -> None:
    """Show what an agent would be taught, and what it would cost."""
    require_adapter(agent)
    base = ensure_base_model(profile_named(agent.config.base), settings.cache)
    preview(agent, base, console)


def judge(
    agent: Agent, run_dir: Path, comparison: Comparison, force: bool, console: Console
) -> None:
    """Install a run's adapter if the gate lets it."""
    show(comparison, console)
    reasons = gate(agent.config.gate, comparison.base, comparison.adapter)
    if reasons and not force:
        raise GateRefused(
            f"{agent.name}: the gate says no: {'; '.join(reasons)}. Nothing was installed; the "
            f"adapter is in {run_dir}. Improve the data, or install it all the same with --force."
        )
    install_adapter(agent, run_dir)
    console.print(f"Installed in {agent.adapter_dir}; philharmonic publish {agent.name}")


def add_agent(agent: Agent, settings: Settings, console: Console) -> None:
    """Make an agent live: train, evaluate, gate, parity, router, publish, load.

    Whatever was served before stays as it is until all of it has gone well; a run that was
    killed goes on where it stopped.

    Raises:
        ConfigError, DataError: the agent cannot be trained as it is.
        GateRefused: the adapter is not good enough, is not served as trained, or would spoil
            the routing of others.
        EngineError: the engine does not answer.
    """
    steps.checked(agent, settings)
    with alone(settings.home):
        run_dir = _train(agent, settings, console)
        if not is_main_process():
            return
        version = asyncio.run(_bring_live(agent, run_dir, settings, console))
    console.print(f"[bold green]{version.model} is live.[/]")


async def _bring_live(agent: Agent, run_dir: Path, settings: Settings, console: Console) -> Version:
    async with any_engine(settings, console) as client:
        async with steps.candidate(client, agent, run_dir) as model:
            with console.status("Evaluating on the served engine …"):
                comparison = await steps.evaluate_served(client, agent, run_dir, model)
            _tell_tracker(run_dir, settings, console)
            show(comparison, console)
            reasons = gate(agent.config.gate, comparison.base, comparison.adapter)
            steps.refuse(reasons, agent, run_dir)
            with console.status("Comparing what is served with what was trained …"):
                parity = await steps.check_served(client, agent, run_dir, model, settings)
            steps.refuse(parity.faults, agent, run_dir)
            console.print(
                f"Parity: {parity.equal} of {parity.prompts} served answers are PEFT's, "
                f"{parity.unlike_base} are not the base's."
            )
        router = await _refit(client, agent, run_dir, settings, console)
        version = steps.publish(agent, run_dir, router, settings)
        await _until_live(client, version, settings, console)
    return version


async def _refit(
    client: EngineClient, agent: Agent, run_dir: Path, settings: Settings, console: Console
) -> Path | None:
    if agent.name in load_catalog(settings.agents_dir):
        return None  # a shipped agent: the shipped router was fitted for it
    with console.status("Fitting the router, and measuring it before and after …"):
        change = await steps.refit(client, agent, run_dir, settings)
    console.print(
        f"Routing: {change.newcomer:.1%} of {agent.name}'s evaluation requests reach it; of all "
        f"other turns {change.before:.2%} went right before, {change.after:.2%} now."
    )
    steps.refuse(change.faults(agent.config.gate.max_routing_loss), agent, run_dir)
    return change.router


def _train(agent: Agent, settings: Settings, console: Console) -> Path:
    dataset = agent.dataset()
    for warning in dataset.warnings:
        console.print(f"[yellow]Data:[/] {warning}", highlight=False)
    count = optimizer_steps(len(dataset.train), agent.config.training)
    console.print(
        f"[bold]{agent.name}[/] on base {agent.config.base!r}: {len(dataset.train)} rows to train "
        f"on, {len(dataset.eval)} to judge by, {count} steps.",
        highlight=False,
    )
    run_dir = steps.train(agent, settings, console)
    console.print(f"Run: {run_dir}", highlight=False)
    return run_dir


async def _evaluate(
    agent: Agent, run_dir: Path, settings: Settings, console: Console
) -> Comparison:
    async with (
        any_engine(settings, console) as client,
        steps.candidate(client, agent, run_dir) as model,
    ):
        with console.status("Evaluating on the served engine …"):
            comparison = await steps.evaluate_served(client, agent, run_dir, model)
    _tell_tracker(run_dir, settings, console)
    return comparison


def _tell_tracker(run_dir: Path, settings: Settings, console: Console) -> None:
    problem = track(run_dir, settings)
    if problem:
        console.print(f"[yellow]The run was not recorded:[/] {problem}", highlight=False)


async def _until_live(
    client: EngineClient, version: Version, settings: Settings, console: Console
) -> None:
    """Wait until the running server has loaded the version and routes to it, if there is one."""
    running = running_server(settings)
    if running is None or running.base != settings.base:
        console.print("No server runs here now; the next `philharmonic serve` loads it.")
        return
    deadline = time.monotonic() + _LIVE_TIMEOUT_S
    with console.status(f"Waiting for {running.url} to load {version.model} …"):
        headers = settings.authorization
        async with httpx.AsyncClient(base_url=running.url, headers=headers) as gateway:
            while engine_model(version) not in await client.models() or not await _routes(
                gateway, version
            ):
                if time.monotonic() > deadline:
                    raise EngineUnavailable(
                        f"{version.model} is published, but the server at {running.url} has not "
                        f"loaded it within {_LIVE_TIMEOUT_S:.0f} s; see its output"
                    )
                await asyncio.sleep(0.2)


async def _routes(gateway: httpx.AsyncClient, version: Version) -> bool:
    """Whether the gateway's router knows the agent."""
    question = {"messages": [{"role": "user", "content": version.config.description}]}
    try:
        response = await gateway.post("/v1/route", json=question, timeout=10)
    except httpx.HTTPError:
        return False
    if response.status_code == 401:
        raise ConfigError(
            f"{version.model} is published; whether {gateway.base_url} routes to it cannot be "
            "asked without a key: set PHILHARMONIC_API_KEY"
        )
    return response.status_code == 200 and version.agent in response.json()["probabilities"]


def show(comparison: Comparison, console: Console) -> None:
    """Print the scores and the worst misses."""
    console.print(_scores(comparison))
    if comparison.adapter.misses:
        console.print(_misses(comparison.adapter.misses))


def _scores(comparison: Comparison) -> Table:
    table = Table("model", "rows", "score", "95 % interval", *comparison.adapter.fields)
    for name, result in (("adapter", comparison.adapter), ("base", comparison.base)):
        low, high = result.interval
        fields = [f"{result.fields.get(field, 0):.1%}" for field in comparison.adapter.fields]
        interval = f"{low:.1%} to {high:.1%}"
        table.add_row(name, str(result.rows), f"{result.score:.1%}", interval, *fields)
    return table


def _misses(misses: tuple[Miss, ...]) -> Table:
    shown = misses[:_MISSES_SHOWN]
    table = Table("row", "asked", "expected", "answered", title=f"Worst {len(shown)} misses")
    for miss in shown:
        asked = miss.messages[-1].content
        table.add_row(str(miss.row), *map(_short, (asked, miss.expected, miss.answer)))
    return table


def _short(text: str) -> Text:
    joined = " ".join(text.split())
    return Text(joined if len(joined) <= 60 else joined[:59] + "…")
