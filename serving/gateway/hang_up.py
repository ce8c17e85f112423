"""A client that hangs up cancels the work done for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from serving.gateway.errors import ClientHungUp

_Result = TypeVar("_Result")


async def unless_hung_up(receive: Receive, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do the work, but cancel it (and with it the engine's) when the client hangs up.

    Cancelled work has ended when this returns: nothing of it can touch a conversation later. It
    is cancelled exactly once. Starlette's own way, an anyio cancel scope, cancels again at every
    await of the clean-up, and LangGraph then leaves its nodes running.

    Args:
        receive: the request's ASGI channel; its body must have been read.

    Raises:
        ClientHungUp: the client was gone before the work was done.
    """
    working = asyncio.ensure_future(work)
    listening = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientHungUp
    finally:
        listening.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
