"""What is said: scripts of conversations with the agent that should answer each turn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agents.catalog import Agent, load_catalog
from agents.data import Example, Message
from agents.errors import DataError
from agents.jsonl import read_jsonl
from agents.settings import ROOT
from router.loadtest.config import TargetKind, WorkloadChoice
from router.loadtest.schedule import Times
from router.turns import OUT_OF_SCOPE, LabelledConversation, load_labelled

CONVERSATIONS = ROOT / "router" / "data" / "eval.jsonl"
"""The built-in workload where turns are routed."""


@dataclass(frozen=True)
class ScriptTurn:
    """One user message.

    Attributes:
        agent: who should answer it.
        history: the messages before it as the file gives them, answers included.
    """

    text: str
    agent: str
    history: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Script:
    """The user's side of a conversation; a single turn is one of length 1."""

    id: str
    turns: tuple[ScriptTurn, ...]

    @property
    def agent(self) -> str:
        """Who should answer the first turn; mixes draw by it."""
        return self.turns[0].agent


@dataclass(frozen=True)
class Prompting:
    """What the gateway adds to an agent's requests, for servers that do not know agents."""

    system: str
    temperature: float
    max_tokens: int


@dataclass(frozen=True)
class Workload:
    """Scripts, and where they came from.

    Attributes:
        prompting: by agent; empty for a workload from a file, whose turns are sent as they are.
        times: timestamps of a trace in seconds, one for each script, if one is replayed.
    """

    name: str
    scripts: tuple[Script, ...]
    prompting: Mapping[str, Prompting] = field(default_factory=dict)
    times: Times | None = None

    @property
    def agents(self) -> list[str]:
        """Every agent that should answer something, by name."""
        return sorted({turn.agent for script in self.scripts for turn in script.turns})


def load_workload(
    choice: WorkloadChoice, kind: TargetKind, agents_dir: Path, fallback: str
) -> Workload:
    """The workload for a target of ``kind``.

    Built in are the catalog's evaluation rows where the agent is known beforehand (``pinned``,
    ``openai``), and whole labelled conversations where it is to be found (``route``, ``chat``).

    Args:
        fallback: the agent that should answer what fits none.

    Raises:
        DataError: a file is missing or a row is broken; names file and line.
        ConfigError: the catalog is broken.
    """
    if choice.file is not None:
        workload = _labelled(choice.file, choice.whole, fallback)
    elif choice.trace is not None and _has_turns(choice.trace):
        workload = _labelled(choice.trace, choice.whole, fallback)
    elif kind in ("route", "chat"):
        workload = _labelled(CONVERSATIONS, choice.whole, fallback)
    else:
        workload = _catalog(agents_dir, choice.whole)
    if choice.trace is None:
        return workload
    times = _timestamps(choice.trace)
    return Workload(workload.name, workload.scripts, workload.prompting, times)


def _labelled(path: Path, whole: bool, fallback: str) -> Workload:
    scripts = [_script(conversation, whole, fallback) for conversation in load_labelled(path)]
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return Workload(str(shown), tuple(scripts))


def _script(conversation: LabelledConversation, whole: bool, fallback: str) -> Script:
    """A later turn may mean nothing by itself ("and on Sundays?"), so alone only first ones go."""
    turns = tuple(
        ScriptTurn(
            labelled.turn.text,
            fallback if labelled.agent == OUT_OF_SCOPE else labelled.agent,
            labelled.turn.messages[:-1],
        )
        for labelled in conversation.turns
    )
    return Script(conversation.id, turns if whole else turns[:1])


def _catalog(agents_dir: Path, whole: bool) -> Workload:
    agents = [a for a in load_catalog(agents_dir).values() if a.config.data.eval is not None]
    if not agents:
        raise DataError(f"{agents_dir}: no agent has evaluation rows; give --workload FILE")
    scripts = [
        _example(f"{agent.name}-{number}", example, agent.name, whole)
        for agent in agents
        for number, example in enumerate(agent.eval_examples(), 1)
    ]
    prompting = {agent.name: _prompting(agent) for agent in agents}
    return Workload("evaluation rows of the catalog", tuple(scripts), prompting)


def _example(name: str, example: Example, agent: str, whole: bool) -> Script:
    turns = [
        ScriptTurn(message.content, agent, example.messages[:position])
        for position, message in enumerate(example.messages)
        if message.role == "user"
    ]
    return Script(name, tuple(turns) if whole else (turns[-1],))


def _prompting(agent: Agent) -> Prompting:
    generation = agent.config.generation
    return Prompting(agent.config.system_prompt, generation.temperature, generation.max_tokens)


_TRACE_ADVICE = "give a JSONL trace with a `timestamp` in seconds a line"


def _has_turns(trace: Path) -> bool:
    rows: Sequence[tuple[str, object]] = read_jsonl(trace, _TRACE_ADVICE)
    return all(isinstance(row, dict) and ("turns" in row or "text" in row) for _, row in rows)


def _timestamps(trace: Path) -> Times:
    times: list[float] = []
    for where, row in read_jsonl(trace, _TRACE_ADVICE):
        at = row.get("timestamp") if isinstance(row, dict) else None
        if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at):
            raise DataError(f"{where}: no `timestamp`; give a number of seconds")
        if times and at < times[-1]:
            raise DataError(f"{where}: its timestamp is before the last row's; sort the trace")
        times.append(float(at))
    return np.array(times)
