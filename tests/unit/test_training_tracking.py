import json
from pathlib import Path
from typing import Any

import pytest

from agents.settings import Settings
from training.tracking import EXPERIMENT, track


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "upper-1234567890"
    folder.mkdir(parents=True)
    record = {"git_revision": "abc", "trained_by": {"training": {"epochs": 2.0}}}
    (folder / "run.json").write_text(json.dumps(record))
    lines = [{"step": step, "seconds": step / 2, "loss": 1 / step} for step in (1, 2)]
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    result = {"adapter": {"score": 0.9}, "base": {"score": 0.1}}
    (folder / "evaluation.json").write_text(json.dumps(result))
    return folder


def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@pytest.mark.filterwarnings("default")
def test_a_run_is_recorded_once_in_files_under_the_home_folder(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings = Settings(home=tmp_path)
    assert track(run_dir, settings) is None
    assert track(run_dir, settings) is None
    mlflow = client((tmp_path / "mlruns").as_uri())
    experiment = mlflow.get_experiment_by_name(EXPERIMENT)
    (run,) = mlflow.search_runs([experiment.experiment_id])
    assert run.info.run_name == "upper-1234567890" and run.info.status == "FINISHED"
    assert run.data.params["trained_by.training.epochs"] == "2.0"
    assert run.data.metrics["score.adapter"] == 0.9
    history = mlflow.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5)]
    assert {f.path for f in mlflow.list_artifacts(run.info.run_id)} >= {"run.json"}


@pytest.mark.filterwarnings("default")
def test_a_tracking_server_that_is_away_is_a_warning(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    problem = track(run_dir, Settings(home=tmp_path))
    assert problem is not None and problem.startswith("MLflow at http://127.0.0.1:9: ")
    assert not (tmp_path / "mlruns").exists()


def test_it_can_be_switched_off(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHILHARMONIC_TRACKING", "off")
    assert track(run_dir, Settings(home=tmp_path)) is None
    assert not (tmp_path / "mlruns").exists()
