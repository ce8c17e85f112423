"""Time limits of a request, as errors that say which one was reached."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serving.gateway.errors import ApiError


def seconds_from_now(seconds: float) -> float:
    """The event loop's time in so many seconds."""
    return asyncio.get_running_loop().time() + seconds


@asynccontextmanager
async def time_limit(end: float, message: str, status: int = 504) -> AsyncIterator[None]:
    """Cancel the block at the event loop's time ``end``.

    Raises:
        ApiError: it was cancelled so.
    """
    try:
        async with asyncio.timeout_at(end) as limit:
            yield
    except TimeoutError:
        if limit.expired():
            raise ApiError(status, message, "timeout") from None
        raise
