"""The registry: every published version of every agent, which one is live, and the router.

It is the truth that engines are made to match. Versions are immutable; a version's adapter is
copied under the home folder when it is published, so nothing that happens to its source later
can change what is served. State is one SQLite file, safe to write from several processes.
"""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agents.artifacts import FILES, MANIFEST, check_adapter, read_manifest, sha256_of
from agents.bases import profile_named
from agents.config import VERSION_PATTERN, AgentConfig
from agents.errors import ArtifactError, RegistryError, StorageError
from agents.storage import stored

_INCOMING = ".incoming-"
# A copy to which nothing was written for so long is nobody's any more.
_LEFTOVER_S = 3600.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS versions (
    agent TEXT NOT NULL, number INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    config TEXT NOT NULL, manifest TEXT NOT NULL, has_adapter INTEGER NOT NULL,
    created REAL NOT NULL, PRIMARY KEY (agent, number)
);
CREATE TABLE IF NOT EXISTS activations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, agent TEXT NOT NULL, number INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS deleted (agent TEXT NOT NULL, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS routers (id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS home (id TEXT NOT NULL);
INSERT INTO home SELECT lower(hex(randomblob(4))) WHERE NOT EXISTS (SELECT 1 FROM home);
"""


@dataclass(frozen=True)
class Version:
    """One immutable version of an agent.

    Attributes:
        adapter: folder of its adapter, or None when the base model answers by itself.
        manifest: what its training run recorded (empty without an adapter).
        created: seconds since the epoch.
    """

    agent: str
    number: int
    config: AgentConfig
    adapter: Path | None
    manifest: Mapping[str, Any]
    created: float

    @property
    def model(self) -> str:
        """The version's name, on the engine and in answers: ``sql@3``."""
        return f"{self.agent}@{self.number}"


class Registry:
    """Published versions and the live one of each agent, in ``home``."""

    def __init__(self, home: Path) -> None:
        self._adapters = home / "adapters"
        self._routers = home / "routers"
        with stored(home):
            for folder in (self._adapters, self._routers):
                folder.mkdir(parents=True, exist_ok=True)
        self._path = home / "registry.sqlite"
        with self._transaction() as db:
            db.executescript(_SCHEMA)

    @property
    def home_id(self) -> str:
        """Eight digits that tell this home from every other one, on an engine they share."""
        with self._transaction() as db:
            return str(db.execute("SELECT id FROM home").fetchone()[0])

    def publish(self, config: AgentConfig, adapter: Path | None) -> Version:
        """Store a new version and make it live; the same content twice gives one version.

        Raises:
            ArtifactError: the adapter is damaged or cannot be served.
        """
        candidate = _candidate(config, adapter)
        with self._change() as db:
            number, is_new = self._stored(db, candidate)
            if is_new:
                self._activate(db, config.name, number)
            return self._get(db, config.name, number)

    def publish_with_router(self, config: AgentConfig, adapter: Path, router: Path) -> Version:
        """Store a version and the router that knows its agent; both are live, or neither.

        Args:
            router: folder of a fitted router; it is copied. Again, the same content counts once.
        """
        candidate = _candidate(config, adapter)
        digest = _digest_of_folder(router)
        with self._change() as db:
            number, _ = self._stored(db, candidate)
            if self._live_number(db, config.name) != number:
                self._activate(db, config.name, number)
            live = db.execute("SELECT digest FROM routers ORDER BY id DESC LIMIT 1").fetchone()
            if live is None or live[0] != digest:
                added = db.execute("INSERT INTO routers (digest) VALUES (?)", (digest,))
                names = [str(p.relative_to(router)) for p in router.rglob("*") if p.is_file()]
                self._copy(router, self._routers / str(added.lastrowid), names)
            return self._get(db, config.name, number)

    def router(self) -> Path | None:
        """Folder of the router that was published last; None: the one that is shipped."""
        with self._transaction() as db:
            row = db.execute("SELECT MAX(id) FROM routers").fetchone()
        return None if row[0] is None else (self._routers / str(row[0])).resolve()

    def version(self, model: str) -> Version:
        """The version called ``sql@3``, live or not; `RegistryError` if there is none."""
        if not re.fullmatch(VERSION_PATTERN, model):
            raise RegistryError(f"{model!r} is no version; one is called sql@3, say")
        agent, _, number = model.partition("@")
        with self._transaction() as db:
            return self._get(db, agent, int(number))

    def delete(self, agent: str, number: int) -> None:
        """Remove a version and its adapter for good; never the live one."""
        with self._change() as db:
            self._get(db, agent, number)
            if self._live_number(db, agent) == number:
                raise RegistryError(
                    f"{agent}@{number} is live; roll back or activate another version first"
                )
            for table in ("activations", "versions"):
                db.execute(f"DELETE FROM {table} WHERE agent = ? AND number = ?", (agent, number))
            db.execute("INSERT INTO deleted VALUES (?, ?)", (agent, number))
        shutil.rmtree(self._folder(agent, number), ignore_errors=True)

    def activate(self, agent: str, number: int, base: str | None = None) -> Version:
        """Make a published version the live one.

        Args:
            base: what is served, if that is known; a version for another base is refused
                (`ConfigError`).
        """
        with self._change() as db:
            version = self._get(db, agent, number)
            if base is not None:
                version.config.check_base(version.model, base)
            if self._live_number(db, agent) != number:
                self._activate(db, agent, number)
            return version

    def rollback(self, agent: str, base: str | None = None) -> Version:
        """Make the version live that was live before the present one.

        Args:
            base: as for `activate`.
        """
        with self._change() as db:
            rows = db.execute(
                "SELECT id, number FROM activations WHERE agent = ? ORDER BY id DESC LIMIT 2",
                (agent,),
            ).fetchall()
            if len(rows) < 2:
                raise RegistryError(f"agent {agent!r} has no earlier version to roll back to")
            version = self._get(db, agent, rows[1][1])
            if base is not None:
                version.config.check_base(version.model, base)
            db.execute("DELETE FROM activations WHERE id = ?", (rows[0][0],))
            return version

    def unload(self, agent: str) -> None:
        """Take an agent out of service; its versions stay and can be activated again."""
        with self._change() as db:
            if self._live_number(db, agent) is None:
                raise RegistryError(f"agent {agent!r} is not live; live: {self._names(db)}")
            db.execute("DELETE FROM activations WHERE agent = ?", (agent,))

    def live(self) -> dict[str, Version]:
        """The live version of each agent that has one, by name."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT agent, number FROM activations WHERE id IN "
                "(SELECT MAX(id) FROM activations GROUP BY agent) ORDER BY agent"
            ).fetchall()
            return {agent: self._get(db, agent, number) for agent, number in rows}

    def versions(self, agent: str) -> list[Version]:
        """Every version of an agent, oldest first."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT number FROM versions WHERE agent = ? ORDER BY number", (agent,)
            ).fetchall()
            return [self._get(db, agent, number) for (number,) in rows]

    def agents(self) -> list[str]:
        """The name of every agent that was ever published."""
        with self._transaction() as db:
            return [
                name for (name,) in db.execute("SELECT DISTINCT agent FROM versions ORDER BY 1")
            ]

    def revision(self) -> tuple[int, int]:
        """A pair that changes whenever what is live changes (cheap to ask for)."""
        with self._transaction() as db:
            row = db.execute("SELECT COUNT(*), COALESCE(MAX(id), 0) FROM activations").fetchone()
            return int(row[0]), int(row[1])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with stored(self._path), closing(sqlite3.connect(self._path, timeout=10)) as db, db:
            yield db

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is alone from its first look on: what it read stays true."""
        with self._transaction() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def _stored(self, db: sqlite3.Connection, candidate: "_Candidate") -> tuple[int, bool]:
        """The number of the version with this content, and whether it was stored just now."""
        config = candidate.config
        known = db.execute(
            "SELECT number FROM versions WHERE agent = ? AND fingerprint = ?",
            (config.name, candidate.fingerprint),
        ).fetchone()
        if known:
            return int(known[0]), False
        number = self._next_number(db, config.name)
        if candidate.adapter is not None:
            self._copy(candidate.adapter, self._folder(config.name, number), FILES)
        db.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                config.name,
                number,
                candidate.fingerprint,
                config.model_dump_json(),
                json.dumps(candidate.manifest),
                candidate.adapter is not None,
                time.time(),
            ),
        )
        return number, True

    def _get(self, db: sqlite3.Connection, agent: str, number: int) -> Version:
        row = db.execute(
            "SELECT config, manifest, has_adapter, created FROM versions "
            "WHERE agent = ? AND number = ?",
            (agent, number),
        ).fetchone()
        if row is None:
            known = [
                str(n)
                for (n,) in db.execute(
                    "SELECT number FROM versions WHERE agent = ? ORDER BY number", (agent,)
                )
            ]
            raise RegistryError(
                f"agent {agent!r} has no version {number}; it has: {', '.join(known) or 'none'}"
            )
        config, manifest, has_adapter, created = row
        return Version(
            agent=agent,
            number=number,
            config=self._config(f"{agent}@{number}", config),
            adapter=self._folder(agent, number) if has_adapter else None,
            manifest=json.loads(manifest),
            created=created,
        )

    def _config(self, model: str, document: str) -> AgentConfig:
        try:
            return AgentConfig.model_validate_json(document)
        except ValidationError as error:
            keys = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
            raise StorageError(
                f"{self._path}: {model} was published by another version of Philharmonic (its "
                f"{keys}); update this one"
            ) from None

    def _live_number(self, db: sqlite3.Connection, agent: str) -> int | None:
        row = db.execute(
            "SELECT number FROM activations WHERE agent = ? ORDER BY id DESC LIMIT 1", (agent,)
        ).fetchone()
        return None if row is None else int(row[0])

    def _names(self, db: sqlite3.Connection) -> str:
        return ", ".join(name for (name,) in db.execute("SELECT DISTINCT agent FROM activations"))

    @staticmethod
    def _activate(db: sqlite3.Connection, agent: str, number: int) -> None:
        db.execute("INSERT INTO activations (agent, number) VALUES (?, ?)", (agent, number))

    @staticmethod
    def _next_number(db: sqlite3.Connection, agent: str) -> int:
        # A number is never given twice: engines and conversations remember it.
        row = db.execute(
            "SELECT COALESCE(MAX(number), 0) + 1 FROM (SELECT agent, number FROM versions "
            "UNION SELECT agent, number FROM deleted) WHERE agent = ?",
            (agent,),
        ).fetchone()
        return int(row[0])

    def _folder(self, agent: str, number: int) -> Path:
        return (self._adapters / agent / str(number)).resolve()

    def _copy(self, source: Path, target: Path, names: Iterable[str]) -> None:
        """Copy a folder's files whole or not at all; an unregistered leftover gives way."""
        incoming = self._adapters / f"{_INCOMING}{uuid.uuid4().hex}"
        try:
            with stored(target):
                self._sweep()
                incoming.mkdir()
                for name in names:
                    (incoming / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source / name, incoming / name)
                    with (incoming / name).open("rb") as file:
                        os.fsync(file.fileno())
                target.parent.mkdir(exist_ok=True)
                if target.exists():
                    shutil.rmtree(target)
                incoming.rename(target)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what publishers that were killed have left of their copies."""
        for leftover in self._adapters.glob(f"{_INCOMING}*"):
            with suppress(FileNotFoundError):  # its publisher, or another sweeper, was quicker
                written = max(p.stat().st_mtime for p in (leftover, *leftover.rglob("*")))
                if time.time() - written > _LEFTOVER_S:
                    shutil.rmtree(leftover, ignore_errors=True)


@dataclass(frozen=True)
class _Candidate:
    """What would become a version."""

    config: AgentConfig
    adapter: Path | None
    fingerprint: str
    manifest: Mapping[str, Any]


def _candidate(config: AgentConfig, adapter: Path | None) -> _Candidate:
    digest = "" if adapter is None else _check(config, adapter)
    manifest = {} if adapter is None else read_manifest(adapter)
    return _Candidate(config, adapter, _fingerprint(config, digest), manifest)


def _digest_of_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _check(config: AgentConfig, adapter: Path) -> str:
    """Check an adapter and give its digest.

    vLLM itself loads an adapter of another base without a word, and answers nonsense.
    """
    digest = check_adapter(adapter, profile_named(config.base).max_lora_rank)
    manifest = read_manifest(adapter)
    if manifest.get("adapter_sha256", digest) != digest:
        raise ArtifactError(f"{adapter}: {MANIFEST} was written for other weights; train it again")
    base = manifest.get("base", {}).get("profile", config.base)
    if base != config.base:
        raise ArtifactError(
            f"{adapter}: trained on base {base!r}, but the agent's is {config.base!r}; train it "
            "again"
        )
    return digest


def _fingerprint(config: AgentConfig, adapter_digest: str) -> str:
    """What makes a version differ from another to those who are served by it."""
    served = config.model_dump_json(include={"description", "system_prompt", "generation", "base"})
    return hashlib.sha256(f"{adapter_digest}\n{served}".encode()).hexdigest()
