"""Put the parts together: registry, router, engines, graph."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from agents.catalog import load_catalog
from agents.errors import StorageError
from agents.registry import Registry
from agents.settings import Settings
from serving.answer import Answerer
from serving.conversations import open_conversations
from serving.dispatch import Dispatcher
from serving.engine.client import EngineClient
from serving.engine.router_llm import RouterLLMEndpoint
from serving.engines import Engines
from serving.gateway.admission import Admission
from serving.gateway.metrics import Metrics
from serving.gateway.state import GatewayState
from serving.graph import ConversationGraph
from serving.keys import KeyRing, KeyStore
from serving.lineup import Lineup
from serving.publish import publish_catalog
from serving.reconciler import follow as follow_versions
from serving.routers import RouterSwitch, open_router, router_folder
from serving.routers import follow as follow_routers

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_services(
    settings: Settings, clients: Sequence[EngineClient]
) -> AsyncIterator[GatewayState]:
    """Everything the gateway needs, running; all of it is closed on the way out.

    Args:
        clients: one for each engine; they are closed, too.

    Raises:
        ConfigError: the catalog is broken.
        RouterError: the fitted router is missing, damaged, or for other agents.
        StorageError: the home folder cannot be read or written.
    """
    async with AsyncExitStack() as closing:
        for client in clients:
            closing.push_async_callback(client.aclose)
        registry = Registry(settings.home)
        catalog = load_catalog(settings.agents_dir)
        for name, why in publish_catalog(registry, catalog, settings.base).items():
            logger.warning("the catalog's agent %s cannot be served: %s", name, why)
        published = registry.router()
        folder = router_folder(published, settings)
        metrics = Metrics([client.name for client in clients])
        engines = Engines(
            clients,
            lambda: lineup.wanted(),  # the lineup asks for the router's adapters, too
            settings.reconcile_every_s,
            on_load=metrics.load_seconds.observe,
            on_lost=lambda name: metrics.engine_lost.labels(name).inc(),
        )
        llm: Engines | RouterLLMEndpoint = engines
        if settings.router_llm_url is not None:
            llm = RouterLLMEndpoint(
                settings.router_llm_url, settings.router_llm_model, settings.router_llm_key
            )
            closing.push_async_callback(llm.aclose)
        routers = RouterSwitch(open_router(folder, catalog, llm, registry, settings))
        lineup = Lineup(registry, routers.adapters, settings.base)
        dispatcher = Dispatcher(routers, lineup, engines)
        checkpointer = await closing.enter_async_context(open_conversations(settings.home))
        answerer = Answerer(engines)
        graph = ConversationGraph(dispatcher, answerer, checkpointer, settings.speculate)
        for engine in engines.all:
            await closing.enter_async_context(_running(engine.reconciler.run()))
        await closing.enter_async_context(_running(follow_versions(registry, engines.wake)))
        following = follow_routers(routers, registry, published, catalog, llm, settings)
        await closing.enter_async_context(_running(following))
        admission = Admission(
            lambda: settings.slots(engines.alive), settings.max_queued, settings.queue_timeout_s
        )
        keys = KeyRing(KeyStore(settings.home))
        await closing.enter_async_context(_running(_follow_keys(keys, settings)))
        yield GatewayState(
            settings,
            registry,
            lineup,
            engines,
            routers,
            dispatcher,
            graph,
            admission,
            keys,
            metrics,
        )


async def _follow_keys(keys: KeyRing, settings: Settings) -> None:
    """Take up keys that were made or revoked, as often as engines are compared; for ever."""
    trouble = ""
    while True:
        await asyncio.sleep(settings.reconcile_every_s / 2)
        try:
            await asyncio.to_thread(keys.refresh)
            trouble = ""
        except StorageError as error:
            if str(error) != trouble:  # said once, not every second
                logger.error("the keys cannot be read, those known so far hold: %s", error)
            trouble = str(error)
        except Exception:
            logger.exception("reading the keys failed, those known so far hold")


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
