"""What the benchmark of the default setup makes of its runs."""

from pathlib import Path
from typing import Any

import pytest

from router.loadtest.files import make_folder, write_run
from router.loadtest.record import Record
from tests.benchmarks.loadtest_default_setup import (
    IDLE,
    KNEE,
    Row,
    Setup,
    accuracy_of_the_same_turns,
    page,
    verdicts,
)
from tests.benchmarks.profile import Profile
from tests.unit.loadtest_runs import record, report_of, run_of


def run(setup: Setup, name: str, records: list[Record]) -> Row:
    report = report_of(records)
    make_folder(setup.folder(name))
    write_run(setup.folder(name), report, run_of(records).records)
    as_json: dict[str, Any] = report.model_dump(mode="json")
    return Row("conversations, routed", "file", name, as_json)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup("http://gateway", "http://engine", 1, "ttft=1s", tmp_path)


@pytest.fixture
def rows(setup: Setup) -> list[Row]:
    """Idle all ten are right; at the knee one of these is wrong, and five others are right."""
    idle = [record(number, number / 2) for number in range(10)]
    knee = [
        record(number, number / 10, agent="general" if number == 3 else "cron")
        for number in range(15)
    ]
    above = [*knee, record(20, 3.0, agent=None, error="http_429")]
    named = {IDLE: idle, "half the knee": idle, KNEE: knee, "twice the knee": above}
    return [run(setup, name, records) for name, records in named.items()]


def test_accuracy_is_compared_on_the_same_turns(setup: Setup, rows: list[Row]) -> None:
    assert rows
    assert accuracy_of_the_same_turns(setup) == (10, 1.0, 0.9)


def test_every_aim_is_judged(setup: Setup, rows: list[Row]) -> None:
    assert verdicts(setup, rows) == [
        "- **missed**: the same 10 turns: 100.0% right idle, 90.0% at the knee",
        "- met: gateway's own p99 at half the knee: 0.5 ms",
        "- met: errors up to the knee: 0",
        "- met: errors at twice the knee: http_429",
    ]


def test_the_page_holds_table_plot_and_profile(setup: Setup, rows: list[Row]) -> None:
    profile = Profile()
    profile.read(["chat (serving/gateway/chat.py:40) 3", "select (selectors.py:9) 1"])
    text = page(setup, rows, ["Knee of routed conversations: 2 arrivals/s."], profile)
    assert "| conversations, routed | file | twice the knee |" in text
    assert "1 http_429 |" in text and "(default-setup.png)" in text
    assert "| 75.0% | `serving/gateway/chat.py chat` |" in text
