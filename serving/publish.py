"""From the catalog's folders to the registry."""

import re

from agents.catalog import Agent, Catalog, load_agent
from agents.config import NAME_PATTERN
from agents.errors import ArtifactError, RegistryError
from agents.registry import Registry, Version
from agents.settings import Settings


def publish_catalog(registry: Registry, catalog: Catalog, base: str) -> dict[str, str]:
    """Publish what the catalog ships and the registry does not know yet.

    A version that is known is left as it is, live or not: somebody may have rolled it back.

    Returns:
        The names of agents whose adapter cannot be served, and why. What was published of them
        before stays as it is.
    """
    unservable = {}
    for agent in catalog.values():
        if not agent.config.fits(base):
            unservable[agent.name] = f"it is for base {agent.config.base!r}"
        elif not _is_trained(agent):
            unservable[agent.name] = "it has no adapter yet"
        else:
            try:
                _publish(registry, agent)
            except ArtifactError as error:
                unservable[agent.name] = str(error)
    return unservable


def publish_agent(registry: Registry, settings: Settings, name: str) -> Version:
    """Publish one agent of the catalog folder as it is on disk now.

    Raises:
        ConfigError: the agent is for another base than the one that is served.
        RegistryError: there is no such folder, or its adapter is not trained yet.
        ArtifactError: the adapter is damaged.
    """
    folder = settings.agents_dir / name
    if not re.fullmatch(NAME_PATTERN, name) or not (folder / "agent.yaml").is_file():
        raise RegistryError(f"the catalog has no agent {name!r}")
    agent = load_agent(folder)
    agent.config.check_base(f"agent {name!r}", settings.base)
    if not _is_trained(agent):
        raise RegistryError(f"agent {name!r} has no adapter yet; run: philharmonic train {folder}")
    return _publish(registry, agent)


def _publish(registry: Registry, agent: Agent) -> Version:
    return registry.publish(agent.config, agent.adapter_dir if agent.config.adapter else None)


def _is_trained(agent: Agent) -> bool:
    return agent.config.adapter is None or agent.adapter_dir.is_dir()
