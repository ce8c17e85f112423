"""Make an engine serve what the registry says, whatever happened to either of them."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agents.errors import EngineError, EngineMisfit, EngineRejected, StorageError
from agents.registry import Registry
from serving.engine.client import BASE_MODEL, CANDIDATE, EngineClient, ServedModel

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.25
# A refused adapter is tried again: somebody may have repaired its file.
_RETRY_REFUSED_S = 30.0
# While an engine does not answer, pauses grow step by step to so many times the usual one.
_LONGEST_PAUSE = 4


@dataclass
class InFlight:
    """How many requests each model is answering right now, on one engine."""

    counts: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def start(self, model: str) -> None:
        """A request for ``model`` begins."""
        self.total += 1
        self.counts[model] = self.counts.get(model, 0) + 1

    def finish(self, model: str) -> None:
        """A request for ``model`` has ended, one way or another."""
        self.total -= 1
        self.counts[model] -= 1
        if not self.counts[model]:
            del self.counts[model]


class Reconciler:
    """Loads what is wanted and missing, unloads what is there and unwanted once it is idle.

    Each engine has its own: one that is gone, slow or refuses an adapter holds up no other.

    Args:
        wanted: the adapters that should be loaded now, as model name -> folder.
        in_flight: a model in use is not unloaded: its answers finish first.
        on_load: told how many seconds each load of an adapter took.
        on_lost: told when the engine stops answering.
        admit: raises `EngineMisfit` if an engine with this base may not serve.
    """

    def __init__(
        self,
        client: EngineClient,
        wanted: Callable[[], Mapping[str, Path]],
        in_flight: InFlight,
        every_s: float,
        on_load: Callable[[float], None] = lambda _: None,
        on_lost: Callable[[], None] = lambda: None,
        admit: Callable[[ServedModel], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._in_flight = in_flight
        self._every_s = every_s
        self._on_load = on_load
        self._on_lost = on_lost
        self._admit = admit
        self._wake = asyncio.Event()
        self.loaded: frozenset[str] = frozenset()
        """The models the engine was last seen to serve; empty while it does not answer."""
        self.refused: dict[str, str] = {}
        """Adapters the engine refuses to load, with its reasons."""
        self.base: ServedModel | None = None
        """The base it serves; None while it does not answer, or may not serve."""
        self.misfit: str | None = None
        """Why it may not serve, as far as its last answer tells."""
        self.begun = 0
        """Rounds so far; the last one may be under way."""
        self.passed = 0
        """The number of the last round that found, or made, everything as it should be."""
        self.failures = 0
        """Rounds in a row that failed."""
        self._retry_at: dict[str, float] = {}
        self._unwanted: set[str] = set()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def wake(self) -> None:
        """Reconcile now instead of at the next tick."""
        self._wake.set()

    async def recovered(self, within_s: float) -> bool:
        """Wait for a round that begins after now and finds, or makes, everything as it should be.

        Who saw the engine fail asks this before trying again.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.begun + 1, done))
        self.wake()
        try:
            await asyncio.wait_for(done, within_s)
        except TimeoutError:
            return False
        finally:
            self._waiting = [entry for entry in self._waiting if entry[1] is not done]
        return True

    async def run(self) -> None:
        """Reconcile for ever."""
        while True:
            try:
                await self.reconcile()
                self.failures = 0
            except EngineError as error:
                self._take_out(error)
            except Exception as error:  # nobody would see this task end
                logger.exception("comparing the engine %s failed", self._client.name)
                self._take_out(error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._pause_s())
            self._wake.clear()

    def _take_out(self, error: Exception) -> None:
        self.failures += 1
        if self.loaded:
            reason = str(error) or repr(error)
            logger.warning("the engine %s is out: %s", self._client.name, reason)
            self._on_lost()
        misfit = str(error) if isinstance(error, EngineMisfit) else None
        if misfit not in (None, self.misfit):
            logger.error("%s", misfit)
        self.misfit = misfit
        self.base, self.loaded, self.refused = None, frozenset(), {}

    def _pause_s(self) -> float:
        """Longer for an engine that stays away, unless somebody waits for it."""
        if self._waiting or not self.failures:
            return self._every_s
        return self._every_s * min(self.failures, _LONGEST_PAUSE)

    async def reconcile(self) -> None:
        """One round; raises `EngineUnavailable` while the engine does not answer."""
        self.begun += 1
        number = self.begun
        wanted = self._wanted()
        models = await self._client.models()
        if BASE_MODEL not in models:
            raise EngineMisfit(
                f"vLLM at {self._client.name} serves {', '.join(models) or 'nothing'} but no model "
                f"{BASE_MODEL!r}: start it with --served-model-name {BASE_MODEL}"
            )
        self._admit(models[BASE_MODEL])
        if not self.loaded:
            logger.info("the engine %s is in", self._client.name)
        self.base, self.misfit = models[BASE_MODEL], None
        self.loaded = frozenset(models)
        self.refused = {
            model: why
            for model, why in self.refused.items()
            if model in wanted and model not in models
        }
        for model in wanted.keys() - models.keys():
            if model not in self.refused or time.monotonic() >= self._retry_at[model]:
                await self._load(model, wanted[model])
        if wanted.keys() <= self.loaded:
            adapters = {
                model
                for model, served in models.items()
                if served.parent is not None and not model.startswith(CANDIDATE)
            }
            await self._retire(adapters - wanted.keys())
        self.passed = number
        for asked, done in self._waiting:
            if asked <= number and not done.done():
                done.set_result(None)

    async def _retire(self, unwanted: set[str]) -> None:
        """Unload what is idle and was unwanted a round ago: no request can be on its way to it."""
        for model in unwanted & self._unwanted - self._in_flight.counts.keys():
            self.loaded -= {model}
            with suppress(EngineRejected):  # another gateway did it
                await self._client.unload_adapter(model)
            logger.info("unloaded %s from %s", model, self._client.name)
        self._unwanted = unwanted

    async def _load(self, model: str, folder: Path) -> None:
        started = time.perf_counter()
        try:
            await self._client.load_adapter(model, folder)
        except EngineRejected as error:
            self._retry_at[model] = time.monotonic() + _RETRY_REFUSED_S
            if self.refused.get(model) != error.message:
                logger.error(
                    "the engine %s refuses adapter %s: %s", self._client.name, model, error.message
                )
            self.refused[model] = error.message
            return
        self._on_load(time.perf_counter() - started)
        self.refused.pop(model, None)
        self.loaded |= {model}
        logger.info("loaded %s into %s", model, self._client.name)


async def follow(registry: Registry, changed: Callable[[], None]) -> None:
    """Call ``changed`` soon after anybody, in whatever process, changed what is live; for ever."""
    known: object = None
    while True:
        try:
            revision = await asyncio.to_thread(registry.revision)
            if known not in (None, revision):
                changed()
            known = revision
        except StorageError:  # the lineup, which reads the same file, says so
            pass
        except Exception:
            logger.exception("looking for changes of what is live failed")
        await asyncio.sleep(_LOOK_EVERY_S)
