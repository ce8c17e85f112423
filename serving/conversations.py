"""The store of conversations: LangGraph's SQLite checkpointer on a file of the home folder."""

import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agents.storage import is_damaged, storage_error

logger = logging.getLogger(__name__)

FILE = "conversations.sqlite"

# Each checkpoint holds the whole conversation, and the checkpointer removes none. In a trigger
# the one before goes in the very transaction that writes the next.
_KEEP_LATEST = """
CREATE TRIGGER IF NOT EXISTS keep_latest AFTER INSERT ON checkpoints BEGIN
    DELETE FROM checkpoints WHERE thread_id = NEW.thread_id
        AND checkpoint_ns = NEW.checkpoint_ns AND checkpoint_id != NEW.checkpoint_id;
    DELETE FROM writes WHERE thread_id = NEW.thread_id
        AND checkpoint_ns = NEW.checkpoint_ns AND checkpoint_id != NEW.checkpoint_id;
END
"""


@asynccontextmanager
async def open_conversations(home: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """The checkpointer; a damaged file is set aside whole, and conversations begin anew.

    Raises:
        StorageError: the file cannot be written, or the disk is full.
    """
    path = home / FILE
    try:
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            await _check(saver)
    except sqlite3.Error as error:
        if not is_damaged(error):
            raise storage_error(path, error) from None
        aside = _set_aside(path)
        logger.error(
            "%s is damaged (%s). It was moved to %s, and stored conversations begin anew. To have "
            "the old ones back: `sqlite3 %s .recover | sqlite3 %s` while the gateway is stopped.",
            path,
            error,
            aside,
            aside,
            path,
        )
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        await _prepare(saver)
        yield saver


async def _prepare(saver: AsyncSqliteSaver) -> None:
    await saver.setup()
    async with saver.conn.executescript(_KEEP_LATEST):
        await saver.conn.commit()


async def _check(saver: AsyncSqliteSaver) -> None:
    await _prepare(saver)
    async with saver.conn.execute("PRAGMA quick_check(1)") as rows:
        (verdict,) = await rows.fetchone() or ("nothing",)
    if verdict != "ok":
        error = sqlite3.DatabaseError(verdict)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside
