"""An answer while it arrives: a JSON body, or an OpenAI stream of server-sent events."""

from collections.abc import Mapping
from typing import Any

import orjson


class Answer:
    """Collects one answer; moments are `time.perf_counter`.

    Attributes:
        stamps: when each piece of text came.
        last_s: when the last piece of the answer itself came (text, or the end of it).
        about: the gateway's ``philharmonic`` object, or the decision of ``/v1/route``.
        fault: error kind and message, if the answer is one.
    """

    __slots__ = (
        "_rest",
        "_streams",
        "_texts",
        "about",
        "ended",
        "fault",
        "headers",
        "last_s",
        "model",
        "stamps",
        "status",
        "usage",
    )

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.stamps: list[float] = []
        self.last_s = 0.0
        self.about: dict[str, Any] | None = None
        self.model: str | None = None
        self.usage: dict[str, Any] | None = None
        self.fault: tuple[str, str] | None = None
        self.ended = False
        self._texts: list[str] = []
        self._streams = False
        self._rest = b""

    @property
    def text(self) -> str:
        """What was answered."""
        return "".join(self._texts)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the status and the headers."""
        self.status = status
        self.headers = headers
        self._streams = headers.get("content-type", "").startswith("text/event-stream")

    def body(self, data: bytes, now: float) -> None:
        """Take a piece of the body."""
        self.last_s = self.last_s or now
        if not self._streams:
            self._rest += data
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip(), now)

    def finish(self, streaming: bool) -> None:
        """Judge the whole answer; `fault` says what is wrong with it."""
        if self.status != 200:
            self.fault = (f"http_{self.status}", _message(self._rest))
        elif streaming:
            self._finish_stream()
        else:
            self._finish_body()

    def _finish_stream(self) -> None:
        if self.fault is not None:
            return
        if not self._streams:
            self.fault = ("malformed", "the answer is not a stream of server-sent events")
        elif not self.ended:
            self.fault = ("incomplete", "the stream ended before its end was said")

    def _finish_body(self) -> None:
        try:
            document = orjson.loads(self._rest)
        except orjson.JSONDecodeError:
            document = None
        if isinstance(document, dict) and isinstance(document.get("agent"), str):
            self.about = document
        else:
            self.fault = ("malformed", f"not a routing decision: {self._rest[:200]!r}")

    def _event(self, payload: bytes, now: float) -> None:
        if payload == b"[DONE]":
            self.ended = True
            return
        try:
            document = orjson.loads(payload)
        except orjson.JSONDecodeError:
            self.fault = ("malformed", f"an event is not JSON: {payload[:200]!r}")
            return
        if "error" in document:
            self.fault = ("stream_error", _message(payload))
            return
        self.about = self.about or document.get("philharmonic")
        self.model = self.model or document.get("model")
        self.usage = document.get("usage") or self.usage
        for choice in document.get("choices") or ():
            self._choice(choice, now)

    def _choice(self, choice: dict[str, Any], now: float) -> None:
        self.last_s = now
        delta = choice.get("delta") or {}
        text = delta.get("content")
        if text:
            self._texts.append(text)
        if text or delta.get("reasoning_content") or delta.get("tool_calls"):
            self.stamps.append(now)


def _message(body: bytes) -> str:
    """The message of an error in OpenAI's shape, or the beginning of whatever it is."""
    try:
        document = orjson.loads(body)
        error = document.get("error", document)
        return str(error.get("message", error) if isinstance(error, dict) else error)[:300]
    except (orjson.JSONDecodeError, AttributeError):
        return body[:300].decode("utf-8", "replace")
