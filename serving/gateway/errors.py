"""Errors as OpenAI's clients expect them: a status and ``{"error": {...}}``."""

import logging
import math
import sqlite3
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agents.errors import (
    ArtifactError,
    ConfigError,
    ConversationNotFound,
    EngineRejected,
    EngineUnavailable,
    PhilharmonicError,
    RegistryError,
    StorageError,
)
from agents.storage import storage_error
from serving.gateway.log import request_id_header

logger = logging.getLogger(__name__)

_RETRY_AFTER_S = 2.0
_RETRY_STORAGE_S = 30.0

_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

# How vLLM says that a prompt, or a prompt and its max_tokens, exceed the context.
_TOO_LONG = ("maximum context length", "cannot be greater than")


class ApiError(PhilharmonicError):
    """A request that cannot be served as it is.

    Attributes:
        param: the field at fault.
        retry_after_s: when the same request may work; None: only after a change.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s


class ClientHungUp(ApiError):
    """The client closed the connection; 499 is what nginx logs for it, and nobody reads it."""

    def __init__(self) -> None:
        super().__init__(499, "the client hung up", "client_closed_request")


def error_body(status: int, message: str, code: str, param: str | None = None) -> dict[str, Any]:
    """OpenAI's error object."""
    kind = "server_error" if status >= 500 else _KINDS.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def as_api_error(error: PhilharmonicError | sqlite3.Error) -> ApiError:
    """The status and code under which an error of ours, or of our store, goes out."""
    match error:
        case sqlite3.Error():
            return as_api_error(storage_error("the store of conversations", error))
        case StorageError():
            logger.error("%s", error)
            message = f"{error}. Without a conversation_id chat goes on."
            return ApiError(503, message, "storage_unavailable", retry_after_s=_RETRY_STORAGE_S)
        case ApiError():
            return error
        case ConversationNotFound():
            return ApiError(404, str(error), "conversation_not_found", "conversation_id")
        case RegistryError():
            return ApiError(404, str(error), "model_not_found", "model")
        case ConfigError() | ArtifactError():
            return ApiError(400, str(error), "invalid_value")
        case EngineRejected() if any(sign in error.message for sign in _TOO_LONG):
            message = (
                f"The conversation does not fit the model's context: {error.message} "
                "Send fewer or shorter messages, ask for fewer max_tokens, or start anew."
            )
            return ApiError(400, message, "context_length_exceeded", "messages")
        case EngineRejected():
            status = error.status if 400 <= error.status < 500 else 502
            return ApiError(status, error.message, "rejected_by_engine")
        case EngineUnavailable():
            message, code = str(error), "engine_unavailable"
            return ApiError(503, message, code, retry_after_s=_RETRY_AFTER_S)
        case _:
            return ApiError(500, str(error), "internal_error")


def validation_error(faults: Sequence[Any]) -> ApiError:
    """One error out of pydantic's list; it names every field at fault."""
    if any(fault["type"] in ("json_invalid", "json_type") for fault in faults):
        reason = faults[0].get("ctx", {}).get("error", faults[0]["msg"])
        return ApiError(400, f"The body is not valid JSON: {reason}.", "invalid_json")
    messages = [_explain(fault) for fault in faults]
    param = _path(faults[0]["loc"]) or None
    code = "unsupported_parameter" if faults[0]["type"] == "extra_forbidden" else "invalid_value"
    return ApiError(400, "; ".join(messages), code, param)


def _explain(fault: Any) -> str:
    path = _path(fault["loc"])
    match fault["type"]:
        case "extra_forbidden":
            return f"{path}: this parameter is not supported here; leave it out"
        case "missing":
            return f"{path}: this field is required"
        case _:
            return f"{path}: {fault['msg'].removeprefix('Value error, ')}"


def _path(location: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in location if part != "body")


def response_for(error: ApiError) -> JSONResponse:
    """The HTTP response of an error; one that passes says when to come back."""
    headers = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    body = error_body(error.status, str(error), error.code, error.param)
    return JSONResponse(body, error.status, headers)


def install_error_handlers(app: FastAPI) -> None:
    """Give every error the same shape, whoever raised it."""

    @app.exception_handler(PhilharmonicError)
    @app.exception_handler(sqlite3.Error)
    async def _ours(_: Request, error: PhilharmonicError | sqlite3.Error) -> JSONResponse:
        return response_for(as_api_error(error))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return response_for(validation_error(error.errors()))

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        response = response_for(ApiError(error.status_code, str(error.detail), code))
        response.headers.update(error.headers or {})  # a 405 says what is allowed
        return response

    @app.exception_handler(Exception)
    async def _unexpected(_: Request, __: Exception) -> JSONResponse:
        message = "Something went wrong on our side; the gateway's log says what."
        response = response_for(ApiError(500, message, "internal_error"))
        response.headers.update(request_id_header())  # this is outside of every middleware
        return response
