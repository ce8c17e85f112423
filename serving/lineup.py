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
        base: the base that is served. Versions for another one stay out: vLLM loads such an
            adapter without a word, and it answers nonsense.
    """

    def __init__(
        self, registry: Registry, router_adapters: Callable[[], Mapping[str, Path]], base: str
    ) -> None:
        self._registry = registry
        self._router_adapters = router_adapters
        self._base = base
        self._live: dict[str, Version] = {}
        self._misfits: dict[str, Version] = {}
        # Of each agent the versions that were live before, the last one first.
        self._former: dict[str, list[Version]] = {}
        self._take(registry.live())
        self._revision = registry.revision()
        self._is_readable = True

    @property
    def live(self) -> Mapping[str, Version]:
        """The live version of each agent, if it is for the base that is served."""
        return self._live

    def refresh(self) -> None:
        """Look at the registry again if it has changed; what cannot be read stays as it was."""
        try:
            revision = self._registry.revision()
            if revision != self._revision:
                self._take(self._registry.live())
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
            EngineUnavailable: it is live, but no engine has its adapter, or it is for another base.
        """
        live = self._live.get(agent)
        if agent in self._misfits:
            raise EngineUnavailable(f"agent {agent!r} cannot answer: {self._why_misfit(agent)}")
        if live is None:
            raise RegistryError(f"no agent {agent!r} is live; live: {', '.join(self._live)}")
        if engine_model(live) in loaded:
            self._former.pop(agent, None)
            return live
        former = self._loaded_before(agent, loaded)
        if former is not None:
            return former
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
            if version.model not in refused or self._loaded_before(agent, loaded) is not None
        }

    def is_complete(self, loaded: frozenset[str], refused: Mapping[str, str]) -> bool:
        """Whether an agent can be served, and all that are not refused, and the router LLM."""
        models = {engine_model(version) for version in self._live.values()}
        models |= self._router_adapters().keys()
        is_all = BASE_MODEL in loaded and models - refused.keys() <= loaded
        return is_all and bool(self.servable(loaded, refused))

    def _take(self, live: Mapping[str, Version]) -> None:
        """What the registry says is live, from now on."""
        known, before = self._misfits.values(), self._live
        self._misfits = {n: v for n, v in live.items() if not v.config.fits(self._base)}
        self._live = {n: v for n, v in live.items() if n not in self._misfits}
        for agent, version in before.items():
            if self._live.get(agent) != version:
                earlier = [each for each in self._former.get(agent, []) if each != version]
                self._former[agent] = [version, *earlier]
        for agent, version in self._misfits.items():
            if version not in known:
                logger.warning("the agent %s is left out: %s", agent, self._why_misfit(agent))

    def _why_misfit(self, agent: str) -> str:
        version = self._misfits[agent]
        return (
            f"{version.model} is for base {version.config.base!r}, and {self._base!r} is served; "
            "publish a version for that base, or serve the other one"
        )

    def _loaded_before(self, agent: str, loaded: frozenset[str]) -> Version | None:
        """The last of the agent's former versions that an engine still has."""
        former = self._former.get(agent, [])
        return next((version for version in former if engine_model(version) in loaded), None)


def engine_model(version: Version) -> str:
    """The engine's name for what answers: the version's adapter, or the base model."""
    return BASE_MODEL if version.adapter is None else version.model
