"""The ASGI application: every endpoint, and the state they share."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from serving.gateway import admin, chat, inspect
from serving.gateway.access import AccessMiddleware
from serving.gateway.drain import DrainMiddleware
from serving.gateway.errors import install_error_handlers
from serving.gateway.log import LogMiddleware
from serving.gateway.openapi import describe
from serving.gateway.state import GatewayState

VERSION = "0.1.0"


def create_app(
    open_state: Callable[[], AbstractAsyncContextManager[GatewayState]],
) -> FastAPI:
    """The application; ``open_state`` is entered when it starts and left when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_state() as state:
            app.state.gateway = state
            yield

    app = FastAPI(
        title="Philharmonic",
        version=VERSION,
        summary="A router LLM dispatches each turn to a domain-specific Phi-3 agent.",
        lifespan=lifespan,
        middleware=[
            Middleware(LogMiddleware),
            Middleware(DrainMiddleware),
            Middleware(AccessMiddleware),
        ],
    )
    install_error_handlers(app)
    for module in (chat, inspect, admin):
        app.include_router(module.routes)
    describe(app)
    return app
