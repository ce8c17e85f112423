import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agents.artifacts import sha256_of
from agents.registry import Registry
from router.artifact import FAST_PATH_FILE, SPEC_FILE, read_spec, write_spec
from router.extend import PARENT
from router.fast_path import load_fast_path
from tests.unit.adapter_folder import agent_config, write_adapter
from tests.unit.conftest import Cli

VERBS = ("fit", "calibrate", "eval", "explain", "lint")
WORDS = {
    "home": (("open", "close", "dim"), ("blind", "door", "oven", "lamp", "garage", "heater")),
    "sql": (("list", "count", "total"), ("orders", "clients", "books", "sales", "rows", "months")),
    "none": (("who was", "explain", "why"), ("Napoleon", "tea", "jazz", "whales", "rain", "Mars")),
}


def write_rows(path: Path, please: str) -> Path:
    rows = [
        {"text": f"{please} {verb} the {thing}", "domain": domain, "intent": verb}
        for domain, (verbs, things) in WORDS.items()
        for verb in verbs
        for thing in things
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def train(tmp_path: Path) -> list[str]:
    files = [write_rows(tmp_path / f"{word}.jsonl", word) for word in ("please", "now", "well")]
    return [str(file) for file in files]


@pytest.fixture
def router(cli: Cli, tmp_path: Path, train: list[str]) -> str:
    out = str(tmp_path / "router")
    code, _, err = cli("router", "fit", "--train", *train, "--out", out, "--llm-turns", "0")
    assert code == 0, err
    return out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_does(cli: Cli, verb: str) -> None:
    code, out, _ = cli("router", verb, "--help")
    assert code == 0 and f"philharmonic router {verb}" in out


def test_agents_come_from_the_rows_and_nobody_answers_what_fits_none(router: str) -> None:
    spec = read_spec(Path(router))
    assert spec.agents == ("home", "sql", "none")
    assert spec.fallback == "none" and spec.labels == {}


def test_a_report_is_printed_and_written(cli: Cli, router: str, tmp_path: Path) -> None:
    data = str(write_rows(tmp_path / "test.jsonl", "please now"))
    json_file, png_file = tmp_path / "report.json", tmp_path / "report.png"
    arguments = ("--data", data, "--json", str(json_file), "--png", str(png_file))
    code, out, err = cli("router", "eval", "--router", router, *arguments)
    assert code == 0, err
    report = json.loads(json_file.read_text())
    assert report["in_scope_accuracy"] > 0.9 and report["oos_auroc"] > 0.9
    assert report["stage_share"] == {"fast": 1.0}
    assert 0 <= report["flip_rate_under_typos"] <= 1
    assert report["latency_ms"]["fast"]["p50"] < 100
    assert "in-scope accuracy" in out and "out-of-scope recall" in out
    assert png_file.read_bytes().startswith(b"\x89PNG")


def test_what_the_router_does_not_know_is_left_out_aloud(
    cli: Cli, router: str, tmp_path: Path
) -> None:
    data = tmp_path / "test.jsonl"
    chess = json.dumps({"text": "move the knight", "domain": "chess"})
    data.write_text(f"{json.dumps({'text': 'open the door', 'domain': 'home'})}\n{chess}\n")
    code, out, _ = cli("router", "eval", "--router", router, "--data", str(data))
    assert code == 0 and "chess (1 turns)" in out
    data.write_text(chess)
    code, _, err = cli("router", "eval", "--router", router, "--data", str(data))
    assert code == 2 and "home, sql, none" in err


def test_a_stricter_target_refuses_fewer(cli: Cli, router: str, tmp_path: Path) -> None:
    data = str(write_rows(tmp_path / "held.jsonl", "so"))
    floors = []
    for target in ("0.3", "0.0"):
        arguments = ("--data", data, "--false-refusals", target)
        code, out, err = cli("router", "calibrate", "--router", router, *arguments)
        assert code == 0, err
        assert f"{float(target):.1%} of in-scope turns refused" in out
        floors.append(read_spec(Path(router)).policy.floor)
    assert floors[0] > floors[1]


def test_a_decision_is_explained(cli: Cli, router: str) -> None:
    code, out, err = cli("router", "explain", "close the door", "--router", router, "--json")
    assert code == 0, err
    about = json.loads(out)
    assert about["agent"] == "home" and about["stage"] == "fast"
    assert sum(about["probabilities"].values()) == pytest.approx(1.0)
    features = {each["ngram"] for each in about["features"] if each["weight"] > 0}
    assert features & {"close", "door", "the door", "close the"}
    code, out, _ = cli("router", "explain", "close the door", "--router", router)
    assert code == 0 and "home" in out and "decided by fast" in out


def test_an_adapter_of_other_agents_is_not_taken_over(
    cli: Cli, router: str, train: list[str]
) -> None:
    with_adapter(Path(router), {"sql": " A", "home": " B"})
    arguments = ("--train", *train, "--out", router)
    code, _, err = cli("router", "fit", *arguments)
    assert code == 1 and "was trained for sql, home" in err and "give another --out" in err


def test_an_adapter_that_may_know_the_rows_held_out_is_not_kept(
    cli: Cli, router: str, train: list[str]
) -> None:
    with_adapter(Path(router), {"home": " A", "sql": " B", "none": " C"})
    code, _, err = cli("router", "fit", "--train", *train[:2], "--out", router)
    assert code == 1 and "trained on other rows" in err and "--calibration" in err


def with_adapter(router: Path, labels: dict[str, str]) -> None:
    """As if the router had been fitted with a router LLM."""
    (router / "adapter").mkdir()
    spec = read_spec(router)
    write_spec(spec.model_copy(update={"labels": labels}), router)


def test_a_report_that_could_not_be_written_is_refused_at_once(
    cli: Cli, router: str, train: list[str], tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "nowhere" / "report.json")
    arguments = ("--router", router, "--data", train[0], "--json", nowhere)
    code, out, err = cli("router", "eval", *arguments)
    assert code == 2 and "there is no folder" in err and not out


def test_a_fallback_answers_what_is_out_of_scope(
    cli: Cli, train: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "x"
    arguments = ("--out", str(out), "--fallback", "concierge", "--llm-turns", "0")
    code, _, err = cli("router", "fit", "--train", *train, *arguments)
    assert code == 0, err
    assert read_spec(out).agents == ("concierge", "home", "sql")
    assert read_spec(out).fallback == "concierge"


def test_a_fallback_that_would_have_no_row_is_refused(cli: Cli, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    each = [{"text": f"open door {n}", "domain": "home"} for n in range(20)]
    rows.write_text("\n".join(map(json.dumps, each)), encoding="utf-8")
    arguments = ("--out", str(tmp_path / "x"), "--fallback", "concierge", "--llm-turns", "0")
    code, _, err = cli("router", "fit", "--train", str(rows), *arguments)
    assert code == 2 and "--fallback concierge: no row names it" in err


def test_a_router_for_other_agents_is_not_written_over(
    cli: Cli, router: str, tmp_path: Path
) -> None:
    before = (Path(router) / SPEC_FILE).read_bytes()
    rows = tmp_path / "rows.jsonl"
    each = [{"text": f"castle in move {n}", "domain": "chess"} for n in range(20)]
    rows.write_text("\n".join(map(json.dumps, each)), encoding="utf-8")
    code, _, err = cli("router", "fit", "--train", str(rows), "--out", router, "--llm-turns", "0")
    assert code == 1 and "holds a router for home, sql, none" in err and "another --out" in err
    assert (Path(router) / SPEC_FILE).read_bytes() == before


def test_an_adapter_for_another_base_is_not_kept(
    cli: Cli, router: str, train: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_adapter(Path(router), {"home": " A", "sql": " B", "none": " C"})
    monkeypatch.setenv("PHILHARMONIC_BASE", "phi-3-mini-4k")
    code, _, err = cli("router", "fit", "--train", *train, "--out", router)
    assert code == 1 and "is for base default, not phi-3-mini-4k" in err


def test_lint_finds_what_overlaps(cli: Cli, train: list[str], tmp_path: Path) -> None:
    assert cli("router", "lint", "--data", *train)[0] == 0
    twice = tmp_path / "twice.jsonl"
    rows = [
        {"text": f"{verb} the {thing}", "domain": domain}
        for domain in ("home", "garden")
        for verb in ("open", "close")
        for thing in ("gate", "tap", "shed", "fence")
    ]
    twice.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, out, err = cli("router", "lint", "--data", *train, str(twice))
    assert code == 1
    assert "'open the gate' is labelled garden and home: keep one" in err
    assert "garden" in out


def test_lint_passes_over_agents_of_a_few_turns(cli: Cli, train: list[str], tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text(json.dumps({"text": "book a flight", "domain": "travel"}), encoding="utf-8")
    code, out, err = cli("router", "lint", "--data", *train, str(few))
    assert code == 0, err
    assert "travel" not in out


def test_the_router_in_service_is_the_one_that_is_asked(
    cli: Cli, home: Path, router: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHILHARMONIC_ROUTER_DIR", router)
    extended = tmp_path / "extended"
    shutil.copytree(router, extended)
    spec = read_spec(extended)
    # The same models, but to it the class of `sql` is an agent called `bank`.
    names = ("home", "bank", "none")
    data = {**spec.data, PARENT: sha256_of(Path(router) / SPEC_FILE)}
    fast_path = replace(load_fast_path(extended / FAST_PATH_FILE), agents=names)
    fast_path.save(extended / FAST_PATH_FILE)
    data["fast_path"] = sha256_of(extended / FAST_PATH_FILE)
    write_spec(spec.model_copy(update={"agents": names, "data": data}), extended)
    (extended / "added" / "bank").mkdir(parents=True)
    write_rows(extended / "added" / "bank" / "train.jsonl", "please")
    adapter = write_adapter(tmp_path / "bank")
    Registry(home).publish_with_router(agent_config("bank"), adapter, extended)
    code, out, err = cli("router", "explain", "count the orders", "--json")
    assert code == 0, err
    assert json.loads(out)["agent"] == "bank"
    held = str(write_rows(tmp_path / "held.jsonl", "so"))
    code, _, err = cli("router", "calibrate", "--data", held)
    assert code == 0 and "to be added again" in err and "bank" in err
