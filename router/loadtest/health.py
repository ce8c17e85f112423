"""Whether the generator itself was fast enough for its numbers to be believed."""

import numpy as np

from router.loadtest import report as r
from router.loadtest.config import Plan
from router.loadtest.distribution import summary
from router.loadtest.generator import Run

_RATE_ERROR = 0.05
_SEND_LAG_MS = 10.0
_SEND_LAG_SHARE = 0.05
_LOOP_LAG_MS = 20.0
_CPU_SHARE = 0.9


def health(run: Run, plan: Plan, cpu_s: float) -> r.Health:
    """How well the generator kept its schedule; ``cpu_s`` is the processor time it used."""
    send_lag = summary([1000 * (t.started_s - t.intended_s) for t in run.records])
    loop_lag = summary([1000 * lag for lag in run.loop_lags_s])
    answered = [1000 * t.e2el_s for t in run.records if t.error is None]
    intended, sent = _rates(run) if plan.arrivals is not None else (None, None)
    error = None if intended is None or sent is None else abs(sent / intended - 1)
    cpu_share = cpu_s / run.duration_s
    warnings = []
    if error is not None and error > _RATE_ERROR:
        warnings.append(f"the rate it sent at was {error:.0%} off the intended one")
    tolerated = max(_SEND_LAG_MS, _SEND_LAG_SHARE * float(np.median(answered or [0.0])))
    if send_lag is not None and send_lag.p99_ms > tolerated:
        warnings.append(f"1 % of requests were sent {send_lag.p99_ms:.0f} ms late or later")
    if loop_lag is not None and loop_lag.p99_ms > _LOOP_LAG_MS:
        warnings.append(f"its event loop was up to {loop_lag.p99_ms:.0f} ms behind (p99)")
    if cpu_share > _CPU_SHARE:
        warnings.append(f"it used {cpu_share:.0%} of a core")
    return r.Health(
        send_lag=send_lag,
        loop_lag=loop_lag,
        intended_rate=intended,
        sent_rate=sent,
        rate_error=error,
        cpu_share=cpu_share,
        connections=run.connections,
        is_bottleneck=bool(warnings),
        warnings=warnings,
    )


def _rates(run: Run) -> tuple[float | None, float | None]:
    """Arrivals per second by the schedule and as sent, over the same arrivals."""
    first_turns = [record for record in run.records if record.turn == 0]
    if len(first_turns) < 2:
        return None, None
    gaps = len(first_turns) - 1
    intended = first_turns[-1].intended_s - first_turns[0].intended_s
    sent = max(t.started_s for t in first_turns) - min(t.started_s for t in first_turns)
    return (gaps / intended, gaps / sent) if intended > 0 and sent > 0 else (None, None)
