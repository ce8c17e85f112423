"""The catalog: every agent of a folder, one folder each with its ``agent.yaml``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.config import AgentConfig, load_agent_config
from agents.data import Example
from agents.dataset import Dataset, eval_rows, load_dataset
from agents.errors import ConfigError


@dataclass(frozen=True)
class Agent:
    """One agent: what its author wrote, and the folder its YAML stands in."""

    config: AgentConfig
    folder: Path

    @property
    def name(self) -> str:
        """The agent's name."""
        return self.config.name

    @property
    def adapter_dir(self) -> Path:
        """Where the adapter that ships with the agent is (it may not be trained yet)."""
        return self.folder / "adapter"

    def dataset(self) -> Dataset:
        """What it learns from and is judged by; `DataError` names broken rows."""
        return load_dataset(self.config, self.folder)

    def eval_examples(self) -> list[Example]:
        """The rows the agent is judged by; `ConfigError` if its YAML names none."""
        if self.config.evaluation is None:
            raise ConfigError(f"{self.folder / 'agent.yaml'}: evaluation is not set")
        if self.config.data.eval is None:
            return list(self.dataset().eval)
        return eval_rows(self.config.data.eval, self.folder)


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


def load_agent(path: Path) -> Agent:
    """One agent from its YAML file, or from the folder of its ``agent.yaml``."""
    file = path / "agent.yaml" if path.is_dir() or not path.suffix else path
    return Agent(load_agent_config(file), file.parent)


def load_catalog(agents_dir: Path) -> Catalog:
    """Every folder of ``agents_dir`` that holds an ``agent.yaml``.

    Raises:
        ConfigError: there is none, or one breaks the contract or has another name than its folder.
    """
    folders = sorted(path.parent for path in agents_dir.glob("*/agent.yaml"))
    if not folders:
        raise ConfigError(f"{agents_dir}: no agent here; an agent is a folder with agent.yaml")
    return Catalog({folder.name: _of_catalog(folder) for folder in folders})


def _of_catalog(folder: Path) -> Agent:
    agent = load_agent(folder)
    if agent.name != folder.name:
        raise ConfigError(
            f"{folder / 'agent.yaml'}: name is {agent.name!r} but the folder is {folder.name!r}: "
            "make them equal"
        )
    return agent
