"""The engines behind one gateway: which of them can be relied on, and who gets the next request."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from agents.errors import EngineMisfit, EngineUnavailable
from serving.engine import balance
from serving.engine.client import EngineClient, ServedModel
from serving.engine.process import MAX_LORAS
from serving.reconciler import InFlight, Reconciler

# How long an engine whose requests fail is avoided: doubled from one failure to the next.
_FIRST_AVOIDED_S = 1.0
_LONGEST_AVOIDED_S = 30.0


class Engine:
    """One vLLM server, what it has loaded, and how far it can be relied on.

    It is *in* while the rounds of its reconciler succeed. If a request fails on it, others are
    preferred until a round that began later has succeeded and some time has gone by: one that
    is dead is out by then, and one that answers rounds but no requests gets few of them.
    """

    def __init__(self, client: EngineClient, reconciler: Reconciler, in_flight: InFlight) -> None:
        self.client = client
        self.name = client.name
        self.reconciler = reconciler
        self._in_flight = in_flight
        self._failures = 0
        self._proven_by = 0
        self._avoided_until = 0.0

    @property
    def load(self) -> int:
        """Requests it works on now."""
        return self._in_flight.total

    @property
    def loaded(self) -> frozenset[str]:
        """The models it serves; empty while it is out."""
        return self.reconciler.loaded

    @property
    def is_avoided(self) -> bool:
        """Whether another engine is the better choice, because requests failed on this one."""
        if not self._failures:
            return False
        is_proven = self.reconciler.passed >= self._proven_by
        return not is_proven or time.monotonic() < self._avoided_until

    def use(self, model: str) -> "_Use":
        """Count a request for ``model``, and what comes of it, while the block runs."""
        return _Use(self, self._in_flight, model)

    def worked(self) -> None:
        """A request succeeded."""
        self._failures = 0

    def failed(self) -> None:
        """A request failed, through no fault of its own."""
        if self.is_avoided:
            return  # by the same cause, most likely
        pause_s = min(_FIRST_AVOIDED_S * 2**self._failures, _LONGEST_AVOIDED_S)
        self._failures += 1
        self._avoided_until = time.monotonic() + pause_s
        self._proven_by = self.reconciler.begun + 1
        self.reconciler.wake()


class _Use:
    """See `Engine.use`; a class, because it is on every request's way."""

    __slots__ = ("_engine", "_in_flight", "_model")

    def __init__(self, engine: Engine, in_flight: InFlight, model: str) -> None:
        self._engine = engine
        self._in_flight = in_flight
        self._model = model

    def __enter__(self) -> None:
        self._in_flight.start(self._model)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._in_flight.finish(self._model)
        if error is None:
            self._engine.worked()
        elif isinstance(error, EngineUnavailable):
            self._engine.failed()


class Engines:
    """All engines of a gateway; one is the usual case.

    Args:
        wanted: the adapters that each should have loaded now, as model name -> folder.
        on_load: told how many seconds each load of an adapter took.
        on_lost: told the name of an engine that stops answering.
    """

    def __init__(
        self,
        clients: Sequence[EngineClient],
        wanted: Callable[[], Mapping[str, Path]],
        every_s: float,
        on_load: Callable[[float], None] = lambda _: None,
        on_lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._wanted = wanted
        self._every_s = every_s
        self._on_load = on_load
        self._on_lost = on_lost
        self.all = tuple(self._engine(client) for client in clients)

    def _engine(self, client: EngineClient) -> Engine:
        in_flight = InFlight()
        reconciler = Reconciler(
            client,
            self._wanted,
            in_flight,
            self._every_s,
            on_load=self._on_load,
            on_lost=lambda: self._on_lost(client.name),
            admit=lambda base: self._admit(client.name, base),
        )
        return Engine(client, reconciler, in_flight)

    @property
    def alive(self) -> int:
        """How many are in."""
        return sum(1 for engine in self.all if engine.loaded)

    @property
    def loaded(self) -> frozenset[str]:
        """The models that one engine or another serves."""
        if len(self.all) == 1:
            return self.all[0].loaded
        return frozenset[str]().union(*(engine.loaded for engine in self.all))

    @property
    def refused(self) -> Mapping[str, str]:
        """Adapters that engines refuse, with a reason, and that none has."""
        if len(self.all) == 1:
            return self.all[0].reconciler.refused
        loaded = self.loaded
        return {
            model: why
            for engine in self.all
            for model, why in engine.reconciler.refused.items()
            if model not in loaded
        }

    def choose(self, model: str, key: str) -> Engine:
        """The engine for a request, out of those that have ``model`` loaded.

        Args:
            key: the same for requests that begin alike (`serving.engine.balance`).

        Raises:
            EngineUnavailable: none has it.
        """
        able = [engine for engine in self.all if model in engine.loaded]
        if not able:
            raise EngineUnavailable(f"no engine has {model!r} loaded; try again in a few seconds")
        return balance.choose([e for e in able if not e.is_avoided] or able, key)

    async def label_logprobs(self, model: str, prompt: str, labels: Sequence[str]) -> list[float]:
        """A label read (`router.label_read.LabelReadEngine`), by a second engine if one fails."""
        engine = self.choose(model, prompt)
        try:
            with engine.use(model):
                return await engine.client.label_logprobs(model, prompt, labels)
        except EngineUnavailable:
            other = self.choose(model, prompt)
            if other is engine:
                raise
        with other.use(model):
            return await other.client.label_logprobs(model, prompt, labels)

    async def recovered(self, within_s: float) -> bool:
        """Wait until an engine is as it should be, by a round that begins after now.

        Who saw an engine fail asks this before trying again.
        """
        rounds = [asyncio.create_task(e.reconciler.recovered(within_s)) for e in self.all]
        try:
            for passed in asyncio.as_completed(rounds):
                if await passed:
                    return True
            return False
        finally:
            for each in rounds:
                each.cancel()

    @property
    def were_tried(self) -> bool:
        """Whether each has been asked for what it serves, with whatever success."""
        tried = (each.reconciler for each in self.all)
        return all(each.passed or each.failures for each in tried)

    def wake(self) -> None:
        """Reconcile each engine now instead of at its next tick."""
        for engine in self.all:
            engine.reconciler.wake()

    def misfits(self) -> list[str]:
        """Why engines that answer may not serve."""
        return [e.reconciler.misfit for e in self.all if e.reconciler.misfit is not None]

    async def too_small(self) -> list[str]:
        """Which engines take fewer adapters into a batch than are wanted: turns would wait."""
        least = min(len(self._wanted()), MAX_LORAS)
        living = [engine for engine in self.all if engine.loaded]
        asked = (engine.client.max_loras() for engine in living)
        found = await asyncio.gather(*asked, return_exceptions=True)
        return [
            f"vLLM at {engine.name} was started with --max-loras {most}, and {least} adapters are "
            f"to be served at a time: start it with --max-loras {least} or more"
            for engine, most in zip(living, found, strict=True)
            if isinstance(most, int) and most < least  # one that fails now is none of our business
        ]

    def _admit(self, name: str, base: ServedModel) -> None:
        """Keep out an engine whose base is not that of the others which are in."""
        for other in self.all:
            theirs = other.reconciler.base
            if other.name != name and theirs is not None and _kind(theirs) != _kind(base):
                raise EngineMisfit(
                    f"the engines differ: vLLM at {name} serves {_described(base)}, the one at "
                    f"{other.name} {_described(theirs)}; start both with the same --model and "
                    "--max-model-len"
                )


def _kind(base: ServedModel) -> tuple[str | None, int | None]:
    """What has to be the same; the folder a base lies in may differ from machine to machine."""
    root = None if base.root is None else base.root.rstrip("/").rpartition("/")[2]
    return root, base.max_model_len


def _described(base: ServedModel) -> str:
    return f"{base.root} with a context of {base.max_model_len}"
