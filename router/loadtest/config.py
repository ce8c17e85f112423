"""What a load test is asked to do: frozen values, read from the words of the command line."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agents.errors import ConfigError

TargetKind = Literal["route", "chat", "pinned", "openai"]
ArrivalKind = Literal["poisson", "constant", "gamma", "ramp", "trace"]
MixKind = Literal["file", "uniform", "zipf", "identical"]

INTERRUPTED = "interrupted"
"""Why a run ended that somebody ended by hand."""

#: Above this one Python process cannot keep its own schedule (docs/loadtest.md).
MAX_RATE = 10_000.0

#: A schedule and its records are kept in memory.
MAX_COUNT = 1_000_000

DEFAULT_GOODPUT = 0.95
_ZIPF_EXPONENT = 1.5
_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Arrivals:
    """When conversations (or single turns) arrive.

    Attributes:
        rate: arrivals per second; a ramp's last, a trace's mean (None: as recorded).
        burstiness: shape of the gamma distribution of gaps, as in ``vllm bench serve``: 1 is
            Poisson, less is burstier, more is more even.
        ramp_from: rate at which a ramp begins.
    """

    kind: ArrivalKind
    rate: float | None
    burstiness: float = 1.0
    ramp_from: float = 0.0

    def __post_init__(self) -> None:
        if self.rate is None:
            if self.kind != "trace":
                raise ConfigError(f"{self.kind} arrivals need a rate: give --rate")
        else:
            check_rate(self.rate)
        if not (math.isfinite(self.burstiness) and self.burstiness > 0):
            raise ConfigError(f"--burstiness {self.burstiness:g}: it must be above 0")
        if not (math.isfinite(self.ramp_from) and 0 <= self.ramp_from <= MAX_RATE):
            raise ConfigError(f"--ramp-from {self.ramp_from:g}: it must be 0 or more")


def check_rate(rate: float) -> None:
    """Refuse a rate that cannot be kept; `ConfigError`."""
    if not (math.isfinite(rate) and 0 < rate <= MAX_RATE):
        raise ConfigError(
            f"--rate {rate:g}: give arrivals per second above 0 and up to {MAX_RATE:,.0f}; for "
            "more, run several generators"
        )


@dataclass(frozen=True)
class Mix:
    """Which agents the arrivals ask for; ``zipf`` ranks them by name."""

    kind: MixKind = "file"
    exponent: float = _ZIPF_EXPONENT
    agent: str | None = None

    def __str__(self) -> str:
        match self.kind:
            case "zipf":
                return f"zipf:{self.exponent:g}"
            case "identical":
                return "identical" if self.agent is None else f"identical:{self.agent}"
            case _:
                return self.kind


def parse_mix(text: str) -> Mix:
    """``file``, ``uniform``, ``zipf[:EXPONENT]`` or ``identical[:AGENT]``; `ConfigError`."""
    kind, _, detail = text.partition(":")
    match kind:
        case "file" | "uniform" if not detail:
            return Mix(kind)
        case "zipf":
            try:
                exponent = float(detail) if detail else _ZIPF_EXPONENT
            except ValueError:
                exponent = math.nan
            if math.isfinite(exponent) and exponent >= 0:
                return Mix("zipf", exponent)
        case "identical":
            return Mix("identical", agent=detail or None)
    raise ConfigError(f"--mix {text!r}: give file, uniform, zipf, zipf:1.2, or identical:AGENT")


@dataclass(frozen=True)
class Slo:
    """What a good request is (seconds), and how large a share of them must be (of 1).

    Attributes:
        goodput: share of all requests that must be answered within every bound.
        accuracy: share of routed turns that must reach the right agent.
    """

    ttft_s: float | None = None
    tpot_s: float | None = None
    e2el_s: float | None = None
    accuracy: float | None = None
    goodput: float = DEFAULT_GOODPUT

    def __str__(self) -> str:
        bounds = {"ttft": self.ttft_s, "tpot": self.tpot_s, "e2el": self.e2el_s}
        parts = [f"{name}={1000 * at:g}ms" for name, at in bounds.items() if at is not None]
        if self.accuracy is not None:
            parts.append(f"accuracy={self.accuracy:g}")
        return ",".join([*parts, f"goodput={self.goodput:g}"])


def parse_slo(text: str) -> Slo:
    """``ttft=500ms,e2el=5s,accuracy=0.95``; keys ttft, tpot, e2el, accuracy, goodput.

    Raises:
        ConfigError: an unknown key, one given twice, or a value out of range.
    """
    values: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in _SLO_FIELDS:
            raise ConfigError(
                f"--slo {part.strip()!r}: write KEY=VALUE with a key of "
                f"{', '.join(_SLO_FIELDS)}, such as ttft=500ms,e2el=5s,accuracy=0.95"
            )
        field = _SLO_FIELDS[name]
        if field in values:
            raise ConfigError(f"--slo: {name} is given twice")
        values[field] = parse_duration(value) if field.endswith("_s") else _share(name, value)
    return Slo(**values)


_SLO_FIELDS = {
    "ttft": "ttft_s",
    "tpot": "tpot_s",
    "e2el": "e2el_s",
    "accuracy": "accuracy",
    "goodput": "goodput",
}


def parse_duration(text: str) -> float:
    """Seconds in ``500ms``, ``5s``, ``2m``, ``1h`` or a bare number of seconds; `ConfigError`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(us|ms|s|m|h)?", text.strip())
    seconds = float(match[1]) * _UNITS_S[match[2] or "s"] if match else 0.0
    if seconds <= 0:
        raise ConfigError(f"{text!r} is not a time above 0: write 500ms, 5s or 2m")
    return seconds


def parse_share(option: str, text: str) -> float:
    """A share of 1 in ``10%`` or ``0.1``; `ConfigError`."""
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise ConfigError(f"{option} {text!r}: write 10% or 0.1") from None


def _share(name: str, text: str) -> float:
    share = parse_share(f"--slo {name}", text)
    if not 0 < share <= 1:
        raise ConfigError(f"--slo {name}={text}: it is a share above 0 and up to 1")
    return share


@dataclass(frozen=True)
class Bounds:
    """Where a run ends, whatever the server does.

    Attributes:
        duration_s: nothing arrives after it.
        count: most arrivals (a conversation is one).
        timeout_s: longest a turn may take, and the longest wait after the last arrival.
    """

    duration_s: float = 30.0
    count: int = 10_000
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_COUNT:
            raise ConfigError(f"--count {self.count}: give 1 to {MAX_COUNT:,} arrivals")


@dataclass(frozen=True)
class Plan:
    """One run: open loop with ``arrivals``, or closed loop with ``concurrency``."""

    arrivals: Arrivals | None
    concurrency: int | None
    bounds: Bounds
    seed: int
    slo: Slo | None = None

    def __post_init__(self) -> None:
        if (self.arrivals is None) == (self.concurrency is None):
            raise ConfigError(
                "give --rate (open loop) or --concurrency (closed loop), one of the two"
            )
        if self.concurrency is not None and not 1 <= self.concurrency <= self.bounds.count:
            raise ConfigError(
                f"--concurrency {self.concurrency}: from 1 to --count ({self.bounds.count})"
            )


@dataclass(frozen=True)
class WorkloadChoice:
    """Where turns come from.

    Attributes:
        file: labelled JSONL; None: the built-in workload of the target.
        whole: send conversations turn by turn, each after the last answer; else single turns.
        trace: JSONL with a ``timestamp`` (seconds) a row, and perhaps the turns as well.
    """

    file: Path | None
    whole: bool
    mix: Mix
    trace: Path | None = None
