"""Put the parts together: registry, router, engine client, reconciler, graph."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agents.artifacts import check_adapter
from agents.bases import profile_named
from agents.catalog import load_catalog
from agents.errors import RouterError
from agents.registry import Registry
from agents.settings import Settings
from router.artifact import ADAPTER_FOLDER
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
        router_model, router_adapter = _router_adapter(settings)
        router = load_router(
            settings.router_dir, list(catalog), client, router_model, settings.route_timeout_s
        )
        lineup = Lineup(registry, (router_model, router_adapter))
        in_flight = InFlight()
        reconciler = Reconciler(client, lineup.wanted, in_flight, settings.reconcile_every_s)
        dispatcher = Dispatcher(router, lineup, reconciler)
        checkpointer = await closing.enter_async_context(
            AsyncSqliteSaver.from_conn_string(str(settings.home / "conversations.sqlite"))
        )
        await checkpointer.setup()
        graph = ConversationGraph(dispatcher, Answerer(client, in_flight), checkpointer)
        await closing.enter_async_context(_running(reconciler))
        yield GatewayState(settings, registry, lineup, reconciler, dispatcher, graph)


def _router_adapter(settings: Settings) -> tuple[str, Path]:
    """The router LLM's adapter: a name that changes with its weights, and its folder."""
    folder = settings.router_dir / ADAPTER_FOLDER
    if not folder.is_dir():
        raise RouterError(f"{folder}: no such folder; fit the router first")
    digest = check_adapter(folder, profile_named(settings.base).max_lora_rank)
    return f"router-{digest[:8]}", folder.resolve()


@asynccontextmanager
async def _running(reconciler: Reconciler) -> AsyncIterator[None]:
    reconciling = asyncio.create_task(reconciler.run())
    try:
        yield
    finally:
        reconciling.cancel()
        with suppress(asyncio.CancelledError):
            await reconciling
