import json
import subprocess
from pathlib import Path

import pytest

from agents.artifacts import sha256_of
from agents.errors import ArtifactError
from training.evaluate import Comparison, Evaluation
from training.manifest import (
    BaseIdentity,
    DataDigests,
    Manifest,
    Scores,
    git_revision,
    read_manifest,
    record_scores,
    write_manifest,
)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A folder with (fake) weights and their manifest."""
    weights = tmp_path / "adapter_model.safetensors"
    weights.write_bytes(b"weights")
    write_manifest(manifest(adapter_sha256=sha256_of(weights)), tmp_path)
    return tmp_path


def manifest(adapter_sha256: str) -> Manifest:
    return Manifest(
        agent="cron",
        config={"name": "cron", "adapter": {"r": 8}},
        data=DataDigests(train="aa", eval="bb"),
        base=BaseIdentity(profile="default", sha256="cc", revision=None),
        git_revision="c7e98f3-dirty",
        environment={"python": "3.11.9"},
        seconds=512.3,
        rows=3000,
        trained_tokens=45000,
        final_loss=0.031,
        adapter_sha256=adapter_sha256,
    )


def test_what_is_written_is_read(adapter: Path) -> None:
    assert read_manifest(adapter) == manifest(sha256_of(adapter / "adapter_model.safetensors"))


def test_scores_are_added_later(adapter: Path) -> None:
    judged = Evaluation("cron@1", 120, 0.9, (0.83, 0.94), {}, ())
    base = Evaluation("base", 120, 0.05, (0.02, 0.1), {}, ())
    before = read_manifest(adapter)
    after = record_scores(adapter, "cron_equal", Comparison(judged, base))
    assert read_manifest(adapter) == after
    assert after.scores == Scores(
        metric="cron_equal", adapter=0.9, base=0.05, interval=(0.83, 0.94)
    )
    assert after.model_copy(update={"scores": None}) == before


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rows": "3000"}, "rows Input should be a valid integer"),
        ({"host": "here"}, "host Extra inputs are not permitted"),
        ({"base": {"profile": "default"}}, "base.sha256 Field required"),
        ({"adapter_sha256": "00"}, "written for other weights"),
    ],
)
def test_a_manifest_with_a_fault_is_refused(
    adapter: Path, change: dict[str, object], fault: str
) -> None:
    path = adapter / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ArtifactError, match=fault):
        read_manifest(adapter)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_damaged_manifest_is_refused(adapter: Path, content: bytes) -> None:
    (adapter / "manifest.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"manifest\.json: broken"):
        read_manifest(adapter)


@pytest.mark.parametrize("name", ["manifest.json", "adapter_model.safetensors"])
def test_a_missing_file_is_named(adapter: Path, name: str) -> None:
    (adapter / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name}: missing"):
        read_manifest(adapter)


def test_git_revision_says_when_files_were_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True)

    git("init", "--quiet")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "-m", "one")
    git("tag", "v1")
    clean = git_revision(tmp_path)
    assert clean is not None and 7 <= len(clean) <= 12 and int(clean, 16) >= 0
    (tmp_path / "file").write_text("two")
    assert git_revision(tmp_path) == f"{clean}-dirty"


def test_git_revision_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_revision(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_revision() is None
