"""Our own vLLM server for as long as a block of code runs."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from rich.console import Console

from agents.bases import profile_named
from agents.errors import ConfigError, EngineUnavailable
from agents.registry import Registry
from agents.settings import Settings
from serving.announce import running_server
from serving.engine.base_model import ensure_base_model, is_prepared
from serving.engine.client import EngineClient
from serving.engine.process import EngineProcess, engine_command, engine_environment
from serving.tracing import traces_url


@asynccontextmanager
async def own_engine(
    settings: Settings, port: int, console: Console
) -> AsyncIterator[EngineProcess]:
    """Prepare the base if need be, start vLLM on ``port``, stop it on the way out."""
    profile = profile_named(settings.base)
    if not is_prepared(profile, settings.cache):
        with console.status(f"Preparing base model {profile.name!r} (once, about 30 s) …"):
            await asyncio.to_thread(ensure_base_model, profile, settings.cache)
    model = ensure_base_model(profile, settings.cache)
    command = engine_command(profile, model, port, settings.concurrency)
    log = settings.logs / "engine.log"
    environment = engine_environment(profile)
    if settings.otlp_endpoint is not None:
        command += ["--otlp-traces-endpoint", traces_url(settings.otlp_endpoint)]
        environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
    engine = EngineProcess(command, environment, log)
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        with console.status("Stopping vLLM …"):
            await engine.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def any_engine(settings: Settings, console: Console) -> AsyncIterator[EngineClient]:
    """A client of a healthy engine.

    It is the first healthy one of ``settings.engine_url``, of those behind a server which runs on
    this home with the same base, or one of our own.

    Raises:
        EngineUnavailable: the engine does not answer in time.
    """
    running = running_server(settings)
    urls: Sequence[str] = settings.engine_url
    if not urls and running is not None and running.base == settings.base:
        urls = running.engine_urls
    if urls:
        client = await _first_healthy(settings, urls)
        try:
            yield client
        finally:
            await client.aclose()
        return
    port = settings.engine_port or free_port()
    client = engine_client(settings, f"http://127.0.0.1:{port}")
    try:
        async with own_engine(settings, port, console) as engine:
            await _until_healthy(client, engine, settings.engine_start_timeout_s, console)
            yield client
    finally:
        await client.aclose()


async def _first_healthy(settings: Settings, urls: Sequence[str]) -> EngineClient:
    for url in urls:
        client = engine_client(settings, url)
        if await client.is_healthy():
            return client
        await client.aclose()
    raise EngineUnavailable(f"no vLLM server answers at {' or '.join(urls)}")


def engine_client(settings: Settings, url: str) -> EngineClient:
    """A client of the vLLM server at ``url``, for the adapters of this home.

    Raises:
        ConfigError: it is on another machine, and we have no key for it.
    """
    if settings.engine_key is None and not _is_loopback(url):
        raise ConfigError(
            f"the engine at {url} is not on loopback, where others may reach it and load adapters "
            "into it: start it with --api-key and set PHILHARMONIC_ENGINE_KEY to the same key"
        )
    owner = Registry(settings.home).home_id
    return EngineClient(url, settings.request_timeout_s, settings.engine_key, owner)


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_healthy(
    client: EngineClient, engine: EngineProcess, timeout_s: float, console: Console
) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    with console.status("Starting vLLM …") as status:
        while not await client.is_healthy():
            waited = loop.time() - started
            if waited > timeout_s:
                raise EngineUnavailable(
                    f"vLLM was not ready after {waited:.0f} s.\n{engine.log_tail()}"
                )
            status.update(f"Starting vLLM … {waited:.0f} s")
            await asyncio.sleep(0.25)
