"""Memory, descriptors and threads of a process, at rest and over time."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.processes import descriptors, rss_mb

#: Idle connections of clients and to the engine are closed by then.
REST_S = 20.0


@dataclass(frozen=True)
class Sample:
    """One process at one moment.

    Attributes:
        at: `time.monotonic`.
        kinds: how many descriptors of each kind (``socket``, ``pipe``, or a file's name).
    """

    at: float
    rss_mb: float
    descriptors: int
    threads: int
    kinds: dict[str, int]


def sample(pid: int) -> Sample:
    """What it holds now; FileNotFoundError once it has ended."""
    open_now = descriptors(pid)
    threads = sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    kinds = Counter(_kind(target) for target in open_now)
    return Sample(
        time.monotonic(), rss_mb(pid), len(open_now), threads, dict(sorted(kinds.items()))
    )


async def at_rest(pid: int, seconds: float = REST_S) -> Sample:
    """What it holds after this long without work."""
    await asyncio.sleep(seconds)
    return sample(pid)


async def watch(pid: int, every_s: float, samples: list[Sample]) -> None:
    """Append a sample at even distances until cancelled."""
    while True:
        samples.append(sample(pid))
        await asyncio.sleep(every_s)


def newly_open(before: Sample, after: Sample) -> dict[str, int]:
    """Which kinds of descriptors have become more, and by how many."""
    return dict(Counter(after.kinds) - Counter(before.kinds))


def median_mb(samples: Sequence[Sample]) -> float:
    """Resident memory in the middle of a period."""
    return statistics.median(each.rss_mb for each in samples)


def _kind(target: str) -> str:
    name, bracket, _ = target.partition(":[")
    return name if bracket else Path(target).name
