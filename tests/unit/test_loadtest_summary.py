import pytest

from router.loadtest.config import Slo
from router.loadtest.health import health
from router.loadtest.routing import routing
from router.loadtest.summary import is_good
from tests.unit.loadtest_runs import plan, record, report_of, run_of, steady


def test_measures_follow_from_the_moments_of_each_turn() -> None:
    report = report_of([record(n, n / 2, ttft_s=0.1, gap_s=0.02) for n in range(20)])
    latency = report.latency
    for measured, expected in (
        (latency.ttft, 100),
        (latency.tpot, 20),
        (latency.itl, 20),
        (latency.e2el, 180),
    ):
        assert measured is not None
        assert measured.p50_ms == pytest.approx(expected, rel=2e-3)
        assert measured.mean_ms == pytest.approx(expected, rel=1e-6)
    assert latency.itl is not None and latency.itl.count == 80
    duration = 19 / 2 + 0.18
    assert report.request_throughput == pytest.approx(20 / duration)
    assert report.output_throughput == pytest.approx(100 / duration)
    assert report.total_token_throughput == pytest.approx(300 / duration)
    assert report.adapters["cron@1"].output_tokens == 100


def test_failed_turns_count_as_errors_and_not_as_fast_answers() -> None:
    turns = [record(0, 0.0), record(1, 0.1, ttft_s=0.0, gap_s=0.0, error="http_429")]
    report = report_of(turns, Slo(e2el_s=1.0))
    assert (report.completed, report.failed) == (1, 1)
    assert report.latency.e2el is not None and report.latency.e2el.count == 1
    assert [(e.kind, e.count, e.example) for e in report.errors] == [("http_429", 1, "broken")]
    assert report.slo is not None and report.slo.goodput_share == 0.5
    assert report.routing is not None and report.routing.judged_turns == 2


def test_a_good_turn_keeps_to_every_bound() -> None:
    turn = record(0, 0.0, ttft_s=0.1, gap_s=0.02)
    assert is_good(turn, Slo(ttft_s=0.11, tpot_s=0.021, e2el_s=0.19))
    assert not is_good(turn, Slo(ttft_s=0.09))
    assert not is_good(turn, Slo(tpot_s=0.019))
    assert not is_good(turn, Slo(e2el_s=0.17))
    assert not is_good(record(0, 0.0, error="timeout"), Slo())


def test_goodput_and_accuracy_decide_whether_objectives_are_met() -> None:
    turns = steady(wrong=0.1)
    assert report_of(turns, Slo(e2el_s=5.0)).slo.met  # type: ignore[union-attr]
    verdict = report_of(turns, Slo(e2el_s=5.0, accuracy=0.95)).slo
    assert verdict is not None and not verdict.met
    assert verdict.accuracy == pytest.approx(0.9, abs=0.04)
    assert not report_of(turns, Slo(ttft_s=0.05)).slo.met  # type: ignore[union-attr]


def test_hand_offs_are_judged_within_a_conversation() -> None:
    said = [("cron", "cron"), ("home", "home"), ("home", "cron"), ("cron", "cron"), ("sql", "cron")]
    turns = [
        record(n, float(n), expected=right, agent=chosen, turn=n, arrival=0)
        for n, (right, chosen) in enumerate(said)
    ]
    other = record(9, 9.0, expected="sql", agent="sql", arrival=1)
    judged = routing([*turns, other])
    assert judged is not None
    assert judged.accuracy == pytest.approx(4 / 6)
    # Expected: cron to home (found), home to cron (found), cron to sql (missed).
    assert (judged.handoffs_expected, judged.handoff_recall) == (3, pytest.approx(2 / 3))
    # Made: to home, and back to cron one turn too early, which is the false one.
    assert judged.handoffs == 2
    assert judged.false_handoffs_per_100_turns == pytest.approx(100 / 6)
    assert judged.confusion["home"] == {"cron": 1, "home": 1}


def test_routing_is_reported_by_stage() -> None:
    turns = [record(n, n / 10, stage="fast" if n % 4 else "label_read") for n in range(40)]
    judged = routing(turns)
    assert judged is not None
    assert judged.stages["label_read"].share == 0.25
    assert judged.stages["fast"].route is not None
    assert judged.stages["fast"].route.p50_ms == pytest.approx(2.0, rel=2e-3)
    assert routing([record(0, 0.0, agent=None)]) is None


def test_a_generator_that_is_late_says_so() -> None:
    fine = health(run_of(steady()), plan(), cpu_s=1.0)
    assert not fine.is_bottleneck and not fine.warnings
    assert fine.rate_error == pytest.approx(0.0, abs=1e-9)
    late = steady()
    for each in late:
        each.started_s = 1.2 * each.intended_s
    report = health(run_of(late), plan(), cpu_s=1.0)
    assert report.is_bottleneck
    assert report.rate_error == pytest.approx(1 - 1 / 1.2, abs=0.001)
    assert any("off the intended" in warning for warning in report.warnings)
    assert any("late" in warning for warning in report.warnings)
    busy = health(run_of(steady()), plan(), cpu_s=1000.0)
    assert any("of a core" in warning for warning in busy.warnings)


def test_windows_add_up_to_the_run() -> None:
    report = report_of(steady(failed=0.1))
    assert sum(window.requests for window in report.timeline) == 400
    assert sum(window.answered for window in report.timeline) == report.completed
    assert sum(window.failed for window in report.timeline) == report.failed
    assert sum(window.output_tokens for window in report.timeline) == report.total_output_tokens
