"""The catalog: every agent of a folder, one folder each with its ``agent.yaml``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.config import AgentConfig, load_agent_config
from agents.data import Example, load_examples
from agents.errors import ConfigError


@dataclass(frozen=True)
class Agent:
    """One agent: what its author wrote, and where."""

    config: AgentConfig
    folder: Path

    @property
    def name(self) -> str:
        """The agent's name, which is also its folder's."""
        return self.config.name

    @property
    def adapter_dir(self) -> Path:
        """Where the adapter that ships with the agent is (it may not be trained yet)."""
        return self.folder / "adapter"

    def train_examples(self) -> list[Example]:
        """The rows the agent learns from."""
        return load_examples(self.folder / self.config.data.train)

    def eval_examples(self) -> list[Example]:
        """The rows the agent is judged by; `ConfigError` if its YAML names none."""
        if self.config.data.eval is None:
            raise ConfigError(f"{self.folder / 'agent.yaml'}: data.eval is not set")
        return load_examples(self.folder / self.config.data.eval)


class Catalog(Mapping[str, Agent]):
    """The agents by name, in alphabetical order (frozen)."""

    def __init__(self, agents: Mapping[str, Agent]) -> None:
        self._agents = dict(sorted(agents.items()))

    def __getitem__(self, name: str) -> Agent:
        return self._agents[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._agents)

    def __len__(self) -> int:
        return len(self._agents)


def load_agent(folder: Path) -> Agent:
    """One agent from its folder; `ConfigError` if folder and name differ."""
    config = load_agent_config(folder / "agent.yaml")
    if config.name != folder.resolve().name:
        raise ConfigError(
            f"{folder / 'agent.yaml'}: name is {config.name!r} but the folder is "
            f"{folder.resolve().name!r}: make them equal"
        )
    return Agent(config, folder)


def load_catalog(agents_dir: Path) -> Catalog:
    """Every folder of ``agents_dir`` that holds an ``agent.yaml``.

    Raises:
        ConfigError: there is none, or one breaks the contract.
    """
    folders = sorted(path.parent for path in agents_dir.glob("*/agent.yaml"))
    if not folders:
        raise ConfigError(f"{agents_dir}: no agent here; an agent is a folder with agent.yaml")
    return Catalog({folder.name: load_agent(folder) for folder in folders})
