"""Versions come and go while the server runs; whoever asks meanwhile gets an answer."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.artifacts import MANIFEST, WEIGHTS, sha256_of
from tests.integration.gateway import Gateway, content_of, wait_until
from tests.integration.hot_swap import change_versions_under_load

pytestmark = pytest.mark.engine

QUESTION = "every weekday at half past nine in the morning"


@pytest.fixture(autouse=True)
def _leave_everything_as_it_was(server: Gateway, tmp_path: Path) -> Iterator[None]:
    folder, saved = server.catalog / "cron", tmp_path / "cron"
    shutil.copytree(folder, saved)
    yield
    shutil.copytree(saved, folder, dirs_exist_ok=True)
    admin(server, "cron", "activate", version=1)
    wait_until(lambda: server.is_ready() and "cron@1" in server.adapters())
    wait_until(lambda: not {a for a in server.adapters() if a.startswith("cron@")} - {"cron@1"})


def admin(server: Gateway, agent: str, verb: str, **body: Any) -> dict[str, Any]:
    response = server.http.post(f"/admin/agents/{agent}/{verb}", json=body or None)
    assert response.status_code == 200, response.text
    about: dict[str, Any] = response.json()
    return about


def shorten_answers(server: Gateway) -> None:
    """Change the catalog's cron so that its answers are cut after three tokens."""
    path = server.catalog / "cron" / "agent.yaml"
    changed = path.read_text().replace("max_tokens: 64", "max_tokens: 3")
    assert "max_tokens: 3" in changed
    path.write_text(changed)


def answering(server: Gateway) -> str:
    """The version of cron that answers now."""
    return str(server.answer(QUESTION, "cron")["model"])


@contextmanager
def asked_all_the_time(server: Gateway) -> Iterator[list[dict[str, Any]]]:
    """Two users who ask cron without a pause; yields what they get."""
    answers: list[dict[str, Any]] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            response = server.chat(QUESTION, "cron")
            answers.append({"status": response.status_code, **response.json()})

    users = [threading.Thread(target=ask) for _ in range(2)]
    for user in users:
        user.start()
    try:
        yield answers
    finally:
        enough.set()
        for user in users:
            user.join()


def test_versions_change_under_load_and_nobody_notices(server: Gateway) -> None:
    whole = content_of(server.answer(QUESTION, "cron"))
    with asked_all_the_time(server) as answers:
        shorten_answers(server)
        about = admin(server, "cron", "load")
        assert (about["live"], len(about["versions"])) == (2, 2)
        wait_until(lambda: answering(server) == "cron@2")
        admin(server, "cron", "activate", version=1)
        wait_until(lambda: answering(server) == "cron@1")
        assert admin(server, "cron", "rollback")["live"] == 2
        wait_until(lambda: answering(server) == "cron@2")
        assert "cron@1 is live again" in server.cli("rollback", "cron")
        wait_until(lambda: answering(server) == "cron@1")
        # As fast as it goes, so that requests meet every state in between.
        for version in (2, 1) * 5:
            admin(server, "cron", "activate", version=version)
            wait_until(lambda wanted=f"cron@{version}": answering(server) == wanted)  # type: ignore[misc]
    assert {answer["status"] for answer in answers} == {200}, answers[-1]
    seen = {(a["model"], content_of(a), a["choices"][0]["finish_reason"]) for a in answers}
    assert {model for model, _, _ in seen} == {"cron@1", "cron@2"}
    assert {(text, reason) for model, text, reason in seen if model == "cron@1"} == {
        (whole, "stop")
    }
    assert {reason for model, _, reason in seen if model == "cron@2"} == {"length"}


def test_under_constant_load_no_turn_is_lost_or_mixed_and_roll_back_takes_no_second(
    server: Gateway,
) -> None:
    outcome = change_versions_under_load(server, rate=3, seconds=30)
    assert (outcome.lost, outcome.mixed) == ([], [])
    assert (outcome.turns, outcome.streams > 5) == (90, True)
    assert len(outcome.answers) == 2
    assert set.intersection(*outcome.answers.values()) == set()
    back = {effect.what: effect for effect in outcome.effects if "roll" in effect.what}
    assert len(back) == 2
    for effect in back.values():
        assert effect.last_old_s < 1 and effect.first_s < 2, effect


def test_a_loaded_version_is_listed(server: Gateway) -> None:
    shorten_answers(server)
    admin(server, "cron", "load")
    wait_until(lambda: server.is_ready() and "cron@1" not in server.adapters())
    listed = server.http.get("/admin/agents").json()["agents"]
    cron = next(agent for agent in listed if agent["name"] == "cron")
    versions = [(v["version"], v["live"], v["loaded"]) for v in cron["versions"]]
    assert versions[:2] == [(1, False, False), (2, True, True)]
    assert not any(live or loaded for _, live, loaded in versions[2:])  # of the tests before
    assert cron["versions"][0]["base"] == "default"
    rows = json.loads(server.cli("agents", "--json"))
    assert [row["live"] for row in rows if row["agent"] == "cron"][:2] == [False, True]


def test_an_agent_can_leave_and_come_back(server: Gateway) -> None:
    assert admin(server, "cron", "unload")["live"] is None
    gone = server.chat(QUESTION, "cron")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "model_not_found")
    assert "cron" not in {model["id"] for model in server.http.get("/v1/models").json()["data"]}
    assert server.answer(QUESTION)["philharmonic"]["agent"] != "cron"
    wait_until(lambda: not any(name.startswith("cron@") for name in server.adapters()))
    assert server.is_ready()
    assert admin(server, "cron", "load")["live"] == 1
    wait_until(server.is_ready)
    assert answering(server) == "cron@1"
    assert server.answer(QUESTION)["philharmonic"]["agent"] == "cron"


def test_a_command_in_another_process_is_followed(server: Gateway) -> None:
    shorten_answers(server)
    assert "cron@2 is live" in server.cli("publish", "cron")
    wait_until(lambda: answering(server) == "cron@2", timeout_s=6)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chess/load", None),
        ("chess/activate", {"version": 1}),
        ("chess/rollback", None),
        ("chess/unload", None),
        ("cron/activate", {"version": 99}),
    ],
)
def test_what_is_not_there_cannot_be_changed(
    server: Gateway, path: str, body: dict[str, int] | None
) -> None:
    response = server.http.post(f"/admin/agents/{path}", json=body)
    assert response.status_code == 404, response.text
    assert response.json()["error"]["message"]
    assert answering(server) == "cron@1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda weights: weights[:-100], "cut off or padded"),
        (lambda weights: weights[:-1] + bytes([weights[-1] ^ 1]), "written for other weights"),
    ],
)
def test_a_damaged_adapter_is_refused_at_the_door(
    server: Gateway, change: Callable[[bytes], bytes], reason: str
) -> None:
    path = server.catalog / "cron" / "adapter" / WEIGHTS
    path.write_bytes(change(path.read_bytes()))
    response = server.http.post("/admin/agents/cron/load")
    assert response.status_code == 400
    assert reason in response.json()["error"]["message"]
    assert answering(server) == "cron@1"


def test_an_adapter_that_vllm_refuses_pushes_nobody_out(server: Gateway) -> None:
    assert answering(server) == "cron@1"
    folder = server.catalog / "cron" / "adapter"
    weights = (folder / WEIGHTS).read_bytes()
    assert b"qkv_proj" in weights
    (folder / WEIGHTS).write_bytes(weights.replace(b"qkv_proj", b"xyz_proj"))
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["adapter_sha256"] = sha256_of(folder / WEIGHTS)
    (folder / MANIFEST).write_text(json.dumps(manifest))
    refused = admin(server, "cron", "load")["live"]
    wait_until(lambda: f"cron@{refused}" in server.http.get("/readyz").json().get("refused", {}))
    for _ in range(3):
        assert answering(server) == "cron@1"
        assert server.answer("turn on the tv", "home")["model"] == "home@1"
    admin(server, "cron", "rollback")
    wait_until(server.is_ready)
    assert answering(server) == "cron@1"
