"""Who is on stage: the live versions, and which of them the engine can serve this moment."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from agents.errors import EngineUnavailable, RegistryError, StorageError
from agents.registry import Registry, Version
from serving.engine.client import BASE_MODEL

logger = logging.getLogger(__name__)


class Lineup:
    """The registry's live versions, kept in memory and matched with what the engine has loaded.

    During a hot swap an agent is answered by its old version until the new one is loaded, so
    no request is lost and none sees a mixture.

    Args:
        router_adapters: name and folder of the router LLM's adapters, which engines need too.
    """

    def __init__(
        self, registry: Registry, router_adapters: Callable[[], Mapping[str, Path]]
    ) -> None:
        self._registry = registry
        self._router_adapters = router_adapters
        self._live = registry.live()
        self._revision = registry.revision()
        self._serving: dict[str, Version] = {}
        self._is_readable = True

    @property
    def live(self) -> Mapping[str, Version]:
        """The live version of each agent."""
        return self._live

    def refresh(self) -> None:
        """Look at the registry again if it has changed; what cannot be read stays as it was."""
        try:
            revision = self._registry.revision()
            if revision != self._revision:
                self._live = self._registry.live()
                self._revision = revision
        except StorageError as error:
            if self._is_readable:
                logger.error("the lineup stays as it is: %s", error)
            self._is_readable = False
        else:
            self._is_readable = True

    def wanted(self) -> dict[str, Path]:
        """The adapters an engine should have loaded, after a look at the registry."""
        self.refresh()
        adapters = {v.model: v.adapter for v in self._live.values() if v.adapter is not None}
        return {**adapters, **self._router_adapters()}

    def version_for(
        self, agent: str, loaded: frozenset[str], refused: Mapping[str, str]
    ) -> Version:
        """The version that answers for ``agent``, given the models an engine has loaded.

        Args:
            refused: the adapters that the engine does not load, with its reasons.

        Raises:
            RegistryError: the agent is not live.
            EngineUnavailable: it is live, but no engine has its adapter.
        """
        live = self._live.get(agent)
        if live is None:
            raise RegistryError(f"no agent {agent!r} is live; live: {', '.join(self._live)}")
        if engine_model(live) in loaded:
            self._serving[agent] = live
            return live
        if self._answers_as_before(agent, loaded):
            return self._serving[agent]
        if live.model in refused:
            raise EngineUnavailable(
                f"agent {agent!r} cannot answer: the engine refuses {live.model} "
                f"({refused[live.model]}); publish another version or roll back"
            )
        raise EngineUnavailable(f"agent {agent!r} is being loaded; try again in a few seconds")

    def servable(self, loaded: frozenset[str], refused: Mapping[str, str]) -> dict[str, Version]:
        """The live agents without those whose adapter the engine refuses."""
        return {
            agent: version
            for agent, version in self._live.items()
            if version.model not in refused or self._answers_as_before(agent, loaded)
        }

    def is_complete(self, loaded: frozenset[str], refused: Mapping[str, str]) -> bool:
        """Whether an agent can be served, and all that are not refused, and the router LLM."""
        models = {engine_model(version) for version in self._live.values()}
        models |= self._router_adapters().keys()
        is_all = BASE_MODEL in loaded and models - refused.keys() <= loaded
        return is_all and bool(self.servable(loaded, refused))

    def _answers_as_before(self, agent: str, loaded: frozenset[str]) -> bool:
        previous = self._serving.get(agent)
        return previous is not None and engine_model(previous) in loaded


def engine_model(version: Version) -> str:
    """The engine's name for what answers: the version's adapter, or the base model."""
    return BASE_MODEL if version.adapter is None else version.model
