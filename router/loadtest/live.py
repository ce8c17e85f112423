"""What a run shows in the terminal while it goes on."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.text import Text

from router.loadtest.generator import Progress
from router.loadtest.record import Record
from router.loadtest.runner import Watcher

_REFRESH_S = 0.5
_RECENT = 500


def live_display(console: Console, label: str) -> Watcher:
    """Shows progress twice a second on a terminal, and nothing elsewhere."""

    async def watch(progress: Progress) -> None:
        if not console.is_terminal:
            return
        # Drawn between requests in their own event loop: one line of plain text takes it a
        # fraction of a millisecond, a table would take it several.
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(Text(f"{label}{line(progress)}"), refresh=True)
                await asyncio.sleep(_REFRESH_S)

    return watch


def line(progress: Progress) -> str:
    """The state of a run in one line."""
    recent = progress.records[-_RECENT:]
    errors = Counter(record.error for record in recent if record.error is not None)
    parts = [
        f"{progress.elapsed_s:5.0f} s",
        f"{progress.arrived}/{progress.planned} arrived",
        f"{len(progress.in_flight)} in flight",
        f"{len(progress.records)} done",
    ]
    parts += [f"{name} p50 {p50:,.0f} p99 {p99:,.0f} ms" for name, p50, p99 in _latencies(recent)]
    judged = [t.agent == t.expected for t in recent if t.agent is not None]
    if judged:
        parts.append(f"{sum(judged) / len(judged):.0%} to their agent")
    parts += [f"{count} {kind}" for kind, count in errors.most_common(3)]
    return " · ".join(parts)


def _latencies(recent: Sequence[Record]) -> list[tuple[str, float, float]]:
    answered = [record for record in recent if record.error is None]
    shown = []
    for name, values in (
        ("TTFT", [1000 * t.ttft_s for t in answered if t.ttft_s is not None]),
        ("E2EL", [1000 * t.e2el_s for t in answered]),
    ):
        if values:
            p50, p99 = np.percentile(values, [50, 99])
            shown.append((name, float(p50), float(p99)))
    return shown
