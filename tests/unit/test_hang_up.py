import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from starlette.types import Message, Receive

from serving.gateway.errors import ClientHungUp
from serving.gateway.hang_up import unless_hung_up


def client(hangs_up: asyncio.Event) -> Receive:
    async def receive() -> Message:
        await hangs_up.wait()
        return {"type": "http.disconnect"}

    return receive


def slow_work(log: list[str], before: Callable[[], Awaitable[object]]) -> Coroutine[Any, Any, str]:
    async def work() -> str:
        try:
            await before()
            return "done"
        finally:
            for step in ("one", "two"):  # a clean-up that itself has to wait
                await asyncio.sleep(0.01)
                log.append(step)

    return work()


async def test_work_that_ends_gives_its_result() -> None:
    log: list[str] = []
    never = asyncio.Event()
    work = slow_work(log, lambda: asyncio.sleep(0))
    assert await unless_hung_up(client(never), work) == "done"


async def test_a_hang_up_cancels_the_work_and_waits_for_its_whole_clean_up() -> None:
    log: list[str] = []
    hangs_up = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, hangs_up.set)
    with pytest.raises(ClientHungUp):
        await unless_hung_up(client(hangs_up), slow_work(log, lambda: asyncio.sleep(60)))
    assert log == ["one", "two"]


async def test_an_error_of_the_work_comes_out() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await unless_hung_up(client(asyncio.Event()), fail())


async def test_who_is_cancelled_while_waiting_cancels_the_work() -> None:
    log: list[str] = []
    work = slow_work(log, lambda: asyncio.sleep(60))
    waiting = asyncio.ensure_future(unless_hung_up(client(asyncio.Event()), work))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert log == ["one", "two"]
