"""What goes wrong with files of the home folder, said so that an operator can mend it."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.errors import StorageError

_FULL = "the disk is full; make room, nothing has to be restarted"
_READ_ONLY = "it cannot be written; give this user the right to, or mount it writable"
_DAMAGED = (
    "it is damaged; stop the gateway, put a copy of it back or move it away (`sqlite3 FILE "
    ".recover` saves what can be read), and start again"
)

_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_SYSTEM = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
}


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether a database file is no database any more."""
    return _primary(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def storage_error(path: Path | str, error: sqlite3.Error | OSError) -> StorageError:
    """The error with advice."""
    if isinstance(error, sqlite3.Error):
        advice = _SQLITE.get(_primary(error))
    else:
        advice = _SYSTEM.get(error.errno or 0)
    return StorageError(f"{path}: {advice or 'it cannot be used'} ({error})")


@contextmanager
def stored(path: Path) -> Iterator[None]:
    """Raise `StorageError` for whatever is wrong with the file the block works on."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise storage_error(path, error) from None


def _primary(error: sqlite3.Error) -> int:
    """SQLite's result code without what it adds in the higher bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
