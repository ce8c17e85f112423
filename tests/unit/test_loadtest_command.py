"""``philharmonic loadtest`` from its options to its files, against a real local server."""

import csv
import json
import re
from functools import partial
from pathlib import Path

import pytest

from agents.settings import ROOT
from router.loadtest.report import REPORT, json_schema
from tests.unit.conftest import Cli
from tests.unit.toy_gateway import ToyGateway

ROWS = [
    {"text": "cron every day", "domain": "cron"},
    {"text": "home lights", "domain": "home"},
    {"text": "hello", "domain": "none"},
    {
        "turns": [
            {"role": "user", "content": "cron every hour", "domain": "cron"},
            {"role": "assistant", "content": "0 * * * *"},
            {"role": "user", "content": "home heating", "domain": "home"},
        ]
    },
]


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    path = tmp_path / "workload.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS))
    return path


@pytest.fixture
def cli(cli: Cli) -> Cli:
    """Runs ``philharmonic loadtest``; gives its exit code, what it printed, and its errors."""
    return partial(cli, "loadtest")


@pytest.fixture
def short(workload: Path, tmp_path: Path) -> list[str]:
    """Options of a run of a second."""
    return [
        *("--workload", str(workload), "--rate", "20", "--arrivals", "constant"),
        *("--duration", "1s", "--out", str(tmp_path / "report"), "--timeout", "20s"),
    ]


def test_a_chat_run_writes_every_file_and_says_what_it_found(
    cli: Cli, short: list[str], tmp_path: Path
) -> None:
    with ToyGateway(misroutes=frozenset({"home lights"})).serving() as toy:
        code, out, _ = cli("--url", toy.url, *short, "--slo", "e2el=20s")
    assert code == 0
    folder = tmp_path / "report"
    report = REPORT.validate_json((folder / "report.json").read_bytes())
    assert report.kind == "run"
    # Twenty arrivals over four rows, the last of two turns.
    assert (report.arrived, report.completed, report.failed) == (20, 25, 0)
    assert report.routing is not None and report.slo is not None
    assert report.routing.accuracy == 20 / 25
    assert (report.routing.handoffs, report.routing.handoffs_expected) == (5, 5)
    assert set(report.agents) == {"cron", "home", "general"}
    assert report.gateway is not None and report.gateway.p50_ms == pytest.approx(0.5, rel=0.01)
    assert report.queue[0].gateway_in_flight == 3
    assert report.total_output_tokens == 25 * 8
    assert report.slo.met
    with (folder / "requests.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 25 and {row["error"] for row in rows} == {""}
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert "routing accuracy" in out and "80.00%" in out and "TTFT" in out


def test_the_page_opens_offline(cli: Cli, short: list[str], tmp_path: Path) -> None:
    with ToyGateway().serving() as toy:
        assert cli("--url", toy.url, "--target", "route", *short)[0] == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', page)
    assert all(source.startswith("data:") for source in sources)
    assert "<script" not in page


@pytest.mark.parametrize("target", ["route", "pinned", "openai"])
def test_every_target_has_a_report(cli: Cli, short: list[str], target: str, workload: Path) -> None:
    workload.write_text("\n".join(json.dumps(row) for row in ROWS[:2]))
    options = ["--model", "{agent}"] if target == "openai" else []
    with ToyGateway().serving() as toy:
        code, out, _ = cli("--url", toy.url, "--target", target, *options, *short, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["completed"] == 20
    assert (report["routing"] is None) == (target != "route")
    assert (report["latency"]["ttft"] is None) == (target == "route")
    assert report["settings"]["target"] == target
    if target == "route":
        assert report["routing"]["stages"]["fast"]["route"]["p50_ms"] == pytest.approx(
            1.5, rel=0.01
        )


def test_closed_loops_and_traces(cli: Cli, short: list[str], tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text("\n".join(json.dumps({"timestamp": n / 10}) for n in range(5)))
    given = [each for each in short if each not in ("--rate", "20", "--arrivals", "constant")]
    with ToyGateway(first_s=0.05).serving() as toy:
        code, out, _ = cli("--url", toy.url, *given, "--trace", str(trace), "--json")
        assert code == 0
        assert json.loads(out)["arrived"] == 5
        options = ("--concurrency", "2", "--count", "6", "--json")
        code, out, _ = cli("--url", toy.url, *given, *options)
    report = json.loads(out)
    assert (code, report["arrived"], report["settings"]["arrivals"]) == (0, 6, "closed")


def test_missed_objectives_are_exit_code_1(cli: Cli, short: list[str]) -> None:
    with ToyGateway(first_s=0.1).serving() as toy:
        code, _, err = cli("--url", toy.url, *short, "--slo", "ttft=50ms")
        assert (code, "objectives were missed" in err) == (1, True)
        code, _, err = cli("--url", toy.url, *short, "--slo", "accuracy=1.0")
        assert code == 0, err


def test_a_run_without_answers_is_exit_code_1(cli: Cli, short: list[str]) -> None:
    with ToyGateway(status=lambda _: 500).serving() as toy:
        code, out, err = cli("--url", toy.url, *short)
    assert code == 1
    assert "none of 20 turns was answered: http_500: not now" in err
    assert "http_500" in out


def test_a_sweep_finds_where_the_server_gives_in(
    cli: Cli, short: list[str], tmp_path: Path
) -> None:
    """Two at a time, a fifth of a second each: ten a second are its limit."""
    given = [*short[: short.index("--rate")], "--duration", "2s", *short[-4:]]
    with ToyGateway(first_s=0.2, at_once=2, words=1).serving() as toy:
        options = ("--single", "--rate", "2", "--arrivals", "constant", "--sweep", "--trials", "1")
        objectives = ("--slo", "e2el=700ms,goodput=0.9", "--tolerance", "50%", "--budget", "60s")
        code, out, err = cli("--url", toy.url, *given, *options, *objectives)
    assert code == 0, err
    report = REPORT.validate_json((tmp_path / "report" / "report.json").read_bytes())
    assert report.kind == "sweep"
    assert report.knee is not None and 2 <= report.knee <= 20
    assert report.missed_from is not None and report.missed_from > report.knee
    assert (tmp_path / "report" / "plot.png").exists()
    assert (tmp_path / "report" / "rates.csv").read_text().count("\n") == len(report.points) + 1
    assert "Knee" in out


def test_cold_loads_are_measured(cli: Cli, short: list[str]) -> None:
    with ToyGateway().serving() as toy:
        code, out, err = cli("--url", toy.url, *short, "--cold-load", "--json")
    assert code == 0, err
    cold = {each["agent"]: each for each in json.loads(out)["cold_loads"]}
    assert set(cold) == {"cron", "home"}
    # The toy brings an agent back after a fifth of a second.
    assert cold["cron"]["ready_ms"] >= 200 > cold["cron"]["ready_ms"] - cold["cron"]["cost_ms"]
    assert toy.calls == {"unload": 2, "activate": 2}
    assert all(toy.live.values())


def test_a_regression_is_exit_code_1(cli: Cli, short: list[str], tmp_path: Path) -> None:
    reports = []
    for name, first_s in (("base", 0.05), ("again", 0.05), ("slow", 0.5)):
        folder = tmp_path / name
        with ToyGateway(first_s=first_s).serving() as toy:
            assert cli("--url", toy.url, *short, "--out", str(folder))[0] == 0
        reports.append(str(folder / "report.json"))
    base, again, slow = reports
    code, out, err = cli("compare", base, slow)
    assert code == 1
    assert "REGRESSION" in out and "regression: ttft mean" in err
    assert cli("compare", base, again, "--max-regression", "500%")[0] == 0
    code, out, _ = cli("compare", base, slow, "--json")
    assert code == 1
    rows = {row["measure"]: row for row in json.loads(out)["differences"]}
    assert rows["ttft p50 (ms)"]["judgement"] == "regression"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rate", "0"), "--rate 0"),
        (("--rate", "1e9"), "--rate 1e+09"),
        (("--rate", "0.0001", "--duration", "1s"), "nothing arrives within 1 s"),
        (("--rate", "5", "--concurrency", "2"), "leave out --rate"),
        (("--slo", "ttft"), "--slo 'ttft'"),
        (("--mix", "none"), "--mix 'none'"),
        (("--duration", "soon"), "'soon' is not a time"),
        (("--sweep",), "--sweep needs objectives"),
        (("--arrivals", "trace"), "--trace FILE"),
        (("--trace", "nowhere.jsonl"), "nowhere.jsonl: no such file"),
        (("--workload", "nowhere.jsonl"), "nowhere.jsonl: no such file"),
        (("--model", "x"), "--model is for --target openai"),
        (("--cold-load", "--target", "route"), "--cold-load needs the gateway"),
        (("--target", "pinned", "--slo", "accuracy=0.9"), "nothing is routed"),
        (("--url", "nonsense"), "give http://HOST:PORT"),
        (("--target", "telnet"), "telnet"),
    ],
)
def test_wrong_options_are_exit_code_2(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    with ToyGateway().serving() as toy:
        code, _, err = cli("--url", toy.url, *arguments)
    assert (code, message in err) == (2, True), err
    assert "Traceback" not in err


def test_a_target_that_is_not_there_is_explained(cli: Cli, short: list[str]) -> None:
    code, _, err = cli("--url", "http://127.0.0.1:9", *short)
    assert code == 1
    assert "no server answers at http://127.0.0.1:9" in err and "philharmonic serve" in err


def test_a_wrong_key_is_explained_and_a_right_one_is_sent(
    cli: Cli, short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ToyGateway(key="secret").serving() as toy:
        code, _, err = cli("--url", toy.url, *short, "--api-key", "wrong")
        assert (code, "PHILHARMONIC_API_KEY" in err) == (2, True)
        assert cli("--url", toy.url, *short, "--api-key", "secret")[0] == 0
        monkeypatch.setenv("PHILHARMONIC_API_KEY", "secret")
        code, out, _ = cli("--url", toy.url, *short, "--json")
    assert code == 0
    assert "secret" not in out


def test_an_agent_that_the_server_lacks_is_named(
    cli: Cli, short: list[str], workload: Path
) -> None:
    workload.write_text('{"text": "mate in two", "domain": "chess"}')
    with ToyGateway().serving() as toy:
        code, _, err = cli("--url", toy.url, *short)
    assert code == 2
    assert "does not serve chess" in err and "cron, general, home" in err
    assert not toy.bodies


def test_help_shows_examples(cli: Cli) -> None:
    code, out, _ = cli("--help")
    assert code == 0
    assert "--sweep --slo" in out and "Exit code 0" in out
    assert cli("compare", "--help")[0] == 0


def test_the_schema_of_reports_is_the_documented_one() -> None:
    """After a change: ``python -m router.loadtest.report > docs/loadtest.schema.json``."""
    assert (ROOT / "docs" / "loadtest.schema.json").read_text() == json_schema()
