from pathlib import Path

import pytest

from agents.errors import DataError
from router.loadtest.compare import Comparison, as_rows, compare, load_run
from router.loadtest.config import Slo
from router.loadtest.report import RunReport
from tests.unit.loadtest_runs import report_of, steady

SLO = Slo(e2el_s=0.25)


@pytest.fixture(scope="module")
def base() -> RunReport:
    return report_of(steady(), SLO)


def measures(comparison: Comparison) -> set[str]:
    return {each.measure for each in comparison.regressions}


def test_a_run_is_no_regression_of_itself(base: RunReport) -> None:
    comparison = compare(base, base, 0.0, 0.0)
    assert not comparison.regressions and not comparison.settings
    assert {each.judgement for each in comparison.differences} == {"same"}
    assert {each.change for each in comparison.differences} == {0.0}


def test_the_noise_between_two_equal_runs_is_no_regression(base: RunReport) -> None:
    assert not measures(compare(base, report_of(steady(seed=1), SLO), 0.1, 0.01))


def test_slower_is_a_regression_beyond_the_bound_only(base: RunReport) -> None:
    slower = report_of(steady(scale=1.3), SLO)
    comparison = compare(base, slower, 0.1, 0.01)
    assert {"ttft mean (ms)", "ttft p50 (ms)"} <= measures(comparison)
    ttft = next(each for each in comparison.differences if each.measure == "ttft p50 (ms)")
    assert ttft.change == pytest.approx(0.3, abs=0.01)
    assert ttft.interval is not None and ttft.interval[0] < 0.3 < ttft.interval[1]
    lenient = compare(base, slower, 0.5, 1.0)
    assert not lenient.regressions
    assert any(each.judgement == "worse" for each in lenient.differences)


def test_faster_is_better_and_no_regression(base: RunReport) -> None:
    comparison = compare(base, report_of(steady(scale=0.7), SLO), 0.1, 0.01)
    assert not comparison.regressions
    assert any(each.judgement == "better" for each in comparison.differences)


def test_worse_routing_and_more_errors_are_regressions(base: RunReport) -> None:
    wrong = compare(base, report_of(steady(wrong=0.15), SLO), 0.1, 0.01)
    assert measures(wrong) == {"routing accuracy"}
    failing = compare(base, report_of(steady(failed=0.15), SLO), 0.5, 0.01)
    assert {"failed", "goodput"} <= measures(failing)


def test_differences_are_plain_json_too(base: RunReport) -> None:
    rows = as_rows(compare(base, base, 0.1, 0.01).differences)
    assert {"measure", "before", "after", "change", "change_95", "unit", "judgement"} == set(
        rows[0]
    )


def test_settings_that_differ_are_named(base: RunReport) -> None:
    other = base.model_copy(update={"settings": base.settings.model_copy(update={"rate": 20.0})})
    assert compare(base, other, 0.1, 0.01).settings == {"rate": (10.0, 20.0)}


def test_reports_are_read_strictly(base: RunReport, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with pytest.raises(DataError, match="no such file"):
        load_run(path)
    path.write_text(base.model_dump_json())
    assert load_run(path) == base
    path.write_text(base.model_dump_json().replace('"schema_version":1', '"schema_version":2'))
    with pytest.raises(DataError, match="schema_version"):
        load_run(path)
    path.write_text("{}")
    with pytest.raises(DataError, match="not a report"):
        load_run(path)
