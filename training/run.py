"""One training run: a folder of its own, from ``agent.yaml`` to an adapter with its manifest."""

import math
import shutil
from datetime import datetime
from pathlib import Path

import yaml

from agents.artifacts import FILES, WEIGHTS, check_adapter, sha256_of
from agents.bases import EmbeddedSource, profile_named
from agents.catalog import Agent
from agents.config import AgentConfig
from agents.errors import ArtifactError, ConfigError, TrainingError
from training.manifest import (
    BaseIdentity,
    DataDigests,
    Manifest,
    git_revision,
    read_manifest,
    write_manifest,
)
from training.metrics import metric_named
from training.sft import TrainedAdapter, environment, train_adapter


def run_training(agent: Agent, base: Path | str, runs_dir: Path) -> Path:
    """Train an agent's adapter in a new folder under ``runs_dir`` and give that folder.

    It holds ``agent.yaml`` (defaults spelled out), ``metrics.jsonl`` and ``adapter/`` with a
    manifest that has no scores yet. All data is read before training starts.

    Raises:
        ConfigError: the agent has no adapter, or something in its YAML cannot be used.
        DataError: a row is broken or too long.
        TrainingError: the loss did not stay finite.
    """
    _require_adapter(agent)
    config = agent.config
    assert config.evaluation is not None
    metric_named(config.evaluation.metric)
    agent.eval_examples()
    examples, digests = agent.train_examples(), _digests(agent)
    run_dir = runs_dir / f"{datetime.now():%Y%m%d-%H%M%S}-{agent.name}"
    run_dir.mkdir(parents=True)
    resolved = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    (run_dir / "agent.yaml").write_text(resolved, encoding="utf-8")
    trained = train_adapter(config, examples, base, run_dir)
    if not math.isfinite(trained.final_loss):
        raise TrainingError(
            f"the loss became {trained.final_loss}: lower training.learning_rate "
            f"(it is {config.training.learning_rate}); see {run_dir / 'metrics.jsonl'}"
        )
    write_manifest(_manifest(config, digests, trained), trained.path)
    return run_dir


def install_adapter(agent: Agent, run_dir: Path) -> None:
    """Put a run's adapter into the agent's folder, whole or not at all.

    Raises:
        ConfigError: the agent has no adapter in its YAML.
        ArtifactError: the run's adapter is incomplete, damaged or another agent's.
    """
    _require_adapter(agent)
    source = run_dir / "adapter"
    check_adapter(source, profile_named(agent.config.base).max_lora_rank)
    trained_for = read_manifest(source).agent
    if trained_for != agent.name:
        raise ArtifactError(f"{source}: trained for {trained_for!r}, not for {agent.name!r}")
    incoming, outgoing = agent.folder / ".adapter-incoming", agent.folder / ".adapter-outgoing"
    for leftover in (incoming, outgoing):
        shutil.rmtree(leftover, ignore_errors=True)
    incoming.mkdir()
    for name in FILES:
        shutil.copyfile(source / name, incoming / name)
    if agent.adapter_dir.exists():
        agent.adapter_dir.rename(outgoing)
    incoming.rename(agent.adapter_dir)
    shutil.rmtree(outgoing, ignore_errors=True)


def _require_adapter(agent: Agent) -> None:
    if agent.config.adapter is None:
        raise ConfigError(
            f"agent {agent.name!r} has `adapter: null`: the base model answers as it is and there "
            "is nothing to train; give it an `adapter` section first"
        )


def _digests(agent: Agent) -> DataDigests:
    data = agent.config.data
    assert data.eval is not None
    return DataDigests(
        train=sha256_of(agent.folder / data.train), eval=sha256_of(agent.folder / data.eval)
    )


def _manifest(config: AgentConfig, digests: DataDigests, trained: TrainedAdapter) -> Manifest:
    profile = profile_named(config.base)
    source = profile.source
    return Manifest(
        agent=config.name,
        config=config.model_dump(mode="json"),
        data=digests,
        base=BaseIdentity(
            profile=profile.name,
            sha256=source.sha256 if isinstance(source, EmbeddedSource) else None,
            revision=profile.revision,
        ),
        git_revision=git_revision(),
        environment=environment(),
        seconds=round(trained.seconds, 1),
        rows=trained.rows,
        trained_tokens=trained.trained_tokens,
        final_loss=trained.final_loss,
        adapter_sha256=sha256_of(trained.path / WEIGHTS),
    )
