"""One training run: a folder of its own, from ``agent.yaml`` to an adapter with its manifest."""

import hashlib
import json
import math
import os
import shutil
from pathlib import Path

import yaml
from rich.console import Console
from transformers import AutoTokenizer

from agents.artifacts import FILES, MANIFEST, WEIGHTS, check_adapter, sha256_of
from agents.bases import EmbeddedSource, profile_named
from agents.catalog import Agent
from agents.config import AgentConfig
from agents.dataset import Dataset
from agents.errors import ArtifactError, ConfigError, TrainingError
from agents.sources import digest_of
from training.evaluate import check_references
from training.loop import TrainedAdapter, environment, train_rows
from training.manifest import (
    BaseIdentity,
    DataDigests,
    Manifest,
    RunRecord,
    git_revision,
    read_manifest,
    update_manifest,
    write_manifest,
)
from training.metrics import metric_named
from training.model import check_targets, without_weights
from training.plot import plot_loss
from training.render import Pair, RenderedExample
from training.rows import check_prompts, render_rows
from training.whole import copy_whole, write_whole


def run_training(
    agent: Agent,
    base: Path | str,
    runs_dir: Path,
    start: Path | None = None,
    console: Console | None = None,
) -> Path:
    """Train an agent's adapter in a folder under ``runs_dir`` and give that folder.

    It is named after what decides the weights: the same agent, data, base and libraries lead to
    the same folder, where a run that was killed goes on and one that has ended is not run again,
    even if it is to be judged by other rows.
    It holds ``agent.yaml`` (defaults spelled out), ``run.json``, ``metrics.jsonl``, ``loss.png``,
    ``checkpoints/`` while it runs, and ``adapter/`` with a manifest that has no scores yet. All
    data is read, and whether answers can be judged is checked, before training starts.

    Args:
        start: folder of the adapter that ``start`` in the agent's YAML names.

    Raises:
        ConfigError: the agent has no adapter, or something in its YAML cannot be used.
        DataError: a row is broken or too long, or cannot be judged.
        TrainingError: the loss did not stay finite.
    """
    require_adapter(agent)
    config = agent.config
    rows = checked_rows(config, agent.dataset(), base)
    record = _record(agent, start)
    run_dir = runs_dir / f"{agent.name}-{_identity(record)}"
    trained = is_finished(run_dir)
    if is_main_process():
        _describe(run_dir, config, record)
    if not trained:
        _run(agent, base, record, rows, run_dir, start, console)
    shutil.rmtree(run_dir / "checkpoints", ignore_errors=True)
    return run_dir


def checked_rows(
    config: AgentConfig, dataset: Dataset, base: Path | str
) -> list[RenderedExample] | list[Pair]:
    """The rows to train on; whatever could stop the evaluation is said now, not after training.

    Raises:
        ConfigError, DataError: see `run_training`.
    """
    assert config.evaluation is not None and config.adapter is not None
    check_references(metric_named(config.evaluation.metric), dataset.eval)
    check_targets(without_weights(base), config.adapter)
    tokenizer = AutoTokenizer.from_pretrained(base)
    check_prompts(tokenizer, config, dataset.eval)
    return render_rows(tokenizer, config, dataset.train)


def _run(
    agent: Agent,
    base: Path | str,
    record: RunRecord,
    rows: list[RenderedExample] | list[Pair],
    run_dir: Path,
    start: Path | None,
    console: Console | None,
) -> None:
    config = agent.config
    assert config.adapter is not None
    trained = train_rows(rows, base, config.adapter, config.training, run_dir, start, console)
    if not is_main_process():
        return
    if not math.isfinite(trained.final_loss):
        raise TrainingError(
            f"the loss became {trained.final_loss}: lower training.learning_rate "
            f"(it is {config.training.learning_rate}); see {run_dir / 'metrics.jsonl'}"
        )
    plot_loss(run_dir / "metrics.jsonl", run_dir / "loss.png")
    write_manifest(_manifest(config, record, trained), trained.path)


def is_finished(run_dir: Path) -> bool:
    """Whether training has ended there, with an adapter and its manifest."""
    if not (run_dir / "adapter" / MANIFEST).exists():
        return False
    read_manifest(run_dir / "adapter")
    return True


def is_main_process() -> bool:
    """False in all but one of the processes that ``accelerate launch`` starts."""
    return os.environ.get("RANK", "0") == "0"


def install_adapter(agent: Agent, run_dir: Path) -> None:
    """Put a run's adapter into the agent's folder, whole or not at all.

    Raises:
        ConfigError: the agent has no adapter in its YAML.
        ArtifactError: the run's adapter is incomplete, damaged or another agent's.
    """
    require_adapter(agent)
    source = run_dir / "adapter"
    check_adapter(source, profile_named(agent.config.base).max_lora_rank)
    trained_for = read_manifest(source).agent
    if trained_for != agent.name:
        raise ArtifactError(f"{source}: trained for {trained_for!r}, not for {agent.name!r}")
    copy_whole(FILES, source, agent.adapter_dir)


def require_adapter(agent: Agent) -> None:
    """`ConfigError` if there is nothing to train."""
    if agent.config.adapter is None:
        raise ConfigError(
            f"agent {agent.name!r} has `adapter: null`: the base model answers as it is and there "
            "is nothing to train; give it an `adapter` section first"
        )


def _record(agent: Agent, start: Path | None) -> RunRecord:
    data = agent.config.data
    train = digest_of(data.train, agent.folder)
    return RunRecord(
        data=DataDigests(
            train=train, eval=digest_of(data.eval, agent.folder) if data.eval else train
        ),
        base=_base(agent.config),
        start=sha256_of(start / WEIGHTS) if start else None,
        trained_by=agent.config.model_dump(
            mode="json", include={"system_prompt", "method", "data", "adapter", "training"}
        ),
        environment=environment(),
        git_revision=git_revision(),
    )


def _identity(record: RunRecord) -> str:
    decisive = record.model_dump(mode="json", exclude={"git_revision"})
    if record.trained_by["data"]["eval"] is not None:
        # Rows of their own to judge by: they, and how others would be held out, decide no weight.
        del decisive["data"]["eval"]
        for key in ("eval", "eval_fraction", "split_seed"):
            del decisive["trained_by"]["data"][key]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:10]


def _describe(run_dir: Path, config: AgentConfig, record: RunRecord) -> None:
    """Write down what the run is made from, also if what decides no weight has changed since."""
    run_dir.mkdir(parents=True, exist_ok=True)
    dumped = config.model_dump(mode="json")
    resolved = yaml.safe_dump(dumped, sort_keys=False, allow_unicode=True)
    (run_dir / "agent.yaml").write_text(resolved, encoding="utf-8")
    path = run_dir / "run.json"
    if path.exists():
        begun = RunRecord.model_validate_json(path.read_bytes())
        record = record.model_copy(update={"git_revision": begun.git_revision})
    write_whole(path, record.model_dump_json(indent=2) + "\n")
    if is_finished(run_dir):
        update_manifest(run_dir / "adapter", dumped, record.data)


def _base(config: AgentConfig) -> BaseIdentity:
    profile = profile_named(config.base)
    source = profile.source
    return BaseIdentity(
        profile=profile.name,
        sha256=source.sha256 if isinstance(source, EmbeddedSource) else None,
        revision=profile.revision,
    )


def _manifest(config: AgentConfig, record: RunRecord, trained: TrainedAdapter) -> Manifest:
    return Manifest(
        agent=config.name,
        config=config.model_dump(mode="json"),
        data=record.data,
        base=record.base,
        git_revision=record.git_revision,
        environment=record.environment,
        seconds=round(trained.seconds, 1),
        rows=trained.rows,
        trained_tokens=trained.trained_tokens,
        final_loss=trained.final_loss,
        adapter_sha256=sha256_of(trained.path / WEIGHTS),
    )
