"""The router with an added agent in it: fitted, and measured before and after."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from agents.catalog import Agent
from agents.data import Example
from agents.dataset import Dataset
from agents.errors import RouterError
from agents.registry import Registry
from agents.settings import Settings
from router.artifact import read_spec
from router.evaluate import judge, report
from router.extend import added_agents, extend_router, keep_rows
from router.newcomers import rows_for
from router.router import Router, load_router
from router.turns import LabelledConversation, load_labelled
from serving.engine.client import EngineClient
from serving.routers import router_adapter, router_folder
from training.remembered import RememberedReads

_AT_ONCE = 8


@dataclass(frozen=True)
class RoutingChange:
    """What a refitted router does for the newcomer, and to everybody else.

    Attributes:
        router: folder of the refitted router.
        before: share of the other agents' turns that went right until now.
        after: the same with the refitted router.
        newcomer: share of the newcomer's own evaluation requests that reach it.
    """

    router: Path
    before: float
    after: float
    newcomer: float

    def faults(self, max_loss: float) -> list[str]:
        """Why the router must stay as it is; empty if it may change."""
        loss = self.before - self.after
        if loss <= max_loss + 1e-9:
            return []
        return [
            f"routing of all other turns would fall from {self.before:.2%} to {self.after:.2%}, "
            f"by {100 * (loss - max_loss):.2f} points more than gate.max_routing_loss "
            f"{max_loss} allows"
        ]


async def refit_router(
    client: EngineClient, agent: Agent, dataset: Dataset, settings: Settings, out: Path
) -> RoutingChange:
    """Fit a router that knows ``agent`` too into ``out``, beside whatever agents were added before.

    Raises:
        RouterError: the router is missing, damaged or for another base.
        EngineError: the router LLM does not answer.
    """
    registry = Registry(settings.home)
    published = registry.router()
    live = router_folder(published, settings)
    shutil.rmtree(out, ignore_errors=True)
    model = await _served_adapter(client, live, settings)
    data = settings.router_data
    others = _added_before(published, registry.live().keys() - {agent.name})
    own = out / "added" / agent.name
    rows = rows_for(
        agent.name,
        agent.config.description,
        [row for row in dataset.train if isinstance(row, Example)] or dataset.eval,
        dataset.eval,
        load_labelled(data / "train.jsonl"),
        load_labelled(data / "calibration.jsonl"),
    )
    keep_rows(rows, own)
    reads = RememberedReads(client, settings.cache / f"label-reads-{model}.json")
    await extend_router(settings.router_dir, out, data, others | {agent.name: own}, reads, model)
    judged = _judged(data, others)
    timeout_s = settings.request_timeout_s
    before = load_router(live, read_spec(live).agents, reads, model, timeout_s)
    after = load_router(out, read_spec(out).agents, reads, model, timeout_s)
    change = RoutingChange(
        router=out,
        before=await _accuracy(before, judged),
        after=await _accuracy(after, judged),
        newcomer=await _accuracy(after, load_labelled(own / "judged.jsonl")),
    )
    reads.save()
    return change


def _added_before(published: Path | None, names: Collection[str]) -> dict[str, Path]:
    """Agents that were added earlier and are still live, with the folders of their rows.

    They are taken from the router that was published, even where a newly shipped one has put it
    out of use: so the next agent that is added brings them back.
    """
    added = added_agents(published) if published is not None else {}
    return {name: folder for name, folder in added.items() if name in names}


def _judged(data: Path, others: dict[str, Path]) -> list[LabelledConversation]:
    """Turns that no router was fitted on: those that are shipped, and earlier newcomers'."""
    files = [data / "eval.jsonl", *(folder / "judged.jsonl" for folder in others.values())]
    return [conversation for file in files for conversation in load_labelled(file)]


async def _accuracy(router: Router, conversations: list[LabelledConversation]) -> float:
    judged = await judge(router, conversations, _AT_ONCE)
    return float(report(judged)["turn_accuracy"])


async def _served_adapter(client: EngineClient, router: Path, settings: Settings) -> str:
    """Make sure the engine serves the router LLM, if there is one; give the name it has there."""
    spec = read_spec(router)
    if not spec.labels:
        return ""
    if spec.base != settings.base:
        raise RouterError(
            f"{router} was fitted for base {spec.base}, not {settings.base}: fit a router for this "
            "base first (docs/router.md)"
        )
    model, adapter = router_adapter(router, settings)
    if model not in await client.models():
        await client.load_adapter(model, adapter)
    return model
