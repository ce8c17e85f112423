"""API keys: who may ask, for what, and how much.

A key is ``phil-<id>-<secret>``. The secret is 256 random bits, so that one round of SHA-256 is
all the protection its stored hash needs; it is shown once, when the key is made.
"""

import hashlib
import hmac
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agents.errors import ConfigError, StorageError
from agents.storage import stored

Role = Literal["chat", "admin"]

_PREFIX = "phil"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, hash BLOB NOT NULL,
    requests_per_minute INTEGER, tokens_per_minute INTEGER, concurrency INTEGER,
    created REAL NOT NULL, revoked REAL
)
"""
_COLUMNS = (
    "id, name, role, hash, requests_per_minute, tokens_per_minute, concurrency, created, revoked"
)


@dataclass(frozen=True)
class KeyLimits:
    """What the bearer of a key may ask for; None: as much as there is."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True)
class Key:
    """One key, without its secret.

    Attributes:
        role: ``chat`` may use ``/v1`` and look at metrics, ``admin`` may also use ``/admin``.
        created: seconds since the epoch, as is ``revoked``.
    """

    id: str
    name: str
    role: Role
    hash: bytes
    limits: KeyLimits
    created: float
    revoked: float | None


class KeyStore:
    """The keys of a home folder, in SQLite; reading them creates no file."""

    def __init__(self, home: Path) -> None:
        self._path = home / "keys.sqlite"

    def create(self, name: str, role: Role, limits: KeyLimits) -> tuple[Key, str]:
        """A new key, and what its bearer must send; that is not kept anywhere."""
        secret = secrets.token_urlsafe(32)
        key = Key(secrets.token_hex(4), name, role, _hash(secret), limits, time.time(), None)
        with self._open() as db:
            db.execute(_SCHEMA)
            row = (key.id, name, role, key.hash, *_limits_row(limits), key.created, None)
            db.execute(f"INSERT INTO keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return key, f"{_PREFIX}-{key.id}-{secret}"

    def all(self) -> list[Key]:
        """Every key that was ever made, oldest first."""
        with stored(self._path):
            if not self._path.exists():
                return []
        with self._open() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM keys ORDER BY created").fetchall()
        return [
            Key(id, name, role, digest, KeyLimits(*limits), created, revoked)
            for id, name, role, digest, *limits, created, revoked in rows
        ]

    def revoke(self, key_id: str) -> Key:
        """Make a key worthless; `ConfigError` if there is none with this id."""
        known = {key.id: key for key in self.all()}
        if key_id not in known:
            raise ConfigError(f"no key {key_id!r}; `philharmonic keys list` shows them")
        with self._open() as db:
            db.execute(
                "UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL",
                (time.time(), key_id),
            )
        return known[key_id]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with stored(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(self._path, timeout=5)) as db, db:
                yield db


class KeyRing:
    """The keys as the gateway knows them, in memory."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._keys: dict[str, Key] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the store again.

        Raises:
            StorageError: it cannot be read, or it is gone; the keys known so far hold.
        """
        keys = {key.id: key for key in self._store.all()}
        if self._keys and not keys:  # no key is ever deleted: it must not open the door
            raise StorageError("keys.sqlite is gone from the home; put it back, or make new keys")
        self._keys = keys

    @property
    def is_used(self) -> bool:
        """Whether keys are asked for: from the first one made on, even if all are revoked."""
        return bool(self._keys)

    @property
    def has_valid(self) -> bool:
        """Whether anybody could come in."""
        return any(key.revoked is None for key in self._keys.values())

    def find(self, sent: str) -> Key | None:
        """The key somebody sent, if it is one of ours and not revoked."""
        prefix, _, rest = sent.partition("-")
        key_id, _, secret = rest.partition("-")
        key = self._keys.get(key_id)
        if key is None or prefix != _PREFIX or key.revoked is not None:
            return None
        return key if hmac.compare_digest(key.hash, _hash(secret)) else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _limits_row(limits: KeyLimits) -> tuple[int | None, int | None, int | None]:
    return limits.requests_per_minute, limits.tokens_per_minute, limits.concurrency
