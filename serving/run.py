"""``philharmonic serve``: base, engine and gateway in one command."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from rich.console import Console

from agents.bases import profile_named
from agents.errors import ConfigError, EngineUnavailable
from agents.settings import Settings
from serving.engine.base_model import ensure_base_model, is_prepared
from serving.engine.client import EngineClient
from serving.engine.process import EngineProcess, engine_command, engine_environment
from serving.gateway.app import create_app
from serving.gateway.state import GatewayState
from serving.services import open_services

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(settings: Settings, console: Console) -> None:
    """Serve until SIGINT or SIGTERM; both stop gateway and engine cleanly.

    Raises:
        ConfigError: the address is taken, or open to others without an API key.
        EngineUnavailable: vLLM did not come up.
    """
    if settings.host not in _LOOPBACK and settings.api_key is None:
        raise ConfigError(
            f"listening on {settings.host} lets others in: set PHILHARMONIC_API_KEY, or listen "
            "on 127.0.0.1"
        )
    with _listening(settings.host, settings.port) as listener:
        asyncio.run(_serve(settings, console, listener))


async def _serve(settings: Settings, console: Console, listener: socket.socket) -> None:
    started = time.perf_counter()
    port = settings.engine_port or _free_port()
    url = settings.engine_url or f"http://127.0.0.1:{port}"
    client = EngineClient(url, settings.request_timeout_s)
    gateway = _Gateway(settings, client)
    stopping = gateway.stop_on_signals()
    async with _engine(settings, port, console) as engine:
        serving = asyncio.create_task(gateway.server.serve(sockets=[listener]))
        try:
            if await _until_ready(settings, gateway, engine, console, stopping):
                _say_ready(settings, console, time.perf_counter() - started)
            await serving
        finally:
            gateway.server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)
    if serving.done() and not serving.cancelled() and serving.exception():
        raise serving.exception()  # type: ignore[misc]


class _Gateway:
    """uvicorn around the app, told to stop by us instead of by its own signal handlers."""

    def __init__(self, settings: Settings, client: EngineClient) -> None:
        self.state: GatewayState | None = None

        @asynccontextmanager
        async def open_state() -> AsyncIterator[GatewayState]:
            async with open_services(settings, client) as state:
                self.state = state
                yield state

        key = settings.api_key.get_secret_value() if settings.api_key else None
        config = uvicorn.Config(
            create_app(open_state, key),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=30,
        )
        self.server = _Server(config)

    def stop_on_signals(self) -> asyncio.Event:
        """Stop on SIGINT and SIGTERM; the event is set when one has come."""
        stopping = asyncio.Event()

        def stop() -> None:
            stopping.set()
            self.server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        return stopping


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `_Gateway`: uvicorn would raise them again at its end."""
        yield


@asynccontextmanager
async def _engine(
    settings: Settings, port: int, console: Console
) -> AsyncIterator[EngineProcess | None]:
    """Our own vLLM server, prepared and started; None when another one is used."""
    if settings.engine_url is not None:
        yield None
        return
    profile = profile_named(settings.base)
    if not is_prepared(profile, settings.cache):
        with console.status(f"Preparing base model {profile.name!r} (once, about 30 s) …"):
            await asyncio.to_thread(ensure_base_model, profile, settings.cache)
    model = ensure_base_model(profile, settings.cache)
    command = engine_command(profile, model, port)
    log = settings.logs / "engine.log"
    engine = EngineProcess(command, engine_environment(profile), log)
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        with console.status("Stopping vLLM …"):
            await engine.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _until_ready(
    settings: Settings,
    gateway: _Gateway,
    engine: EngineProcess | None,
    console: Console,
    stopping: asyncio.Event,
) -> bool:
    """Wait until a chat would succeed; False if we were told to stop meanwhile."""
    deadline = time.perf_counter() + settings.engine_start_timeout_s
    where = settings.engine_url or f"vLLM (log: {settings.logs / 'engine.log'})"
    with console.status("") as status:
        started = time.perf_counter()
        while not (gateway.state and gateway.state.is_ready()):
            if stopping.is_set() or gateway.server.should_exit:
                return False
            waited = time.perf_counter() - started
            if time.perf_counter() > deadline:
                tail = engine.log_tail() if engine else "Is it running, and with LoRA enabled?"
                raise EngineUnavailable(f"{where} was not ready after {waited:.0f} s.\n{tail}")
            status.update(f"Waiting for {where} and its adapters … {waited:.0f} s")
            if gateway.state:
                gateway.state.reconciler.wake()
            await asyncio.sleep(0.25)
    return True


def _say_ready(settings: Settings, console: Console, seconds: float) -> None:
    url = f"http://{settings.host}:{settings.port}"
    key = ' -H "authorization: Bearer $PHILHARMONIC_API_KEY"' if settings.api_key else ""
    console.print(f"[bold green]Ready[/] at {url} after {seconds:.0f} s. Try it:\n")
    console.print(
        f"  curl {url}/v1/chat/completions{key} -d '"
        '{"model": "auto", "conversation_id": "new", "messages": [{"role": "user", '
        '"content": "every weekday at half past nine"}]}\'\n',
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    console.print("API page: " + url + "/docs · Ctrl-C stops everything.", highlight=False)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port"
            ) from None
        yield listener


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: Any = probe.getsockname()[1]
    return int(port)
