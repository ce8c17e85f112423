"""Put the parts together: registry, router, engine client, reconciler, graph."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agents.catalog import load_catalog
from agents.registry import Registry
from agents.settings import Settings
from serving.answer import Answerer
from serving.dispatch import Dispatcher
from serving.engine.client import EngineClient
from serving.gateway.state import GatewayState
from serving.graph import ConversationGraph
from serving.lineup import Lineup
from serving.publish import publish_catalog
from serving.reconciler import InFlight, Reconciler
from serving.routers import RouterSwitch, follow, open_router, router_folder

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_services(settings: Settings, client: EngineClient) -> AsyncIterator[GatewayState]:
    """Everything the gateway needs, running; all of it is closed on the way out.

    Raises:
        ConfigError: the catalog is broken.
        ArtifactError: an adapter is damaged.
        RouterError: the fitted router is missing, damaged, or for other agents.
    """
    async with AsyncExitStack() as closing:
        closing.push_async_callback(client.aclose)
        settings.home.mkdir(parents=True, exist_ok=True)
        registry = Registry(settings.home)
        catalog = load_catalog(settings.agents_dir)
        for name in publish_catalog(registry, catalog, settings.base):
            logger.warning("agent %s is not served: it has no adapter for this base", name)
        published = registry.router()
        folder = router_folder(published, settings)
        routers = RouterSwitch(open_router(folder, catalog, client, settings))
        lineup = Lineup(registry, routers.adapters)
        in_flight = InFlight()
        reconciler = Reconciler(client, lineup.wanted, in_flight, settings.reconcile_every_s)
        dispatcher = Dispatcher(routers, lineup, reconciler)
        checkpointer = await closing.enter_async_context(
            AsyncSqliteSaver.from_conn_string(str(settings.home / "conversations.sqlite"))
        )
        await checkpointer.setup()
        graph = ConversationGraph(dispatcher, Answerer(client, in_flight), checkpointer)
        await closing.enter_async_context(_running(reconciler.run()))
        following = follow(routers, registry, published, catalog, client, settings)
        await closing.enter_async_context(_running(following))
        yield GatewayState(settings, registry, lineup, reconciler, routers, dispatcher, graph)


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
