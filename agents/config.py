"""The contract of one agent: ``agent.yaml``, strict, typed and frozen.

An unknown key is an error that names the nearest known one; what the serving engine cannot
serve is refused here, before an hour of training, and not after it.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    model_validator,
)

from agents.bases import PROFILES
from agents.errors import ConfigError
from agents.faults import explain

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,39}$"
VERSION_PATTERN = r"^[a-z][a-z0-9_-]{0,39}@[1-9][0-9]*$"
HUB_DATASET = r"hf:(?P<name>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})"

#: Names that mean something else where an agent's name could stand.
#: (``none`` is nobody, to the router and in its data.)
RESERVED_NAMES = frozenset({"auto", "base", "none", "router"})


class _Yaml(yaml.SafeLoader):
    """Reads ``2e-4`` as a number, as YAML 1.2 does and everybody expects; 1.1 wants ``2.0e-4``."""


_Yaml.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Template = Annotated[
    str,
    Field(
        min_length=1,
        description="text with {column} where a column's value goes; {column:json} quotes it",
    ),
]


class Source(_Section):
    """Where rows come from, and which columns hold what; a path alone will do.

    Without a mapping a row holds ``messages``, or ``prompt`` and ``completion`` (``chosen`` and
    ``rejected`` beside ``prompt`` for dpo, ``text`` for cpt).
    """

    path: Annotated[
        str,
        Field(
            min_length=1,
            description="file (.jsonl, .csv, .tsv, .parquet), relative to the folder of the YAML "
            "or absolute; or hf:OWNER/NAME@COMMIT, a dataset of the Hugging Face hub",
        ),
    ]
    messages: Annotated[str | None, Field(description="column of chat messages")] = None
    prompt: Template | None = None
    completion: Template | None = None
    chosen: Template | None = None
    rejected: Template | None = None
    text: Template | None = None
    weight: Annotated[
        float, Field(gt=0, le=100, description="how often each row is seen in an epoch")
    ] = 1.0
    split: Annotated[str, Field(description="split of a hub dataset")] = "train"
    subset: Annotated[str | None, Field(description="configuration of a hub dataset")] = None

    @model_validator(mode="after")
    def _check_mapping(self) -> "Source":
        if self.messages and (self.prompt or self.completion):
            raise ValueError("give messages, or prompt and completion, not both")
        if self.path.startswith("hf:") and not re.fullmatch(HUB_DATASET, self.path):
            raise ValueError(
                "a hub dataset is hf:OWNER/NAME@COMMIT with the 40 characters of a commit, so that "
                "tomorrow's data is today's"
            )
        return self


def _as_sources(value: Any) -> Any:
    """One source, or a path alone, is a list of one."""
    items = value if isinstance(value, list | tuple) else [value]
    return [{"path": item} if isinstance(item, str) else item for item in items]


Sources = Annotated[
    tuple[Source, ...],
    Strict(False),
    Field(min_length=1),
    BeforeValidator(_as_sources, json_schema_input_type=str | Source | list[str | Source]),
]


class DataConfig(_Section):
    """Where the examples are: one source or several."""

    train: Annotated[Sources, Field(description="what the agent learns from")]
    eval: Annotated[
        Sources | None,
        Field(description="what it is judged by; null: a share of train is held out"),
    ] = None
    eval_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of train's prompts held out without eval")
    ] = 0.1
    split_seed: Annotated[int, Field(ge=0, description="which prompts are held out")] = 0


class AdapterConfig(_Section):
    """LoRA (Hu et al. 2021); ``quantization: nf4`` makes it QLoRA (Dettmers et al. 2023).

    ``rslora`` scales by alpha / sqrt(r) instead of alpha / r (Kalajdzievski 2023).
    """

    r: Annotated[int, Field(ge=1)] = 8
    alpha: Annotated[int, Field(ge=1)] = 16
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: Annotated[
        Literal["all-linear"] | Annotated[tuple[str, ...], Strict(False), Field(min_length=1)],
        Field(description="'all-linear' or names of the base's linear modules"),
    ] = "all-linear"
    quantization: Literal["none", "nf4"] = "none"
    rslora: bool = False


class TrainingConfig(_Section):
    """How the adapter is trained: AdamW, linear warm-up, then decay to zero."""

    epochs: Annotated[float, Field(gt=0)] = 2.0
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    batch_size: Annotated[int, Field(ge=1, description="rows a device takes at once")] = 16
    gradient_accumulation: Annotated[
        int, Field(ge=1, description="batches that make one optimiser step")
    ] = 1
    max_length: Annotated[int, Field(ge=16, description="tokens of a row")] = 512
    too_long: Annotated[
        Literal["refuse", "truncate"],
        Field(description="a longer row: refuse the data, or cut context out of its middle"),
    ] = "refuse"
    beta: Annotated[float, Field(gt=0, description="dpo: how closely to stay to the start")] = 0.1
    seed: Annotated[int, Field(ge=0)] = 0


class GenerationConfig(_Section):
    """What a request gets when it does not say otherwise."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_tokens: Annotated[int, Field(ge=1)] = 256


class EvaluationConfig(_Section):
    """How an answer is scored."""

    metric: Annotated[
        str, Field(description="a name of training.metrics, or module:function of your own")
    ]


class GateConfig(_Section):
    """What the adapter must reach on the served engine before it is published."""

    min_score: Annotated[float, Field(ge=0, le=1)] = 0.0
    min_gain: Annotated[float, Field(ge=-1, le=1, description="score minus the base's")] = 0.0
    max_routing_loss: Annotated[
        float,
        Field(ge=0, le=1, description="share of all other turns the router may get wrong for it"),
    ] = 0.005


class AgentConfig(_Section):
    """One agent, as its author writes it."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    description: Annotated[str, Field(min_length=10, description="the router reads this")]
    system_prompt: Annotated[str, Field(min_length=1)]
    data: DataConfig
    base: str = "default"
    method: Annotated[
        Literal["sft", "dpo", "cpt"],
        Field(description="answers to learn, answers to prefer, or plain text to read"),
    ] = "sft"
    start: Annotated[
        str | None,
        Field(pattern=VERSION_PATTERN, description="published version to go on from; null: base"),
    ] = None
    adapter: Annotated[
        AdapterConfig | None, Field(description="null: the base model answers as it is")
    ] = AdapterConfig()
    training: TrainingConfig = TrainingConfig()
    generation: GenerationConfig = GenerationConfig()
    evaluation: EvaluationConfig | None = None
    gate: GateConfig = GateConfig()
    # Left out where it is not set, so that a version published before it existed is still the same.
    reply: Annotated[
        str | None,
        Field(
            min_length=1,
            exclude_if=lambda reply: reply is None,
            description="what it always answers, without a model: a polite refusal, say",
        ),
    ] = None

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
        if self.adapter is not None and self.reply is not None:
            raise ValueError("reply: what is always the same needs no adapter; set adapter: null")
        if self.adapter is not None and self.evaluation is None:
            raise ValueError("an agent with an adapter needs evaluation.metric")
        if self.method == "cpt" and self.data.eval is None:
            raise ValueError("data.eval: plain text holds no answers to judge by; give some rows")
        return self

    def fits(self, served: str) -> bool:
        """Whether it can answer on the base ``served``; without an adapter, on any.

        vLLM itself loads an adapter of another base without a word, and answers nonsense.
        """
        return self.adapter is None or self.base == served

    def check_base(self, what: str, served: str) -> None:
        """`ConfigError` if it does not fit; ``what`` names it."""
        if not self.fits(served):
            raise ConfigError(
                f"{what} is for base {self.base!r}, and {served!r} is served here; train it for "
                f"that base, or serve its own (PHILHARMONIC_BASE={self.base})"
            )


def load_agent_config(path: Path) -> AgentConfig:
    """Read and check one ``agent.yaml``.

    Raises:
        ConfigError: the file is missing, is not YAML, or breaks the contract; every fault is
            named with its key and, for an unknown key, the nearest known one.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Yaml)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; an agent is a folder with agent.yaml") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected keys such as name, description, data")
    try:
        return AgentConfig.model_validate(document)
    except ValidationError as error:
        faults = "\n".join(f"  {explain(fault, AgentConfig)}" for fault in error.errors())
        raise ConfigError(f"{path}:\n{faults}") from None
