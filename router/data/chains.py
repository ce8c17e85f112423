"""Read the agents' chains and put each on one side of the split."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SPECIALISTS = ("sql", "cron", "triage", "home")
CALIBRATION_SHARE = 0.1


@dataclass(frozen=True)
class Chain:
    """A request and its follow-ups: (user text, assistant text) pairs for one agent."""

    agent: str
    pairs: tuple[tuple[str, str], ...]


def chain_files(agents: Path) -> dict[str, Path]:
    """Return the file that holds each agent's chains, under the `agents` folder."""
    files = {name: agents / name / "data" / "train.jsonl" for name in SPECIALISTS}
    return files | {"general": agents / "general" / "data" / "chains.jsonl"}


def load_chains(agents: Path) -> dict[str, list[Chain]]:
    """Read every agent's chains. Raises `FileNotFoundError` that names all missing files."""
    files = chain_files(agents)
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"no such data file, write it first: {', '.join(missing)}")
    chains = {agent: list(_read(agent, path)) for agent, path in files.items()}
    for agent, path in files.items():
        if not chains[agent]:
            raise ValueError(f"{path}: holds no usable chain")
    return chains


def in_calibration(identity: str, share: float) -> bool:
    """Say on which side `identity` falls: the same text always falls on the same side."""
    digest = hashlib.sha256(identity.strip().casefold().encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32 < share


def _read(agent: str, path: Path) -> Iterator[Chain]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            chain = _parse(agent, json.loads(line)["messages"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}:{number}: not a row of chat messages: {error}") from error
        if chain:
            yield chain


def _parse(agent: str, messages: list[dict[str, str]]) -> Chain | None:
    if messages[0]["role"] == "system":
        # Without its schema such a question is no request the router could recognise.
        if agent == "sql" and "create table" in messages[0]["content"].casefold():
            return None
        messages = messages[1:]
    roles = [message["role"] for message in messages]
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        raise ValueError(f"roles must alternate user, assistant; found {roles}")
    texts = [message["content"] for message in messages]
    return Chain(agent, tuple(zip(texts[::2], texts[1::2], strict=True)))
