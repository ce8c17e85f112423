"""What is put under load: the four kinds of target and the requests each one gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from router.loadtest.answer import Answer
from router.loadtest.config import TargetKind
from router.loadtest.workload import Prompting, Script, ScriptTurn

_NEW = "new"
_CONVERSATION = "x-philharmonic-conversation-id"


@dataclass(frozen=True)
class Target:
    """A server, and how it is asked.

    Attributes:
        model: what ``openai`` targets are asked for; ``{agent}`` in it becomes the agent that
            should answer.
        max_tokens: longest answer, in place of what the server or the agent says.
        prompting: what ``openai`` targets get with an agent's turns.
    """

    kind: TargetKind
    url: str
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    max_tokens: int | None = None
    prompting: Mapping[str, Prompting] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where its requests go."""
        return "/v1/route" if self.kind == "route" else "/v1/chat/completions"

    @property
    def streams(self) -> bool:
        """Whether its answers are streams."""
        return self.kind != "route"

    @property
    def routes(self) -> bool:
        """Whether it decides who answers."""
        return self.kind in ("route", "chat")

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        headers = {"content-type": "application/json"}
        if self.api_key is not None:
            headers["authorization"] = f"Bearer {self.api_key}"
        return headers

    def model_for(self, agent: str) -> str:
        """The model that an agent's turns ask for."""
        match self.kind:
            case "pinned":
                return agent
            case "openai":
                assert self.model is not None
                return self.model.replace("{agent}", agent)
            case _:
                return "auto"


class Dialogue:
    """One script being played: what has to be remembered from turn to turn.

    Conversations of the gateway are stored there and continued by their id; a plain OpenAI
    server gets the history with every turn, its own answers in it.
    """

    def __init__(self, target: Target, script: Script) -> None:
        self._target = target
        self._said: list[dict[str, str]] = []
        stored = target.kind in ("chat", "pinned") and len(script.turns) > 1
        self.conversation_id: str | None = _NEW if stored else None

    def body(self, turn: ScriptTurn) -> bytes:
        """The body that asks for the next turn."""
        asked = {"role": "user", "content": turn.text}
        history = [message.as_dict() for message in turn.history]
        match self._target.kind:
            case "route":
                return orjson.dumps({"messages": [*history, asked]})
            case "openai":
                body = self._plain(turn, self._said or history, asked)
            case _ if self.conversation_id is not None:
                body = {"messages": [asked], "conversation_id": self.conversation_id}
            case _:
                body = {"messages": [*history, asked]}
        if self._target.max_tokens is not None:
            body["max_tokens"] = self._target.max_tokens
        body["model"] = self._target.model_for(turn.agent)
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
        return orjson.dumps(body)

    def heard(self, turn: ScriptTurn, answer: Answer) -> None:
        """Remember a turn's answer for the next one."""
        if self.conversation_id is not None:
            self.conversation_id = answer.headers.get(_CONVERSATION, self.conversation_id)
        if self._target.kind == "openai":
            self._said = self._said or [message.as_dict() for message in turn.history]
            self._said += [
                {"role": "user", "content": turn.text},
                {"role": "assistant", "content": answer.text},
            ]

    @property
    def stored_id(self) -> str | None:
        """The conversation that the gateway now holds, if any."""
        return None if self.conversation_id == _NEW else self.conversation_id

    def _plain(
        self, turn: ScriptTurn, history: list[dict[str, str]], asked: dict[str, str]
    ) -> dict[str, Any]:
        prompting = self._target.prompting.get(turn.agent)
        if prompting is None:
            # Greedy, so that every run asks for the same work.
            return {"messages": [*history, asked], "temperature": 0.0}
        # What the gateway sends for this agent (agents/prompt.py), so that the two compare.
        system = {"role": "system", "content": prompting.system}
        return {
            "messages": [system, *history, asked],
            "temperature": prompting.temperature,
            "max_tokens": prompting.max_tokens,
        }
