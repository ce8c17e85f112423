"""Read and check a request's body, within limits."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from serving.gateway.errors import ApiError, ClientHungUp, validation_error

_Body = TypeVar("_Body", bound=BaseModel)


async def parse_body(request: Request, model: type[_Body], max_bytes: int) -> _Body:
    """The body as ``model``, parsed in one step by pydantic's own JSON reader.

    Raises:
        ApiError: the body is too large (413), not JSON or not what ``model`` allows (400).
    """
    content = await _read(request, max_bytes)
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
