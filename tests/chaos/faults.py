"""The faults, one function each, and when in the run each of them happens."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Proxy
from tests.chaos.stage import Stage
from tests.integration.hot_swap import AGENT, other_weights
from tests.small_disk import fill_up

_FULL = "storage_unavailable"
_FULL_AT_LEAST_S, _FULL_AT_MOST_S = 10.0, 60.0
_LOOK_EVERY_S = 0.25
_RESETS = 3
_BETWEEN_RESETS_S = 3.0


class Skipped(Exception):
    """The fault cannot be brought about on this machine; says why."""


@dataclass(frozen=True)
class Scene:
    """What faults act on, and what clients have seen so far."""

    stage: Stage
    proxy: Proxy
    ledger: Ledger

    def refused_since(self, moment: float, code: str) -> int:
        """How many turns were refused with this code since then."""
        return sum(each.ended >= moment and each.seen.why == code for each in self.ledger.attempts)


async def swap_in(scene: Scene) -> str:
    """Publish a second version of an agent, with weights that answer quite differently."""
    await asyncio.to_thread(other_weights, scene.stage.catalog)
    swap = await asyncio.to_thread(scene.stage.swap, AGENT, "load")
    return f"{swap.model} live and loaded"


async def swap_back(scene: Scene) -> str:
    """Roll back to the first version, which the engine has unloaded."""
    swap = await asyncio.to_thread(scene.stage.swap, AGENT, "rollback")
    return f"{swap.model} live and loaded"


async def kill_gateway(scene: Scene) -> str:
    """SIGKILL for the gateway; it is started again at once, as a supervisor would."""
    await asyncio.to_thread(scene.stage.kill_gateway)
    await asyncio.to_thread(scene.stage.start)
    return "ready again"


async def kill_engine(scene: Scene) -> str:
    """SIGKILL for the engine and its workers; the gateway starts another."""
    await asyncio.to_thread(scene.stage.kill_engine)
    await asyncio.to_thread(scene.stage.wait_for_engine)
    return "ready again"


async def fill_disk(scene: Scene) -> str:
    """Take all the room there is, until that is felt, and give it back."""
    disk = scene.stage.disk
    if disk is None:
        raise Skipped(scene.stage.no_disk)
    began = time.monotonic()
    ballast = await asyncio.to_thread(fill_up, disk)
    try:
        await asyncio.sleep(_FULL_AT_LEAST_S)
        while not scene.refused_since(began, _FULL):
            if time.monotonic() > began + _FULL_AT_MOST_S:
                raise RuntimeError(f"nobody felt a full disk in {_FULL_AT_MOST_S:g} s")
            await asyncio.sleep(_LOOK_EVERY_S)
    finally:
        ballast.unlink()
    return f"full for {time.monotonic() - began:.0f} s"


async def cut_connections(scene: Scene) -> str:
    """Reset every connection through the proxy, a few times."""
    cut = scene.proxy.reset_all()
    for _ in range(_RESETS - 1):
        await asyncio.sleep(_BETWEEN_RESETS_S)
        cut += scene.proxy.reset_all()
    return f"{cut} connections reset"


@dataclass(frozen=True)
class Fault:
    """A fault and its place in the run.

    Attributes:
        at: as a share of the time in which conversations begin.
        excuses: what clients may see of it, codes of errors and ``cut`` for broken connections,
            and for how many seconds after it is over they may.
    """

    name: str
    at: float
    bring_about: Callable[[Scene], Awaitable[str]]
    excuses: Mapping[str, float] = field(default_factory=dict)


_CUT = {"cut": 2.0}
#: While the engine is away all slots are held by turns that wait for it, and others queue; once it
#: is back there is more to do than usual.
_NO_ENGINE = dict.fromkeys(("engine_unavailable", "overloaded", "timeout"), 60.0)

TIMETABLE = (
    Fault("connections cut", 0.04, cut_connections, _CUT),
    Fault("adapter swapped", 0.10, swap_in),
    Fault("gateway killed", 0.16, kill_gateway, _NO_ENGINE | _CUT),
    Fault("disk full", 0.46, fill_disk, {_FULL: 2.0}),
    Fault("engine killed", 0.58, kill_engine, _NO_ENGINE),
    Fault("adapter swapped back", 0.86, swap_back),
    Fault("connections cut again", 0.93, cut_connections, _CUT),
)


@dataclass(frozen=True)
class Happening:
    """A fault that was brought about; moments are `time.monotonic`.

    Attributes:
        ended: when the system was whole again.
        trouble: why it was not brought about, or not recovered from.
    """

    fault: Fault
    began: float
    ended: float
    what: str = ""
    skipped: bool = False
    trouble: str = ""


async def happen(
    scene: Scene, seconds: float, timetable: Sequence[Fault] = TIMETABLE
) -> list[Happening]:
    """Bring about one fault after the other; each waits for its moment and the end of the last.

    After one that the system did not recover from there are no more.

    Args:
        seconds: how long conversations go on beginning.
    """
    begin = time.monotonic()
    found: list[Happening] = []
    for fault in timetable:
        await asyncio.sleep(begin + fault.at * seconds - time.monotonic())
        began = time.monotonic()
        try:
            what = await fault.bring_about(scene)
            found.append(Happening(fault, began, time.monotonic(), what))
        except Skipped as why:
            found.append(Happening(fault, began, began, str(why), skipped=True))
        except Exception as error:  # whatever it is, the report has it
            trouble = f"{type(error).__name__}: {error}"
            found.append(Happening(fault, began, time.monotonic(), trouble=trouble))
            break
    return found
