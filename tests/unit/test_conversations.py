"""What stored conversations leave on the disk."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from agents.settings import ROOT
from serving.conversations import open_conversations
from serving.graph import ConversationGraph
from serving.turn import Exchange
from tests.unit.running_gateway import CHAT, Running, running_gateway, until

# Stores turns in one conversation, for ever, and says of each that it is stored.
STORE = """
import asyncio, sys
from pathlib import Path
from serving.conversations import open_conversations
from serving.graph import ConversationGraph

async def run():
    async with open_conversations(Path(sys.argv[1])) as saver:
        graph = ConversationGraph(None, None, saver, False)
        number = 0
        while True:
            said = {"user": str(number), "assistant": "x" * 5000, "agent": "sql", "model": "sql@1"}
            await graph._store("kept", said)
            print(number, flush=True)
            number += 1

asyncio.run(run())
"""


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


def test_a_kill_leaves_the_conversation_with_or_without_the_last_turn(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STORE, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
        told = 20 + len(process.stdout.read().split())
    assert rows(tmp_path) == [("kept", 1)]
    exchanges = asyncio.run(stored(tmp_path))
    assert len(exchanges) in (told, told + 1)
    assert [each["user"] for each in exchanges] == [str(n) for n in range(len(exchanges))]
    assert {each["assistant"] for each in exchanges} == {"x" * 5000}


async def stored(home: Path) -> list[Exchange]:
    async with open_conversations(home) as saver:
        graph = ConversationGraph(cast(Any, None), cast(Any, None), saver, False)
        return await graph.exchanges("kept")
