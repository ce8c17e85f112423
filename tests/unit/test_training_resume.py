import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agents.artifacts import WEIGHTS, sha256_of
from agents.catalog import Agent, load_agent
from agents.settings import ROOT
from tests.unit.agent_folder import write_agent
from tests.unit.tiny_phi3 import save_tiny_phi3
from training.checkpoints import last_complete, steps_between
from training.evaluate import Comparison, Evaluation
from training.manifest import read_manifest, record_scores
from training.progress import MetricsFile
from training.run import is_finished, run_training

TRAINING = {
    "epochs": 4,
    "batch_size": 2,
    "gradient_accumulation": 2,
    "max_length": 128,
    "learning_rate": 0.01,
}
STEPS = 16
SAVED_EVERY = steps_between(STEPS)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_phi3(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Agent:
    folder = tmp_path_factory.mktemp("agents") / "upper"
    # Dropout draws random numbers in every step: a resumed run must draw the same ones.
    return write_agent(folder, training=TRAINING, adapter={"r": 4, "dropout": 0.1})


@pytest.fixture(scope="module")
def unbroken(agent: Agent, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_training(agent, base, tmp_path_factory.mktemp("runs"))


def weights(run_dir: Path) -> str:
    return sha256_of(run_dir / "adapter" / WEIGHTS)


def judged() -> Evaluation:
    return Evaluation("m", 1, 0.5, (0.5, 0.5), {}, ())


def steps_logged(run_dir: Path) -> list[int]:
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    return [int(line.split('"step": ')[1].split(",")[0]) for line in lines]


@pytest.mark.parametrize("step", [1, 6, 9, 15])
def test_a_run_broken_off_at_any_step_ends_with_the_same_adapter(
    agent: Agent,
    base: Path,
    unbroken: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
) -> None:
    logged = MetricsFile.on_log

    def break_off(self: MetricsFile, args: Any, state: Any, *rest: Any, **named: Any) -> None:
        logged(self, args, state, *rest, **named)
        if state.global_step == step:
            raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(MetricsFile, "on_log", break_off)
        with pytest.raises(KeyboardInterrupt):
            run_training(agent, base, tmp_path)
    (run_dir,) = tmp_path.iterdir()
    assert not is_finished(run_dir)
    assert run_training(agent, base, tmp_path) == run_dir
    assert weights(run_dir) == weights(unbroken)
    assert steps_logged(run_dir) == steps_logged(unbroken) == list(range(1, STEPS + 1))


def test_a_killed_process_is_gone_on_with(
    agent: Agent, base: Path, unbroken: Path, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from agents.catalog import load_agent; "
        "from training.run import run_training; "
        "run_training(load_agent(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))"
    )
    command = [sys.executable, "-c", program, str(agent.folder), str(base), str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None and not list(tmp_path.glob("*/checkpoints/*/complete")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert weights(run_training(agent, base, tmp_path)) == weights(unbroken)


def test_what_has_ended_is_not_run_again(agent: Agent, base: Path, unbroken: Path) -> None:
    before = (unbroken / "adapter" / WEIGHTS).stat().st_mtime_ns
    assert run_training(agent, base, unbroken.parent) == unbroken
    assert (unbroken / "adapter" / WEIGHTS).stat().st_mtime_ns == before
    assert (unbroken / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert not (unbroken / "checkpoints").exists()


def test_other_data_or_settings_are_another_run(agent: Agent, base: Path, tmp_path: Path) -> None:
    short = TRAINING | {"epochs": 1}
    names = set()
    for changes in ({}, {"system_prompt": "Say it loud."}, {"adapter": {"r": 2}}):
        other = write_agent(tmp_path / str(len(names)) / "upper", training=short, **changes)
        names.add(run_training(other, base, tmp_path / "runs").name)
    assert len(names) == 3


def test_other_rows_to_judge_by_are_no_other_run(base: Path, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "upper", training=TRAINING | {"epochs": 1})
    run_dir = run_training(agent, base, tmp_path / "runs")
    adapter = run_dir / "adapter"
    record_scores(adapter, "exact_match", Comparison(judged(), judged()))
    began = json.loads((run_dir / "run.json").read_text())["git_revision"]
    trained = weights(run_dir), (adapter / WEIGHTS).stat().st_mtime_ns

    rows = agent.folder / "data" / "eval.jsonl"
    moved = rows.rename(rows.with_name("judge.jsonl"))
    moved.write_text('{"prompt": "say five", "completion": "FIVE"}')
    path = agent.folder / "agent.yaml"
    path.write_text(path.read_text().replace("eval.jsonl", "judge.jsonl"))
    assert run_training(load_agent(path), base, tmp_path / "runs") == run_dir
    assert (weights(run_dir), (adapter / WEIGHTS).stat().st_mtime_ns) == trained
    record, manifest = json.loads((run_dir / "run.json").read_text()), read_manifest(adapter)
    assert record["data"]["eval"] == manifest.data.eval == sha256_of(moved)
    assert record["trained_by"]["data"]["eval"][0]["path"] == "data/judge.jsonl"
    assert (record["git_revision"], manifest.scores) == (began, None)
    assert "judge.jsonl" in (run_dir / "agent.yaml").read_text()

    path.write_text(path.read_text().replace("eval: data/judge.jsonl", "eval: null"))
    assert run_training(load_agent(path), base, tmp_path / "runs") != run_dir


def test_a_half_written_checkpoint_is_removed(tmp_path: Path) -> None:
    for step, parts in ((9, ["complete"]), (10, ["complete"]), (11, ["optimizer.pt"])):
        (tmp_path / f"checkpoint-{step}").mkdir()
        for part in parts:
            (tmp_path / f"checkpoint-{step}" / part).touch()
    assert last_complete(tmp_path) == tmp_path / "checkpoint-10"
    assert not (tmp_path / "checkpoint-11").exists()
    assert last_complete(tmp_path / "none") is None
