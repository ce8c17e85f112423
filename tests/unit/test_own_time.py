import asyncio
import contextvars
import time

from serving.own_time import HEADER, EngineWait, begin_own_time, own_time_header


def own_ms() -> float:
    return float(own_time_header()[HEADER])


async def test_waiting_for_the_engine_is_not_our_own_time() -> None:
    async def request() -> None:
        started = time.perf_counter()
        begin_own_time(started)
        time.sleep(0.05)
        wait = EngineWait()
        await asyncio.sleep(0.5)
        wait.end()
        wait.end()  # a stream ends its wait with every chunk; the first counts
        assert 50 <= own_ms() <= 1000 * (time.perf_counter() - started) - 499

    await asyncio.gather(*(asyncio.create_task(request()) for _ in range(2)))


async def test_the_tasks_of_a_request_share_its_clock() -> None:
    async def answer() -> None:
        wait = EngineWait()
        await asyncio.sleep(0.3)
        wait.end()

    begin_own_time(started := time.perf_counter())
    await asyncio.create_task(answer())
    assert own_ms() <= 1000 * (time.perf_counter() - started) - 299


def test_without_a_request_there_is_no_header() -> None:
    def outside() -> None:
        EngineWait().end()
        assert own_time_header() == {}

    contextvars.Context().run(outside)
