"""Make an engine serve what the registry says, whatever happened to either of them."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agents.errors import EngineError, EngineRejected
from agents.registry import Registry
from serving.engine.client import CANDIDATE, EngineClient

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.25


@dataclass
class InFlight:
    """How many requests each model is answering right now."""

    counts: dict[str, int] = field(default_factory=dict)

    def start(self, model: str) -> None:
        """A request for ``model`` begins."""
        self.counts[model] = self.counts.get(model, 0) + 1

    def finish(self, model: str) -> None:
        """A request for ``model`` has ended, one way or another."""
        self.counts[model] -= 1
        if not self.counts[model]:
            del self.counts[model]


class Reconciler:
    """Loads what is wanted and missing, unloads what is there and unwanted once it is idle.

    Args:
        wanted: the adapters that should be loaded now, as model name -> folder.
        in_flight: a model in use is not unloaded: its answers finish first.
    """

    def __init__(
        self,
        client: EngineClient,
        wanted: Callable[[], Mapping[str, Path]],
        in_flight: InFlight,
        every_s: float,
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._in_flight = in_flight
        self._every_s = every_s
        self._wake = asyncio.Event()
        self.loaded: frozenset[str] = frozenset()
        """The models the engine was last seen to serve; empty while it does not answer."""
        self.refused: dict[str, str] = {}
        """Adapters the engine refuses to load, with its reasons."""
        self._unwanted: set[str] = set()

    def wake(self) -> None:
        """Reconcile now instead of at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Reconcile for ever."""
        while True:
            try:
                await self.reconcile()
            except EngineError as error:
                if self.loaded:
                    logger.warning("the engine is gone: %s", error)
                self.loaded = frozenset()
                self.refused = {}
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._every_s)
            self._wake.clear()

    async def reconcile(self) -> None:
        """One round; raises `EngineUnavailable` while the engine does not answer."""
        wanted = self._wanted()
        models = await self._client.models()
        self.loaded = frozenset(models)
        self.refused = {
            model: why
            for model, why in self.refused.items()
            if model in wanted and model not in models
        }
        for model in wanted.keys() - models.keys() - self.refused.keys():
            await self._load(model, wanted[model])
        if wanted.keys() <= self.loaded:
            adapters = {
                model
                for model, parent in models.items()
                if parent is not None and not model.startswith(CANDIDATE)
            }
            await self._retire(adapters - wanted.keys())

    async def _retire(self, unwanted: set[str]) -> None:
        """Unload what is idle and was unwanted a round ago: no request can be on its way to it."""
        for model in unwanted & self._unwanted - self._in_flight.counts.keys():
            self.loaded -= {model}
            with suppress(EngineRejected):  # another gateway did it
                await self._client.unload_adapter(model)
            logger.info("unloaded %s", model)
        self._unwanted = unwanted

    async def _load(self, model: str, folder: Path) -> None:
        try:
            await self._client.load_adapter(model, folder)
        except EngineRejected as error:
            self.refused[model] = error.message
            logger.error("the engine refuses adapter %s: %s", model, error.message)
            return
        self.loaded |= {model}
        logger.info("loaded %s", model)


async def follow(registry: Registry, changed: Callable[[], None]) -> None:
    """Call ``changed`` soon after anybody, in whatever process, changed what is live; for ever."""
    known = await asyncio.to_thread(registry.revision)
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        revision = await asyncio.to_thread(registry.revision)
        if revision != known:
            known = revision
            changed()
