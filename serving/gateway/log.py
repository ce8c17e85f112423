"""One JSON line for each request and each event, and the request's id in all of them.

The id is the caller's ``x-request-id`` or a new one; it comes back in the same header.
"""

import json
import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.gateway.metrics import Metrics
from serving.tracing import server_span

REQUEST_ID = "x-request-id"

logger = logging.getLogger(__name__)

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_ALLOWED = re.compile(r"[\w.:-]{1,128}", re.ASCII)
#: What watches us comes every few seconds and tells nothing.
_WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})


def request_id_header() -> dict[str, str]:
    """The header with the id of the request that is being answered."""
    request_id = _request_id.get()
    return {} if request_id is None else {REQUEST_ID: request_id}


def configure_logging(level: str) -> None:
    """Log to standard error, a JSON object a line, from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every call to the engine


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; what it carries as ``about`` becomes fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{at}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := _request_id.get()) is not None:
            line["request_id"] = request_id
        line |= getattr(record, "about", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class LogMiddleware:
    """Logs, counts and traces each request, from the first byte to the last of its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and tell of it when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _ALLOWED.fullmatch(given) else uuid.uuid4().hex
        about: dict[str, Any] = {"method": scope["method"], "path": scope["path"], "status": 0}

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer[REQUEST_ID] = request_id
                about["status"] = message["status"]
                if "x-philharmonic-model" in answer:
                    about["model"] = answer["x-philharmonic-model"]
            await send(message)

        _request_id.set(request_id)  # each request is a task, and so a context, of its own
        try:
            with server_span(f"{scope['method']} {scope['path']}", headers) as trace:
                await self._app(scope, receive, noting)
                trace.set(
                    http__request__method=scope["method"],
                    url__path=scope["path"],
                    http__response__status_code=about["status"],
                    philharmonic__request_id=request_id,
                )
                if about["status"] >= 500:
                    trace.fail(str(about["status"]))
        except Exception:
            about["status"] = 500
            raise
        finally:
            about["ms"] = round(1000 * (time.perf_counter() - started), 1)
            self._tell(scope, about)

    @staticmethod
    def _tell(scope: Scope, about: dict[str, Any]) -> None:
        metrics: Metrics = scope["app"].state.gateway.metrics
        route = getattr(scope.get("route"), "path", "none")
        metrics.responses.labels(route, str(about["status"])).inc()
        if scope["path"] in _WATCHED:
            return
        if (key := scope.get("state", {}).get("key")) is not None:
            about["key"] = key
        level = logging.WARNING if about["status"] >= 500 else logging.INFO
        logger.log(level, "request", extra={"about": about})
