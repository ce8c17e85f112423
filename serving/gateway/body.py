"""Read and check a request's body, within limits."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from agents.settings import Settings
from serving.gateway.errors import ApiError, ClientHungUp, validation_error
from serving.gateway.time_limit import seconds_from_now, time_limit

_Body = TypeVar("_Body", bound=BaseModel)


async def parse_body(request: Request, model: type[_Body], limits: Settings) -> _Body:
    """The body as ``model``, parsed in one step by pydantic's own JSON reader.

    Raises:
        ApiError: the body is too large (413), too slow (408), not JSON or not what ``model``
            allows (400).
    """
    slow = f"The body did not arrive within {limits.client_timeout_s:g} s."
    async with time_limit(seconds_from_now(limits.client_timeout_s), slow, 408):
        content = await _read(request, limits.max_body_bytes)
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise validation_error(error.errors(include_url=False)) from None


async def _read(request: Request, max_bytes: int) -> bytes:
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > max_bytes:
                raise ApiError(
                    413,
                    f"The body is larger than {max_bytes} bytes; send shorter messages.",
                    "request_too_large",
                )
    except ClientDisconnect:
        raise ClientHungUp from None
    return bytes(content)
