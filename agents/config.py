"""The contract of one agent: ``agent.yaml``, strict, typed and frozen.

An unknown key is an error that names the nearest known one; what the serving engine cannot
serve is refused here, before an hour of training, and not after it.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from agents.bases import PROFILES
from agents.errors import ConfigError

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,39}$"

#: Names that mean something else where an agent's name could stand.
RESERVED_NAMES = frozenset({"auto", "base", "router"})


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DataConfig(_Section):
    """Where the examples are, relative to the folder of ``agent.yaml``."""

    train: Annotated[str, Field(description="JSONL of chat messages the agent learns from")]
    eval: Annotated[
        str | None, Field(description="JSONL of chat messages the agent is judged by")
    ] = None


class AdapterConfig(_Section):
    """LoRA (Hu et al. 2021); ``quantization: nf4`` makes it QLoRA (Dettmers et al. 2023)."""

    r: Annotated[int, Field(ge=1)] = 8
    alpha: Annotated[int, Field(ge=1)] = 16
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: Annotated[
        Literal["all-linear"] | Annotated[tuple[str, ...], Strict(False)],
        Field(description="'all-linear' or names of the base's linear modules"),
    ] = "all-linear"
    quantization: Literal["none", "nf4"] = "none"


class TrainingConfig(_Section):
    """How the adapter is trained: AdamW, linear warm-up, then decay to zero."""

    epochs: Annotated[float, Field(gt=0)] = 2.0
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    batch_size: Annotated[int, Field(ge=1)] = 16
    max_length: Annotated[int, Field(ge=16, description="tokens; a longer row is refused")] = 512
    seed: Annotated[int, Field(ge=0)] = 0


class GenerationConfig(_Section):
    """What a request gets when it does not say otherwise."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_tokens: Annotated[int, Field(ge=1)] = 256


class EvaluationConfig(_Section):
    """How an answer is scored; the names are those of ``training.metrics``."""

    metric: str


class GateConfig(_Section):
    """What the adapter must reach on the served engine before it is published."""

    min_score: Annotated[float, Field(ge=0, le=1)] = 0.0
    min_gain: Annotated[float, Field(ge=-1, le=1, description="score minus the base's")] = 0.0


class AgentConfig(_Section):
    """One agent, as its author writes it."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    description: Annotated[str, Field(min_length=10, description="the router reads this")]
    system_prompt: Annotated[str, Field(min_length=1)]
    data: DataConfig
    base: str = "default"
    method: Literal["sft"] = "sft"
    adapter: Annotated[
        AdapterConfig | None, Field(description="null: the base model answers as it is")
    ] = AdapterConfig()
    training: TrainingConfig = TrainingConfig()
    generation: GenerationConfig = GenerationConfig()
    evaluation: EvaluationConfig | None = None
    gate: GateConfig = GateConfig()

    @model_validator(mode="after")
    def _check_across_sections(self) -> "AgentConfig":
        if self.base not in PROFILES:
            raise ValueError(f"base: unknown profile {self.base!r}; known: {', '.join(PROFILES)}")
        if self.name in RESERVED_NAMES:
            raise ValueError(f"name: {self.name!r} is reserved; choose another")
        if self.adapter is not None and self.adapter.r > PROFILES[self.base].max_lora_rank:
            raise ValueError(
                f"adapter.r: {self.adapter.r} is above {PROFILES[self.base].max_lora_rank}, the "
                f"largest rank an engine of base {self.base!r} can load"
            )
        if self.adapter is not None and (self.data.eval is None or self.evaluation is None):
            raise ValueError("an agent with an adapter needs data.eval and evaluation.metric")
        return self


def load_agent_config(path: Path) -> AgentConfig:
    """Read and check one ``agent.yaml``.

    Raises:
        ConfigError: the file is missing, is not YAML, or breaks the contract; every fault is
            named with its key and, for an unknown key, the nearest known one.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; an agent is a folder with agent.yaml") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected keys such as name, description, data")
    try:
        return AgentConfig.model_validate(document)
    except ValidationError as error:
        faults = "\n".join(f"  {_explain(fault)}" for fault in error.errors())
        raise ConfigError(f"{path}:\n{faults}") from None


def _explain(fault: Any) -> str:
    location = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{location}: unknown key{_did_you_mean(fault['loc'])}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{location}: {message} (got {fault['input']!r})" if location else message


def _did_you_mean(location: tuple[int | str, ...]) -> str:
    section: type[BaseModel] = AgentConfig
    for part in location[:-1]:
        section = _SECTIONS.get(str(part), section)
    known = list(section.model_fields)
    nearest = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}"


_SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataConfig,
    "adapter": AdapterConfig,
    "training": TrainingConfig,
    "generation": GenerationConfig,
    "evaluation": EvaluationConfig,
    "gate": GateConfig,
}
