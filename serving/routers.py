"""Which router decides: the one that is shipped, or the one that knows the agents added since."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.artifacts import check_adapter
from agents.bases import profile_named
from agents.errors import ArtifactError, RouterError, StorageError
from agents.registry import Registry
from agents.settings import Settings
from router.artifact import ADAPTER_FOLDER, RouterSpec, read_spec
from router.extend import added_agents, is_extension_of
from router.label_read import LabelReadEngine
from router.prompt import labels_for
from router.router import Router, load_router
from router.split import Splitter, read_splitter
from serving.engine.router_llm import RouterLLMEndpoint
from serving.lineup import Lineup, engine_model

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FittedRouter:
    """A router from disk, and what goes with it.

    Attributes:
        splitter: finds two requests in one message; None: this router was not fitted for that.
        adapters: what an engine needs for it, as name on engines (it changes with the weights)
            -> folder; empty when the router LLM is elsewhere.
    """

    folder: Path
    router: Router
    splitter: Splitter | None
    adapters: Mapping[str, Path]


class RouterSwitch:
    """The router that decides now, and the one that takes over once the engine is ready for it."""

    def __init__(self, current: FittedRouter) -> None:
        self._current = current
        self._next: FittedRouter | None = None

    @property
    def router(self) -> Router:
        """The router that decides now."""
        return self._current.router

    @property
    def splitter(self) -> Splitter | None:
        """What finds two requests in one message now."""
        return self._current.splitter

    @property
    def folder(self) -> Path:
        """Where the latest router was read from, whether or not it decides already."""
        return (self._next or self._current).folder

    def adapters(self) -> dict[str, Path]:
        """The adapters engines need, as model name -> folder."""
        following = self._next.adapters if self._next else {}
        return {**self._current.adapters, **following}

    def prepare(self, fitted: FittedRouter) -> None:
        """Let ``fitted`` take over at the next `settle` that finds it ready."""
        self._next = fitted

    def settle(self, lineup: Lineup, loaded: frozenset[str]) -> None:
        """Hand over if the engine has loaded the next router's adapter and its new agents'."""
        if self._next is None or not self._next.adapters.keys() <= loaded:
            return
        new = set(self._next.router.spec.agents) - set(self.router.spec.agents)
        if all(engine_model(lineup.live[agent]) in loaded for agent in new & lineup.live.keys()):
            self._current, self._next = self._next, None


def router_folder(published: Path | None, settings: Settings) -> Path:
    """Folder of the router that should decide.

    That is the one ``published`` last, unless the shipped one it extends has changed since: then
    the shipped one, and a warning.
    """
    if published is None:
        return settings.router_dir
    if is_extension_of(published, settings.router_dir):
        return published
    added = ", ".join(added_agents(published))
    logger.warning(
        "the router in %s is another one now: added agents (%s) are reached by name only, until "
        "`philharmonic add` fits it for them again",
        settings.router_dir,
        added,
    )
    return settings.router_dir


def open_router(
    folder: Path,
    catalog: Collection[str],
    llm: LabelReadEngine | RouterLLMEndpoint,
    registry: Registry,
    settings: Settings,
) -> FittedRouter:
    """Load the router in ``folder``.

    Args:
        catalog: the agents that are shipped; the router knows these and those it was extended by.
        llm: what does the label reads: the engine, with the router's adapter, or another model.

    Raises:
        RouterError: a file is missing or damaged, the agents differ, or another model is to do
            the label reads of a router that was fitted without any.
    """
    agents = [*catalog, *(name for name in added_agents(folder) if name not in catalog)]
    spec = read_spec(folder)
    reads: LabelReadEngine
    adapters: dict[str, Path] = {}
    if isinstance(llm, RouterLLMEndpoint):
        spec = _spec_for_any_llm(spec, folder)
        reads = llm.told_of(_descriptions(registry, spec.agents), spec.fallback)
    else:
        spec, reads = _spec_for_base(spec, folder, settings.base), llm
        adapters |= [router_adapter(folder, settings)] if spec.labels else []
    model = next(iter(adapters), "")
    router = load_router(folder, agents, reads, model, settings.route_timeout_s)
    router.spec = spec
    splitter = read_splitter(folder, router.spec.agents.index(router.spec.fallback))
    return FittedRouter(folder, router, splitter, adapters)


def _spec_for_base(spec: RouterSpec, folder: Path, base: str) -> RouterSpec:
    """Without labels, so that the fast path decides alone, if the adapter is another base's."""
    if not spec.labels or spec.base == base:
        return spec
    logger.warning(
        "the router LLM in %s is an adapter for base %s, not %s: the fast path decides alone until "
        "a router is fitted for this base (docs/router.md)",
        folder,
        spec.base,
        base,
    )
    return spec.model_copy(update={"labels": {}})


def _spec_for_any_llm(spec: RouterSpec, folder: Path) -> RouterSpec:
    """Agents that were added later have a label too: nobody trained this model for the others."""
    if not spec.labels:
        raise RouterError(
            f"{folder} was fitted without a router LLM and cannot tell what one is worth: fit it "
            "with one, or unset PHILHARMONIC_ROUTER_LLM_URL"
        )
    return spec.model_copy(update={"labels": dict(labels_for(spec.agents))})


def _descriptions(registry: Registry, agents: Sequence[str]) -> dict[str, str]:
    """What each agent is for; an agent that is not in service has its name to speak for it."""
    live = registry.live()
    return {name: live[name].config.description if name in live else "" for name in agents}


def router_adapter(folder: Path, settings: Settings) -> tuple[str, Path]:
    """The router LLM's adapter: a name that changes with its weights, and its folder."""
    adapter = folder / ADAPTER_FOLDER
    if not adapter.is_dir():
        raise RouterError(f"{adapter}: no such folder; fit the router first")
    digest = check_adapter(adapter, profile_named(settings.base).max_lora_rank)
    return f"router-{digest[:8]}", adapter.resolve()


async def follow(
    switch: RouterSwitch,
    registry: Registry,
    known: Path | None,
    catalog: Collection[str],
    llm: LabelReadEngine | RouterLLMEndpoint,
    settings: Settings,
) -> None:
    """Prepare each router that is published after the ``known`` one; for ever."""
    while True:
        await asyncio.sleep(settings.reconcile_every_s / 2)
        published = known
        try:
            published = await asyncio.to_thread(registry.router)
            if published in (None, known):
                continue
            folder = await asyncio.to_thread(router_folder, published, settings)
            fitted = await asyncio.to_thread(open_router, folder, catalog, llm, registry, settings)
            switch.prepare(fitted)
        except StorageError:  # the lineup, which reads the same file, says so
            continue
        except (RouterError, ArtifactError, OSError) as error:
            logger.error("the router that was published cannot be used: %s", error)
        except Exception:
            logger.exception("the router that was published cannot be used")
        known = published
