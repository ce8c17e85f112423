"""What stored conversations leave on the disk."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.running_gateway import CHAT, Running, running_gateway, until


def rows(home: Path) -> list[tuple[str, int]]:
    """Each conversation in the file, with the number of its checkpoints and writes."""
    query = (
        "SELECT thread_id, COUNT(*) FROM (SELECT thread_id FROM checkpoints "
        "UNION ALL SELECT thread_id FROM writes) GROUP BY thread_id"
    )
    with closing(sqlite3.connect(home / "conversations.sqlite")) as db:
        return db.execute(query).fetchall()


async def begin(up: Running) -> str:
    answer = await up.chat(conversation_id="new")
    return str(answer.headers["x-philharmonic-conversation-id"])


async def messages(up: Running, conversation_id: str) -> list[str]:
    answer = await up.http.get(f"/v1/conversations/{conversation_id}")
    return [each["content"] for each in answer.json()["messages"]]


@pytest.mark.parametrize("model", ["general", "auto"])
async def test_a_conversation_is_kept_once_however_long_it_is(tmp_path: Path, model: str) -> None:
    async with running_gateway(tmp_path) as up:
        kept = await begin(up)
        for number in range(5):
            answer = await up.chat(f"turn {number}", model, conversation_id=kept, stream=number > 2)
            assert answer.status_code == 200
        assert len(await messages(up, kept)) == 12
        assert rows(tmp_path) == [(kept, 1)]
    async with running_gateway(tmp_path) as up:
        assert (await messages(up, kept))[2::2] == [f"turn {number}" for number in range(5)]


async def test_a_refused_turn_begins_no_conversation(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        assert (await up.chat(model="nosuch", conversation_id="new")).status_code == 404
        assert rows(tmp_path) == []


async def test_turns_that_fail_or_are_left_write_nothing(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        kept = await begin(up)
        path = tmp_path / "conversations.sqlite-wal"
        before = path.stat().st_size
        for stream in (False, True):
            answer = await up.chat(model="nosuch", conversation_id=kept, stream=stream)
            assert answer.status_code == 404
        up.engine.words, up.engine.gap_s = 10**6, 0.001
        body = {"messages": [{"role": "user", "content": "x"}], "conversation_id": kept}
        async with up.http.stream("POST", CHAT, json=body | {"stream": True}) as response:
            async for _ in response.aiter_lines():
                break
        await until(lambda: up.state.drain.active == 0)
        up.engine.goes_on.clear()
        left = asyncio.create_task(up.chat(conversation_id=kept))
        await until(lambda: up.engine.working == 1)
        left.cancel()
        await until(lambda: up.state.drain.active == 0)
        assert path.stat().st_size == before
        assert await messages(up, kept) == ["hello", "word word word"]


async def test_a_write_that_is_cancelled_is_finished_first(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        kept = await begin(up)
        graph = up.state.graph
        (exchange,) = await graph.exchanges(kept)
        for number in range(1, 20):
            storing = asyncio.create_task(graph._store(kept, exchange))
            for _ in range(number):
                await asyncio.sleep(0)
            storing.cancel()
            await asyncio.wait({storing})
            assert not graph._checkpointer.conn.in_transaction  # type: ignore[attr-defined]
        assert rows(tmp_path) == [(kept, 1)]
