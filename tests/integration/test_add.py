"""A new agent from one YAML file, all the way to a live answer; and every step's "no"."""

import asyncio
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from agents.catalog import load_agent
from agents.errors import GateRefused
from agents.registry import Registry
from agents.settings import ROOT, Settings
from serving.engine.client import BASE_MODEL, EngineClient
from tests.integration.gateway import Gateway, content_of, wait_until
from training import steps
from training.routing import RoutingChange

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

NAME = "films"
GOOD = ("a joy", "brilliant", "gripping", "deeply moving", "a triumph", "funny and warm", "superb")
BAD = ("a bore", "dreadful", "a mess", "painfully slow", "a flop", "loud and empty", "awful")
FILMS = (
    "the western",
    "that thriller",
    "her new comedy",
    "the sequel",
    "this war film",
    "his debut",
)
PARTS = ("the acting", "the plot", "the ending", "the camera work", "the score", "the dialogue")


def reviews(verdicts: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """One line of a film critic for each way to say it, with the verdict in our own words."""
    rows = [
        {"review": f"{film} was {phrase}, {part} above all", "verdict": verdict}
        for verdict, phrases in verdicts.items()
        for phrase, film, part in itertools.product(phrases, FILMS, PARTS)
    ]
    random.Random(0).shuffle(rows)
    return rows[:240]


def write_agent(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = reviews({"thumbs up": GOOD, "thumbs down": BAD})
    text = "\n".join(map(json.dumps, rows))
    (folder / "reviews.jsonl").write_text(text, encoding="utf-8")
    document = {
        "name": NAME,
        "description": "Gives the verdict of a film review: was the film liked or not?",
        "system_prompt": "Give the verdict.",
        "data": {
            "train": {"path": "reviews.jsonl", "prompt": "{review}", "completion": "{verdict}"},
            "eval_fraction": 0.12,
        },
        "training": {"epochs": 2, "learning_rate": 2.0e-3, "batch_size": 8, "max_length": 128},
        "generation": {"max_tokens": 8},
        "evaluation": {"metric": "label"},
        # Of 140 turns four may go astray: see `router_data`.
        "gate": {"min_score": 0.9, "min_gain": 0.3, "max_routing_loss": 0.03},
    }
    path = folder / "agent.yaml"
    path.write_text(yaml.safe_dump(document | changes), encoding="utf-8")
    return path


def start_add(server: Gateway, path: Path) -> subprocess.Popen[str]:
    environment = dict(os.environ) | {
        "PHILHARMONIC_HOME": str(server.home),
        "PHILHARMONIC_AGENTS_DIR": str(server.catalog),
        "PHILHARMONIC_ROUTER_DATA": str(router_data(server.home / "router-data")),
    }
    environment.pop("OMP_NUM_THREADS", None)
    return subprocess.Popen(
        [sys.executable, "-m", "philharmonic", "add", str(path)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def router_data(folder: Path) -> Path:
    """The router's data with a third of what label reads are needed for: they take the time."""
    folder.mkdir(exist_ok=True)
    for name, every in (("train", 1), ("calibration", 3), ("eval", 3)):
        lines = (ROOT / "router" / "data" / f"{name}.jsonl").read_text(encoding="utf-8")
        kept = lines.splitlines(keepends=True)[::every]
        (folder / f"{name}.jsonl").write_text("".join(kept), encoding="utf-8")
    return folder


def add(server: Gateway, path: Path) -> tuple[int, str]:
    process = start_add(server, path)
    output, _ = process.communicate()
    return process.returncode, output


def kill_when(process: subprocess.Popen[str], moment: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not moment():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def yaml_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_agent(tmp_path_factory.mktemp("anywhere"))


@pytest.fixture(scope="module")
def settings(server: Gateway) -> Settings:
    return Settings(home=server.home, agents_dir=server.catalog, engine_url=(server.engine_url,))


def test_killed_at_any_moment_it_changes_nothing_and_the_same_command_finishes(
    server: Gateway, yaml_file: Path
) -> None:
    registry, runs = Registry(server.home), server.home / "runs"
    before, router = registry.live(), registry.router()

    def exists(pattern: str) -> Callable[[], bool]:
        return lambda: any(runs.glob(f"{NAME}-*/{pattern}"))

    for moment in (
        lambda: True,  # reading its data, or importing what reads it
        exists("checkpoints/*/complete"),
        exists("adapter/manifest.json"),
        exists("evaluation.json"),
        exists("router/added"),
    ):
        kill_when(start_add(server, yaml_file), moment)
        assert (registry.live(), registry.router()) == (before, router)
        assert server.is_ready()

    kill_when(start_add(server, yaml_file), lambda: NAME in registry.live())
    code, output = add(server, yaml_file)
    assert code == 0, output
    assert f"{NAME}@1 is live" in output and "Parity: 20 of 20" in output
    assert [version.number for version in registry.versions(NAME)] == [1]
    live = registry.live()
    assert {name: live[name] for name in before} == before


def test_the_running_server_answers_with_the_newcomer_through_the_router(server: Gateway) -> None:
    assert server.process.poll() is None
    wait_until(lambda: f"{NAME}@1" in server.adapters())
    right = 0
    for text, verdict in [
        ("the sequel was superb, the plot above all", "thumbs up"),
        ("that thriller was a mess, the ending above all", "thumbs down"),
        ("her new comedy was dreadful, the dialogue above all", "thumbs down"),
    ]:
        completion = server.answer(text)
        assert completion["philharmonic"]["agent"] == NAME
        right += content_of(completion) == verdict
    assert right >= 2
    assert server.answer("every monday at nine")["philharmonic"]["agent"] == "cron"


def test_a_score_below_the_gate_publishes_nothing(server: Gateway, yaml_file: Path) -> None:
    before = Registry(server.home).live()
    # One token is half an answer; how long answers may be decides nothing in training.
    strict = write_agent(yaml_file.parent, generation={"max_tokens": 1})
    try:
        code, output = add(server, strict)
    finally:
        write_agent(yaml_file.parent)
    joined = " ".join(output.split())
    assert code == 1 and "the gate says no: score 0.0000 is 0.9000 below gate.min_score" in joined
    assert "gain +0.0000 over the base's 0.0000 is 0.3000 below gate.min_gain 0.3" in joined
    assert Registry(server.home).live() == before


def test_a_dropped_adapter_fails_parity(
    server: Gateway, yaml_file: Path, settings: Settings
) -> None:
    agent = load_agent(yaml_file)
    run_dir = steps.train(agent, settings)

    async def check() -> list[str]:
        client = EngineClient(server.engine_url, 60)
        try:
            parity = await steps.check_served(client, agent, run_dir, BASE_MODEL, settings)
        finally:
            await client.aclose()
        return parity.faults

    faults = asyncio.run(check())
    assert any("are not PEFT's" in fault for fault in faults)
    assert any("the adapter has no effect" in fault for fault in faults)


def test_a_router_that_would_lose_too_much_is_refused(yaml_file: Path) -> None:
    change = RoutingChange(router=Path(), before=0.95, after=0.91, newcomer=1.0)
    agent = load_agent(yaml_file)
    with pytest.raises(GateRefused, match=r"from 95\.00% to 91\.00%, by 1\.00 points more"):
        steps.refuse(change.faults(agent.config.gate.max_routing_loss), agent, Path("run"))


def test_what_vllm_cannot_serve_is_refused_at_once(server: Gateway, tmp_path: Path) -> None:
    refused = {
        "vLLM does not serve DoRA": {"use_dora": True},
        "adapter.r: 32 is above 16": {"r": 32},
        "q_proj match no module of the base": {"target_modules": ["q_proj"]},
    }
    started = {
        reason: start_add(server, write_agent(tmp_path / str(number), adapter=adapter))
        for number, (reason, adapter) in enumerate(refused.items())
    }
    for reason, process in started.items():
        output, _ = process.communicate()
        assert process.returncode == 2 and reason in " ".join(output.split()), output
    assert not any((server.home / "runs").glob("*/checkpoints"))


def test_afterwards_it_can_be_taken_out_again(server: Gateway) -> None:
    response = server.http.post(f"/admin/agents/{NAME}/unload")
    assert response.status_code == 200
    wait_until(lambda: f"{NAME}@1" not in server.adapters())
    text = "the sequel was superb, the plot above all"
    assert server.answer(text)["philharmonic"]["agent"] != NAME
