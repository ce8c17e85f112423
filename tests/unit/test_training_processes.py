"""One training on several processes, as ``accelerate launch`` starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from agents.artifacts import WEIGHTS
from agents.settings import ROOT
from serving.engine.own import free_port
from tests.unit.agent_folder import write_agent
from tests.unit.tiny_phi3 import save_tiny_phi3
from training.run import run_training

PROGRAM = """
import sys
from pathlib import Path
from agents.catalog import load_agent
from training.run import run_training
run_training(load_agent(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
"""
TRAINING = {"epochs": 3, "batch_size": 2, "max_length": 128, "learning_rate": 0.01}


def losses(run_dir: Path) -> list[float]:
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    return [float(json.loads(line)["loss"]) for line in lines]


def launch(agent: Path, base: Path, runs: Path, program: Path) -> None:
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    command += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    command += ["--dynamo_backend", "no", "--main_process_port", str(free_port())]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, str(program), str(agent), str(base), str(runs)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_two_processes_do_what_one_does_with_twice_the_rows_a_step(tmp_path: Path) -> None:
    base = save_tiny_phi3(tmp_path / "base")
    shared = write_agent(tmp_path / "two" / "upper", training=TRAINING)
    launch(shared.folder, base, tmp_path / "runs", tmp_path / "program.py")
    (together,) = (tmp_path / "runs").iterdir()
    # The same batches: one process takes two of them for a step, two processes take one each.
    alone = run_training(
        write_agent(tmp_path / "one" / "upper", training=TRAINING | {"gradient_accumulation": 2}),
        base,
        tmp_path / "alone",
    )
    assert len(losses(alone)) == 12
    assert losses(together) == pytest.approx(losses(alone), rel=0.02)
    assert losses(alone)[-1] < losses(alone)[0] - 0.3
    ours, theirs = (load_file(run / "adapter" / WEIGHTS) for run in (alone, together))
    for name, tensor in ours.items():
        assert (theirs[name] - tensor).float().norm() < 0.1 * tensor.float().norm(), name
