"""The manifest: what an adapter was made from, and how good it is, in one JSON file beside it."""

import subprocess
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.artifacts import FILES, MANIFEST, WEIGHTS, sha256_of
from agents.errors import ArtifactError
from agents.settings import ROOT
from training.evaluate import Comparison


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DataDigests(_Part):
    """The sha256 of each data file, as hex."""

    train: str
    eval: str


class BaseIdentity(_Part):
    """Which weights the adapter belongs to: a digest (embedded base) or a hub's revision."""

    profile: str
    sha256: str | None
    revision: str | None


class RunRecord(_Part):
    """What a run was made from, written when it begins.

    Attributes:
        start: sha256 of the weights it goes on from, if any.
        trained_by: the parts of the agent's config that decide its weights.
    """

    data: DataDigests
    base: BaseIdentity
    start: str | None
    trained_by: dict[str, Any]
    environment: dict[str, str]
    git_revision: str | None


class Scores(_Part):
    """The adapter and its base on the served engine; the interval (95 %) is the adapter's."""

    metric: str
    adapter: float
    base: float
    interval: tuple[float, float]


class Manifest(_Part):
    """One training run, without anything that names the machine it ran on.

    Attributes:
        config: the agent's config with every default spelled out.
        git_revision: of this program, short, ``-dirty`` where it was changed; None without git.
        environment: versions of Python and the libraries a result depends on.
        trained_tokens: tokens with a loss, once over the data.
        scores: None until the adapter has been evaluated.
    """

    agent: str
    config: dict[str, Any]
    data: DataDigests
    base: BaseIdentity
    git_revision: str | None
    environment: dict[str, str]
    seconds: float
    rows: int
    trained_tokens: int
    final_loss: float
    adapter_sha256: str
    scores: Scores | None = None


def write_manifest(manifest: Manifest, adapter_dir: Path) -> None:
    """Write ``manifest.json`` into an adapter's folder, whole or not at all."""
    incoming = adapter_dir / f"{MANIFEST}.incoming"
    incoming.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    incoming.rename(adapter_dir / MANIFEST)


def read_manifest(adapter_dir: Path) -> Manifest:
    """The manifest of the adapter in this folder.

    Raises:
        ArtifactError: the manifest is missing or broken, or was written for other weights.
    """
    path = adapter_dir / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
        digest = sha256_of(adapter_dir / WEIGHTS)
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{error.filename}: missing; an adapter folder holds {', '.join(FILES)}"
        ) from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))} {fault['msg']}".strip() for fault in error.errors()
        )
        raise ArtifactError(f"{path}: broken ({faults}); train the adapter again") from None
    if digest != manifest.adapter_sha256:
        raise ArtifactError(f"{path}: written for other weights than the {WEIGHTS} beside it")
    return manifest


def record_scores(adapter_dir: Path, metric: str, comparison: Comparison) -> Manifest:
    """Write an evaluation's result into the manifest of the adapter it judged."""
    scores = Scores(
        metric=metric,
        adapter=comparison.adapter.score,
        base=comparison.base.score,
        interval=comparison.adapter.interval,
    )
    manifest = read_manifest(adapter_dir).model_copy(update={"scores": scores})
    write_manifest(manifest, adapter_dir)
    return manifest


def update_manifest(adapter_dir: Path, config: dict[str, Any], data: DataDigests) -> None:
    """Write down another config or data that would have led to the same weights.

    Scores go if anything has changed: they may have been reached on other rows.
    """
    kept = read_manifest(adapter_dir)
    manifest = kept.model_copy(update={"config": config, "data": data})
    if manifest != kept:
        write_manifest(manifest.model_copy(update={"scores": None}), adapter_dir)


def git_revision(checkout: Path = ROOT) -> str | None:
    """The checkout's short revision, ``-dirty`` where files were changed; None without git."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
