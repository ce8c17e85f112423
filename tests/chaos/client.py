"""One chat turn as a client sees it: a whole answer, a clear error, or a connection that broke."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from tests.integration.gateway import CHAT

Outcome = Literal["answered", "refused", "cut", "left", "unclear"]

#: After a 500 a caller knows nothing: not what happened, and not whether to ask again.
_SAYS_NOTHING = "internal_error"


@dataclass(frozen=True)
class Answer:
    """What was answered, and by whom.

    Attributes:
        named: every model that the body, its chunks and the headers name.
    """

    text: str
    agent: str
    model: str
    named: frozenset[str]


@dataclass(frozen=True)
class Seen:
    """What became of one request.

    Attributes:
        outcome: ``answered`` whole; ``refused`` with an error in OpenAI's shape, before the answer
            or in its stream; ``cut``: the connection was refused or broke; ``left``: we hung up;
            ``unclear``: anything else, which no client should see.
        why: the error's code, how the connection broke, or what is unclear.
    """

    outcome: Outcome
    why: str = ""
    answer: Answer | None = None
    conversation_id: str | None = None
    retry_after_s: float | None = None


async def ask(
    http: httpx.AsyncClient, body: Mapping[str, Any], leave_after: int | None = None
) -> Seen:
    """One turn, streamed if ``body`` says so.

    Args:
        leave_after: hang up after so many events of the stream.
    """
    reading = _Reading()
    try:
        async with http.stream("POST", CHAT, json=dict(body)) as response:
            reading.head(response)
            if reading.is_stream:
                async for line in response.aiter_lines():
                    reading.line(line)
                    if reading.events == leave_after and not reading.ended:
                        return reading.seen("left")
            else:
                reading.whole(await response.aread())
    except httpx.TimeoutException as error:
        return reading.seen("unclear", f"nothing for too long ({type(error).__name__})")
    except httpx.TransportError as error:
        return reading.seen("cut", type(error).__name__)
    return reading.judged(bool(body.get("stream")))


@dataclass
class _Reading:
    """A response while it comes."""

    status: int = 0
    is_stream: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    about: dict[str, Any] | None = None
    error: Any = None
    texts: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    finished: bool = False
    ended: bool = False
    events: int = 0

    def head(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        kind = response.headers.get("content-type", "")
        self.is_stream = self.status == 200 and kind.startswith("text/event-stream")

    def line(self, line: str) -> None:
        payload = line.removeprefix("data:").strip()
        if not payload:
            return
        self.events += 1
        if payload == "[DONE]":
            self.ended = True
        else:
            self._document(payload)

    def whole(self, content: bytes) -> None:
        self._document(content)
        self.ended = True

    def _document(self, payload: str | bytes) -> None:
        try:
            document = json.loads(payload)
        except ValueError:
            return
        if not isinstance(document, dict):
            return
        self.error = self.error or document.get("error")
        self.about = self.about or document.get("philharmonic")
        if "model" in document:
            self.named.add(document["model"])
        for choice in document.get("choices", ()):
            said = choice.get("delta") or choice.get("message") or {}
            self.texts.append(said.get("content") or "")
            self.finished = self.finished or choice.get("finish_reason") in ("stop", "length")

    def seen(self, outcome: Outcome, why: str = "", answer: Answer | None = None) -> Seen:
        retry = self.headers.get("retry-after")
        return Seen(
            outcome,
            why,
            answer,
            self.headers.get("x-philharmonic-conversation-id"),
            None if retry is None else float(retry),
        )

    def judged(self, stream: bool) -> Seen:
        """What a response that came to its end was."""
        if self.error is not None or self.status != 200:
            code = _code_of(self.error)
            if code is None or code == _SAYS_NOTHING:
                return self.seen("unclear", f"http {self.status}: {self.error}")
            return self.seen("refused", code)
        if stream != self.is_stream:
            return self.seen("unclear", f"stream: {stream}, and it came as {self.headers}")
        if not (self.ended and self.finished and self.about):
            return self.seen("unclear", "it ended without its end, and without an error")
        about = self.about
        named = frozenset({about["model"], self.headers["x-philharmonic-model"], *self.named})
        answer = Answer("".join(self.texts), about["agent"], about["model"], named)
        return self.seen("answered", "", answer)


def _code_of(error: Any) -> str | None:
    """The code of an error in OpenAI's shape, None if it is in another."""
    if not isinstance(error, dict):
        return None
    fields = [error.get(name) for name in ("message", "type", "code")]
    return str(error["code"]) if all(isinstance(each, str) and each for each in fields) else None
