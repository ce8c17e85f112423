"""The generator against real servers with known behaviour.

Times are only bounded from below where a busy machine could be late.
"""

import asyncio
import socket
import threading

import numpy as np
import pytest

from router.loadtest.config import Arrivals, Bounds
from router.loadtest.generator import Generator, Progress, Run
from router.loadtest.monitor import QueueWatch
from router.loadtest.record import Record
from router.loadtest.schedule import schedule
from router.loadtest.target import Target
from router.loadtest.workload import Prompting, Script, ScriptTurn
from tests.unit.toy_gateway import ToyGateway

ONE = Script("one", (ScriptTurn("cron one", "cron"),))
TWO = Script("two", (ScriptTurn("cron one", "cron"), ScriptTurn("home two", "home")))


def never(_: Progress) -> None:
    return None


async def open_loop(
    target: Target,
    script: Script,
    rate: float,
    bounds: Bounds,
    queue: QueueWatch | None = None,
) -> Run:
    times = schedule(Arrivals("constant", rate), bounds, seed=0)
    generator = Generator(target, bounds, queue)
    return await generator.open_loop([script] * len(times), times, bounds.duration_s, never)


def latencies(run: Run) -> list[float]:
    return [record.e2el_s for record in run.records]


async def one_turn(toy: ToyGateway, timeout_s: float = 20.0) -> Record:
    target = Target("chat", toy.url, toy.key)
    run = await open_loop(target, ONE, 10, Bounds(1.0, 1, timeout_s))
    assert len(run.records) == 1
    return run.records[0]


async def test_latencies_are_those_of_the_server() -> None:
    with ToyGateway(first_s=0.2, gap_s=0.1, words=4).serving() as toy:
        record = await one_turn(toy)
    assert record.error is None
    assert record.ttft_s is not None and record.tpot_s is not None
    assert 0.2 <= record.ttft_s < record.e2el_s
    assert record.e2el_s >= 0.5
    assert (record.input_tokens, record.output_tokens) == (7, 8)
    # Three gaps of 0.1 s over the seven tokens after the first.
    assert record.tpot_s == pytest.approx((record.last_s - record.stamps[0]) / 7)
    assert len(record.stamps) == 4
    assert all(gap > 0.05 for gap in np.diff(record.stamps))


async def test_a_record_says_who_answered_and_why() -> None:
    with ToyGateway().serving() as toy:
        record = await one_turn(toy)
    assert (record.agent, record.model, record.stage) == ("cron", "cron@1", "label_read")
    assert (record.route_ms, record.gateway_ms, record.confidence) == (2.5, 0.5, 0.8)


async def test_arrivals_do_not_wait_for_the_server() -> None:
    with ToyGateway(first_s=0.5).serving() as toy:
        run = await open_loop(Target("chat", toy.url), ONE, 50, Bounds(1.0))
    assert run.arrived == len(run.records) == 50
    intended = [record.intended_s for record in run.records]
    assert intended == pytest.approx([n / 50 for n in range(50)])
    # Far more at once than a client that waits would have.
    assert run.connections > 10


async def test_a_stall_counts_for_everything_that_was_due_meanwhile() -> None:
    """No coordinated omission: what should have come during the stall is late as well."""
    with ToyGateway(stall=(0.5, 2.5)).serving() as toy:
        opened = latencies(await open_loop(Target("route", toy.url), ONE, 50, Bounds(3.0)))
    with ToyGateway(stall=(0.5, 2.5)).serving() as toy:
        generator = Generator(Target("route", toy.url), Bounds(3.0, 50_000))
        closed = latencies(await generator.closed_loop([ONE] * 50_000, 1, never))
    # Two seconds at 50/s: three quarters of what was due in them waited half a second or more.
    assert sum(latency > 0.5 for latency in opened) >= 70
    assert max(opened) >= 1.9
    assert np.percentile(opened, 90) > 1.0
    # A user who waits for each answer meets the stall once, and his percentiles hide it.
    assert 1 <= sum(latency > 1.0 for latency in closed) <= 3
    assert np.percentile(closed, 90) < 0.5


async def test_a_turn_that_was_sent_late_counts_from_when_it_was_due() -> None:
    record = Record(0, "one", 0, "cron", intended_s=1.0, started_s=1.5, first_s=2.0, ended_s=3.0)
    assert (record.ttft_s, record.e2el_s) == (1.0, 2.0)


async def test_nothing_is_sent_before_it_is_due() -> None:
    with ToyGateway().serving() as toy:
        run = await open_loop(Target("route", toy.url), ONE, 50, Bounds(1.0))
    assert min(record.started_s - record.intended_s for record in run.records) >= 0


async def test_a_closed_loop_keeps_its_users_busy_and_no_more() -> None:
    most = 0

    def watch(progress: Progress) -> None:
        nonlocal most
        most = max(most, len(progress.in_flight))

    with ToyGateway(first_s=0.05).serving() as toy:
        generator = Generator(Target("chat", toy.url), Bounds(20.0, 12))
        run = await generator.closed_loop([ONE] * 12, 3, watch)
    assert len(run.records) == 12
    assert most <= 3
    starts, ends = ([getattr(t, key) for t in run.records] for key in ("started_s", "ended_s"))
    assert max(sum(s <= at < e for s, e in zip(starts, ends, strict=True)) for at in starts) == 3


async def test_a_closed_loop_ends_after_its_duration() -> None:
    with ToyGateway(first_s=0.1).serving() as toy:
        generator = Generator(Target("chat", toy.url), Bounds(0.5, 1000))
        run = await generator.closed_loop([ONE] * 1000, 2, never)
    assert 2 <= len(run.records) <= 12
    assert {record.error for record in run.records} == {None}


async def test_the_turns_of_a_conversation_wait_for_each_other() -> None:
    with ToyGateway(first_s=0.1).serving() as toy:
        run = await open_loop(Target("chat", toy.url), TWO, 20, Bounds(1.0, 3))
        asked = [body.get("conversation_id") for body in toy.bodies]
    assert len(run.records) == 6
    for arrival in range(3):
        first, second = (record for record in run.records if record.arrival == arrival)
        assert (first.turn, second.turn) == (0, 1)
        assert second.intended_s == pytest.approx(first.ended_s)
        assert (first.agent, second.agent) == ("cron", "home")
    assert asked.count("new") == 3
    assert sorted(toy.deleted) == sorted({name for name in asked if name != "new"})


async def test_a_conversation_ends_with_the_turn_that_fails() -> None:
    with ToyGateway(status=lambda number: 429 if number > 1 else 200).serving() as toy:
        run = await open_loop(Target("chat", toy.url), TWO, 2, Bounds(1.0, 2))
    assert sorted(record.error or "" for record in run.records) == ["", "http_429", "http_429"]
    assert run.skipped_turns == 1
    assert run.records[-1].message == "not now"


@pytest.mark.parametrize(
    ("toy", "error"),
    [
        (ToyGateway(status=lambda _: 503), "http_503"),
        (ToyGateway(ends="error"), "stream_error"),
        (ToyGateway(ends="cut"), "disconnected"),
        (ToyGateway(ends="silent"), "incomplete"),
        (ToyGateway(first_s=5.0), "timeout"),
        (ToyGateway(key="secret"), "http_401"),
    ],
)
async def test_errors_are_told_apart(toy: ToyGateway, error: str) -> None:
    with toy.serving():
        target = Target("chat", toy.url)
        run = await open_loop(target, ONE, 10, Bounds(1.0, 1, timeout_s=0.5))
    assert [record.error for record in run.records] == [error]
    assert run.records[0].message


async def test_nobody_there_is_an_error_of_its_own() -> None:
    run = await open_loop(Target("chat", "http://127.0.0.1:9"), ONE, 10, Bounds(1.0, 2))
    assert [record.error for record in run.records] == ["connect", "connect"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"what?\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "malformed"),
        (b"", "disconnected"),
        # Without a length an answer ends with the connection.
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b'{"agent": "cron"}', None),
    ],
)
async def test_servers_that_speak_strangely(answer: bytes, error: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        run = await open_loop(Target("route", url), ONE, 10, Bounds(1.0, 1))
        thread.join()
    assert [record.error for record in run.records] == [error]


async def test_what_is_unanswered_at_the_end_is_counted() -> None:
    """Each turn is in time, but together they are not: the run ends all the same."""
    slow = Script("slow", (ScriptTurn("cron", "cron"),) * 50)
    with ToyGateway(first_s=0.2).serving() as toy:
        run = await open_loop(Target("chat", toy.url), slow, 10, Bounds(0.1, 1, timeout_s=0.5))
    assert run.records[-1].error == "unfinished"
    assert len(run.records) < 10
    assert run.skipped_turns == 50 - len(run.records)


async def test_a_run_can_be_stopped() -> None:
    def stop(progress: Progress) -> str | None:
        return "enough" if len(progress.records) >= 5 else None

    bounds = Bounds(60.0)
    times = schedule(Arrivals("constant", 20.0), bounds, seed=0)
    with ToyGateway().serving() as toy:
        generator = Generator(Target("chat", toy.url), bounds)
        run = await asyncio.wait_for(generator.open_loop([ONE] * 1200, times, 60.0, stop), 30)
    assert run.cut_short == "enough"
    assert 5 <= len(run.records) < 1200


async def test_pinned_turns_name_their_agent() -> None:
    with ToyGateway().serving() as toy:
        run = await open_loop(Target("pinned", toy.url, max_tokens=3), ONE, 10, Bounds(1.0, 1))
    assert run.records[0].stage == "pinned"
    body = toy.bodies[0]
    assert (body["model"], body["max_tokens"], body["stream"]) == ("cron", 3, True)


async def test_a_plain_server_gets_the_history_and_what_the_gateway_would_send() -> None:
    prompting = {"cron": Prompting("Answer with cron.", 0.0, 64)}
    script = Script("two", (ScriptTurn("first", "cron"), ScriptTurn("second", "cron")))
    with ToyGateway(words=2).serving() as toy:
        target = Target("openai", toy.url, model="cron", prompting=prompting)
        await open_loop(target, script, 10, Bounds(1.0, 1))
    assert toy.bodies[1]["messages"] == [
        {"role": "system", "content": "Answer with cron."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "word word "},
        {"role": "user", "content": "second"},
    ]
    assert (toy.bodies[1]["temperature"], toy.bodies[1]["max_tokens"]) == (0.0, 64)
    assert toy.bodies[1]["model"] == "cron"


async def test_the_queues_of_the_servers_are_recorded() -> None:
    with ToyGateway(first_s=0.3).serving() as toy:
        queue = QueueWatch({toy.url: {}})
        run = await open_loop(Target("chat", toy.url), ONE, 10, Bounds(1.0), queue)
    assert run.queue
    assert run.queue[0].gauges == {"gateway_in_flight": 3.0, "engine_waiting": 2.0}
