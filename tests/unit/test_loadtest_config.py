import pytest

from agents.errors import ConfigError
from router.loadtest.config import (
    Arrivals,
    Bounds,
    Plan,
    Slo,
    parse_duration,
    parse_mix,
    parse_share,
    parse_slo,
)


def test_objectives_are_read_in_any_unit() -> None:
    slo = parse_slo("ttft=500ms, e2el=5s,accuracy=0.95")
    assert slo == Slo(ttft_s=0.5, e2el_s=5.0, accuracy=0.95, goodput=0.95)
    assert parse_slo("tpot=40ms,goodput=99%").goodput == pytest.approx(0.99)
    assert parse_slo(str(slo)) == slo


@pytest.mark.parametrize(
    "text", ["", "ttft", "ttft=", "ttft=-1s", "speed=5s", "accuracy=95", "ttft=1s,ttft=2s"]
)
def test_wrong_objectives_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_slo(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("5s", 5), ("2m", 120), ("1h", 3600), ("1.5", 1.5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "0", "0s", "-1s", "5 parsecs", "inf", "nan"])
def test_wrong_durations_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="500ms"):
        parse_duration(text)


def test_shares() -> None:
    assert parse_share("--x", "10%") == pytest.approx(0.1) == parse_share("--x", "0.1")
    with pytest.raises(ConfigError):
        parse_share("--x", "ten")


@pytest.mark.parametrize("text", ["file", "uniform", "zipf:1.2", "identical", "identical:cron"])
def test_a_mix_reads_back_as_it_is_written(text: str) -> None:
    assert str(parse_mix(text)) == text


@pytest.mark.parametrize("text", ["", "zipf:x", "zipf:-1", "file:3", "random"])
def test_wrong_mixes_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--mix"):
        parse_mix(text)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 1e6])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match="--rate"):
        Arrivals("poisson", rate)


def test_a_plan_is_open_or_closed() -> None:
    arrivals = Arrivals("poisson", 1.0)
    for both_or_none in ((arrivals, 4), (None, None)):
        with pytest.raises(ConfigError, match="one of the two"):
            Plan(*both_or_none, Bounds(), seed=0)
    with pytest.raises(ConfigError, match="--concurrency"):
        Plan(None, 0, Bounds(), seed=0)


def test_impossible_bounds_are_refused() -> None:
    with pytest.raises(ConfigError, match="--count"):
        Bounds(count=0)
    with pytest.raises(ConfigError, match="--burstiness"):
        Arrivals("gamma", 1.0, burstiness=0)
