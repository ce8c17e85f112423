"""Put the parts together: registry, router, engine client, reconciler, graph."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agents.artifacts import WEIGHTS, sha256_of
from agents.catalog import load_catalog
from agents.registry import Registry
from agents.settings import Settings
from router.router import load_router
from serving.answer import Answerer
from serving.dispatch import Dispatcher
from serving.engine.client import EngineClient
from serving.gateway.state import GatewayState
from serving.graph import ConversationGraph
from serving.lineup import Lineup
from serving.publish import publish_catalog
from serving.reconciler import InFlight, Reconciler

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_services(settings: Settings, client: EngineClient) -> AsyncIterator[GatewayState]:
    """Everything the gateway needs, running; all of it is closed on the way out.

    Raises:
        ConfigError: the catalog is broken.
        RouterError: the fitted router is missing, damaged, or for other agents.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    registry = Registry(settings.home)
    catalog = load_catalog(settings.agents_dir)
    for name in publish_catalog(registry, catalog, settings.base):
        logger.warning("agent %s is not served: it has no adapter for this base", name)
    router_adapter = settings.router_dir / "adapter"
    router_model = f"router-{sha256_of(router_adapter / WEIGHTS)[:8]}"
    router = load_router(
        settings.router_dir, list(catalog), client, router_model, settings.route_timeout_s
    )
    lineup = Lineup(registry, (router_model, router_adapter.resolve()))
    in_flight = InFlight()
    reconciler = Reconciler(client, lineup.wanted, in_flight, settings.reconcile_every_s)
    dispatcher = Dispatcher(router, lineup, reconciler)
    conversations = str(settings.home / "conversations.sqlite")
    async with AsyncSqliteSaver.from_conn_string(conversations) as checkpointer:
        await checkpointer.setup()
        graph = ConversationGraph(dispatcher, Answerer(client, in_flight), checkpointer)
        reconciling = asyncio.create_task(reconciler.run())
        try:
            yield GatewayState(settings, registry, lineup, reconciler, dispatcher, graph)
        finally:
            reconciling.cancel()
            with suppress(asyncio.CancelledError):
                await reconciling
            await client.aclose()
