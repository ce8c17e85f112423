"""Runs in MLflow: parameters, losses, scores and files of each training run.

They go to the server of ``MLFLOW_TRACKING_URI`` or, without one, to files under the home folder;
``PHILHARMONIC_TRACKING=off`` leaves it be.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agents.settings import Settings

EXPERIMENT = "philharmonic"
_RUN_ID = "mlflow-run"
_FILES = ("agent.yaml", "run.json", "metrics.jsonl", "loss.png", "evaluation.json")


def track(run_dir: Path, settings: Settings) -> str | None:
    """Record a run that has ended; recording it again replaces nothing and adds nothing.

    Returns:
        Why it could not be recorded, for a warning; None if it was, or need not be.
    """
    if settings.tracking == "off" or (run_dir / _RUN_ID).exists():
        return None
    # A second to import.
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    # A server that is away should not hold up a run for the minutes that MLflow would retry.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri is None:
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # it asks before it writes files
        uri = (settings.home / "mlruns").resolve().as_uri()
    try:
        run_id = _record(MlflowClient(tracking_uri=uri), run_dir)
    except (MlflowException, OSError) as error:
        return f"MLflow at {uri}: {error}"
    (run_dir / _RUN_ID).write_text(run_id + "\n", encoding="utf-8")
    return None


def forget_record(run_dir: Path) -> None:
    """Let a run that is judged anew be recorded again, as another run."""
    (run_dir / _RUN_ID).unlink(missing_ok=True)


def _record(client: Any, run_dir: Path) -> str:
    from mlflow.entities import Metric, Param

    experiment = client.get_experiment_by_name(EXPERIMENT)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
    run_id: str = client.create_run(experiment_id, run_name=run_dir.name).info.run_id
    record = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    client.log_batch(
        run_id,
        params=[Param(key, str(value)) for key, value in _flat("", record)],
        metrics=[Metric(*point) for point in _points(run_dir)],
    )
    for name in _FILES:
        if (run_dir / name).exists():
            client.log_artifact(run_id, str(run_dir / name))
    client.set_terminated(run_id)
    return run_id


def _points(run_dir: Path) -> Iterator[tuple[str, float, int, int]]:
    """Each number of the run as name, value, milliseconds since it began, step."""
    step = 0
    for line in (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        step = row["step"]
        for key in ("loss", "learning_rate", "grad_norm"):
            if key in row:
                yield key, float(row[key]), int(row["seconds"] * 1000), step
    evaluation = run_dir / "evaluation.json"
    if evaluation.exists():
        result = json.loads(evaluation.read_text(encoding="utf-8"))
        for model in ("adapter", "base"):
            yield f"score.{model}", float(result[model]["score"]), 0, step


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield prefix, value
        return
    for key, below in value.items():
        yield from _flat(f"{prefix}.{key}" if prefix else key, below)
