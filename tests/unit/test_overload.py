"""More is asked than the engine can do: some is answered, some waits, the rest is told at once."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import httpx

from serving.gateway.admission import Admission
from serving.gateway.conversation_queue import MOST_WAITING
from serving.gateway.errors import ApiError
from tests.unit.running_gateway import CHAT, Running, running_gateway, until
from tests.unit.toy_engine import ToyEngine


def statuses(answers: list[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


async def fill(up: Running, count: int, **fields: Any) -> list[asyncio.Task[httpx.Response]]:
    """So many requests that the engine does not finish until it is let."""
    up.engine.goes_on.clear()
    asked = [asyncio.create_task(up.chat(**fields)) for _ in range(count)]
    await until(lambda: up.state.admission.in_flight + up.state.admission.queued == count)
    return asked


async def test_beyond_slots_and_queue_everybody_is_told_at_once(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_in_flight=2, max_queued=3) as up:
        held = await fill(up, 5)
        # The engine answers nobody now: whoever is answered did not wait for it.
        refused = await asyncio.gather(*(up.chat(stream=bool(n % 2)) for n in range(20)))
        assert statuses(refused) == [429] * 20
        for answer in refused:
            assert int(answer.headers["retry-after"]) >= 1
            error = answer.json()["error"]
            assert (error["type"], error["code"]) == ("rate_limit_error", "overloaded")
        assert await up.gauge("philharmonic_requests_in_flight") == 2
        assert await up.gauge("philharmonic_requests_queued") == 3
        up.engine.goes_on.set()
        assert statuses(await asyncio.gather(*held)) == [200] * 5
        assert up.engine.most == 2
        assert await up.gauge("philharmonic_requests_queued") == 0
        assert (await up.chat()).status_code == 200


async def test_routing_alone_is_work_too(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_in_flight=1, max_queued=0) as up:
        held = await fill(up, 1)
        body = {"messages": [{"role": "user", "content": "every monday"}]}
        assert (await up.http.post("/v1/route", json=body)).status_code == 429
        up.engine.goes_on.set()
        await asyncio.gather(*held)
        assert (await up.http.post("/v1/route", json=body)).status_code == 200


async def test_who_waits_too_long_is_told_so(tmp_path: Path) -> None:
    limits = {"max_in_flight": 1, "max_queued": 5, "queue_timeout_s": 0.2}
    async with running_gateway(tmp_path, **limits) as up:
        held = await fill(up, 1)
        answer = await up.chat()
        assert (answer.status_code, "no slot came free" in answer.text) == (429, True)
        up.engine.goes_on.set()
        assert statuses(await asyncio.gather(*held)) == [200]


async def test_a_client_that_leaves_the_queue_is_out_at_once(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_in_flight=1, max_queued=2) as up:
        held = await fill(up, 1)
        body = json.dumps({"model": "general", "messages": [{"role": "user", "content": "x"}]})
        waiting = [send(up, body) for _ in range(2)]
        await until(lambda: up.state.admission.queued == 2)
        for connection in waiting:
            connection.close()
        await until(lambda: up.state.admission.queued == 0)  # though the engine goes on with one
        up.engine.goes_on.set()
        assert statuses(await asyncio.gather(*held)) == [200]
        assert len(up.engine.chats) == 1


async def test_turns_that_wait_for_their_conversation_take_no_slot(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_in_flight=2, max_queued=5) as up:
        first = (await up.chat(conversation_id="new")).json()["philharmonic"]
        held = await fill(up, 4, conversation_id=first["conversation_id"])
        assert up.state.admission.in_flight == 1
        other = asyncio.create_task(up.chat())
        await until(lambda: up.state.admission.in_flight == 2)
        up.engine.goes_on.set()
        assert statuses(await asyncio.gather(*held, other)) == [200] * 5


async def test_one_conversation_does_not_fill_the_queue(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_in_flight=2, max_queued=30) as up:
        first = (await up.chat(conversation_id="new")).json()["philharmonic"]
        kept = first["conversation_id"]
        held = await fill(up, 1 + MOST_WAITING, conversation_id=kept)
        refused = await asyncio.gather(*(up.chat(conversation_id=kept) for _ in range(40)))
        refused.append(await up.http.delete(f"/v1/conversations/{kept}"))
        assert statuses(refused) == [429] * 41
        for answer in refused:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["error"]["code"] == "overloaded"
        assert up.state.admission.queued == MOST_WAITING
        other = asyncio.create_task(up.chat())
        await until(lambda: up.state.admission.in_flight == 2)
        up.engine.goes_on.set()
        assert statuses(await asyncio.gather(*held, other)) == [200] * (2 + MOST_WAITING)
        assert (await up.http.delete(f"/v1/conversations/{kept}")).status_code == 200


async def test_the_wait_for_a_conversation_counts_as_waiting(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, queue_timeout_s=0.3) as up:
        first = (await up.chat(conversation_id="new")).json()["philharmonic"]
        kept = first["conversation_id"]
        held = await fill(up, 1, conversation_id=kept)
        for late in (
            await up.chat(conversation_id=kept),
            await up.http.delete(f"/v1/conversations/{kept}"),
        ):
            assert (late.status_code, "took too long" in late.text) == (429, True)
            assert int(late.headers["retry-after"]) >= 1
        up.engine.goes_on.set()
        assert statuses(await asyncio.gather(*held)) == [200]
        assert (await up.chat(conversation_id=kept)).status_code == 200


async def test_an_answer_has_a_time_limit(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, request_timeout_s=0.5, max_in_flight=1) as up:
        up.engine.goes_on.clear()
        answer = await up.chat()
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
        await until(lambda: up.engine.working == 0)
        up.engine.goes_on.set()
        up.engine.words, up.engine.gap_s = 1000, 0.02
        stream = await up.chat(stream=True)
        assert stream.status_code == 200
        events = stream.text.strip().split("\n\n")
        assert json.loads(events[-1][6:])["error"]["code"] == "timeout"
        await until(lambda: up.engine.working == 0)
        assert up.state.admission.in_flight == 0


async def test_a_stream_must_begin_in_time(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, first_token_timeout_s=0.3) as up:
        up.engine.goes_on.clear()
        answer = await up.chat(stream=True)
        assert (answer.status_code, "did not begin" in answer.text) == (504, True)
        await until(lambda: up.engine.working == 0)


async def test_a_body_must_arrive_in_time(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, client_timeout_s=0.3) as up:
        with send(up, "{", claimed=100) as connection:
            answer = await asyncio.to_thread(connection.recv, 1000)
        assert b"408" in answer.split(b"\r\n")[0]


async def test_who_does_not_read_is_cut_off_and_holds_little(tmp_path: Path) -> None:
    engine = ToyEngine(words=10**9, word="x" * 20_000)
    async with engine.running(), running_gateway(tmp_path, engine, client_timeout_s=1.0) as up:
        question = {"role": "user", "content": "x"}
        body = json.dumps({"model": "general", "stream": True, "messages": [question]})
        readers = [send(up, body, buffer=4096) for _ in range(3)]
        await until(lambda: engine.working == 3)
        await until(lambda: engine.working == 0, seconds=60)
        assert up.state.admission.in_flight == 0
        # Each stream went as far as the buffers of its two connections, and no further.
        assert engine.sent * len(engine.word) < len(readers) * 20_000_000
        engine.words = 3
        assert (await up.chat()).status_code == 200
        for reader in readers:
            reader.close()


async def test_a_slot_goes_to_the_one_that_came_first() -> None:
    admission, order = Admission(lambda: 1, queue=9, patience_s=5), []

    async def turn(name: int) -> None:
        with admission.ticket() as ticket:
            await ticket.slot()
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(turn(name) for name in range(10)))
    assert order == list(range(10))
    assert (admission.in_flight, admission.queued) == (0, 0)


async def test_a_slot_that_comes_with_a_cancellation_is_not_lost() -> None:
    admission = Admission(lambda: 1, queue=2, patience_s=5)

    async def turn() -> None:
        with admission.ticket() as ticket:
            await ticket.slot()

    with admission.ticket() as ticket:
        await ticket.slot()
        waiting = [asyncio.create_task(turn()) for _ in range(2)]
        await asyncio.sleep(0.01)
    waiting[0].cancel()  # it has been handed the slot in this very moment
    await asyncio.wait(waiting)
    assert waiting[0].cancelled() and not waiting[1].cancelled()
    assert (admission.in_flight, admission.queued) == (0, 0)


async def test_the_time_to_come_back_grows_with_queue_and_turns() -> None:
    def refusal(admission: Admission) -> float:
        try:
            admission.ticket()
        except ApiError as error:
            assert error.retry_after_s is not None
            return error.retry_after_s
        raise AssertionError("it was let in")

    admission = Admission(lambda: 1, queue=3, patience_s=5)
    tickets = [admission.ticket().__enter__() for _ in range(4)]
    await tickets[0].slot()
    assert refusal(admission) == 4.0  # three wait, and the newcomer; a second each, as assumed
    for _ in range(100):
        admission._give_back(10.0)
        await admission._take(tickets[0].end)
    assert 35 < refusal(admission) <= 40


def send(
    up: Running, body: str, claimed: int | None = None, buffer: int | None = None
) -> socket.socket:
    """A connection on which a chat was asked for, and nothing is read."""
    host, port = up.url.removeprefix("http://").split(":")
    connection = socket.socket()
    if buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.connect((host, int(port)))
    connection.settimeout(10)
    length = len(body) if claimed is None else claimed
    head = f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(head.encode() + body.encode())
    return connection
