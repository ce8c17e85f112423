"""What a fitted router is on disk: ``router.json``, ``fast_path.npz`` and ``adapter/``."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.artifacts import sha256_of
from agents.errors import RouterError
from router.fast_path import FastPath, load_fast_path
from router.policy import Policy
from router.targets import Targets

SPEC_FILE = "router.json"
FAST_PATH_FILE = "fast_path.npz"
ADAPTER_FOLDER = "adapter"


class PoolWeights(BaseModel):
    """Weights of the label read's and the fast path's log-probabilities."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_read: float
    fast: float

    @property
    def weights(self) -> tuple[float, float]:
        """Both, in this order."""
        return self.label_read, self.fast


class RouterSpec(BaseModel):
    """Everything fitted except the two models.

    Attributes:
        agents: in the order of every array of the router.
        labels: the token that stands for each agent in a label read. Agents that were added
            after the router LLM was trained come last in ``agents`` and have none; without a
            router LLM nobody has one.
        fallback: the agent that answers what fits none; ``none`` where nobody does.
        pool: weights when both stages are asked.
        fast_alone: weight of the fast path when it is the only one (its inverse temperature).
        base: name of the base model that the router LLM's adapter is for.
        data: sha256 of the files it was fitted on, and of the fast path's.
        scores: accuracy and calibration error of each stage on the calibration turns.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    agents: tuple[str, ...]
    labels: dict[str, str]
    fallback: str
    pool: PoolWeights
    fast_alone: float
    policy: Policy
    targets: Targets
    base: str = "default"
    data: dict[str, str]
    scores: dict[str, dict[str, float]] = {}

    @property
    def labelled(self) -> list[int]:
        """Indices of the agents that have a label."""
        return [self.agents.index(agent) for agent in self.labels]


def write_spec(spec: RouterSpec, folder: Path) -> None:
    """Write ``router.json``."""
    text = spec.model_dump_json(indent=2)
    (folder / SPEC_FILE).write_text(text + "\n", encoding="utf-8")


def read_spec(folder: Path) -> RouterSpec:
    """Read ``router.json``; `RouterError` if it is missing or damaged."""
    path = folder / SPEC_FILE
    try:
        return RouterSpec.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise RouterError(f"{path}: no such file; fit the router first") from None
    except ValidationError as error:
        raise RouterError(f"{path}: damaged, fit the router again:\n{error}") from None


def read_router(folder: Path) -> tuple[RouterSpec, FastPath]:
    """A fitted router, whatever agents it knows; `RouterError` if a file is missing or damaged."""
    spec = read_spec(folder)
    path = folder / FAST_PATH_FILE
    fast_path = load_fast_path(path)
    if fast_path.agents != spec.agents or sha256_of(path) != spec.data.get("fast_path"):
        raise RouterError(f"{path}: not the one {SPEC_FILE} was fitted with; fit the router again")
    return spec, fast_path


def read_fitted(folder: Path, agents: Collection[str]) -> tuple[RouterSpec, FastPath]:
    """A fitted router for exactly these agents.

    Raises:
        RouterError: a file is missing or damaged, or the router was fitted for other agents.
    """
    spec = read_spec(folder)
    if set(spec.agents) != set(agents):
        raise RouterError(
            f"{folder}: fitted for {', '.join(sorted(spec.agents))}, but the catalog has "
            f"{', '.join(sorted(agents))}: fit the router again"
        )
    return read_router(folder)
