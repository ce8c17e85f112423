import sys
from pathlib import Path

import pytest

from agents.artifacts import MANIFEST, WEIGHTS, sha256_of
from agents.catalog import Agent
from serving.engine.client import EngineClient
from tests.unit.adapter_folder import write_adapter
from tests.unit.agent_folder import ROWS, write_agent
from tests.unit.test_training_manifest import manifest
from tests.unit.toy_engine import ToyEngine
from training import steps
from training.manifest import read_manifest, write_manifest

ASKED = 2 * len(ROWS)  # adapter and base


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    adapter = write_adapter(tmp_path / "run" / "adapter")
    (adapter / MANIFEST).unlink()
    write_manifest(manifest(sha256_of(adapter / WEIGHTS)), adapter)
    return tmp_path / "run"


async def asked(agent: Agent, run_dir: Path) -> int:
    """How often an evaluation asks the engine; the scores are in the manifest after it."""
    async with ToyEngine().running() as engine:
        client = EngineClient(engine.url, timeout_s=5)
        async with steps.candidate(client, agent, run_dir) as model:
            comparison = await steps.evaluate_served(client, agent, run_dir, model)
        await client.aclose()
    scores = read_manifest(run_dir / "adapter").scores
    assert scores is not None and scores.adapter == comparison.adapter.score
    return len(engine.chats)


async def test_an_evaluation_is_kept_until_its_rows_change(tmp_path: Path, run_dir: Path) -> None:
    agent = write_agent(tmp_path / "upper")
    assert await asked(agent, run_dir) == ASKED
    adapter = run_dir / "adapter"
    write_manifest(read_manifest(adapter).model_copy(update={"scores": None}), adapter)
    (run_dir / "mlflow-run").write_text("1")
    assert await asked(agent, run_dir) == 0
    assert (run_dir / "mlflow-run").exists()
    with (agent.folder / "data/eval.jsonl").open("a") as rows:
        rows.write('\n{"prompt": "say five", "completion": "FIVE"}')
    assert await asked(agent, run_dir) == ASKED + 2
    assert not (run_dir / "mlflow-run").exists()  # so that MLflow is told again


async def test_a_metric_of_ones_own_that_was_mended_judges_anew(
    tmp_path: Path, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    agent = write_agent(tmp_path / "upper", evaluation={"metric": "shouting:score"})

    def say(score: str) -> None:
        lines = "def score(answer, reference, extra):\n    return {'score': float(%s)}\n"
        (tmp_path / "shouting.py").write_text(lines % score)
        monkeypatch.delitem(sys.modules, "shouting", raising=False)  # as in another process

    say("answer == reference")
    assert [await asked(agent, run_dir) for _ in range(2)] == [ASKED, 0]
    say("answer == reference or answer == 'word word word'")
    assert await asked(agent, run_dir) == ASKED
    scores = read_manifest(run_dir / "adapter").scores
    assert scores is not None and scores.adapter == 1.0
