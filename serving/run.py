"""``philharmonic serve``: base, engine and gateway in one command."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
import uvloop
from rich.console import Console

from agents.errors import ConfigError, EngineUnavailable
from agents.settings import Settings
from serving.announce import announced
from serving.engine.client import EngineClient
from serving.engine.own import free_port, own_engine
from serving.engine.process import EngineProcess
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
        uvloop.run(_serve(settings, console, listener))


async def _serve(settings: Settings, console: Console, listener: socket.socket) -> None:
    started = time.perf_counter()
    stopping = _set_on_signals()
    port = settings.engine_port or free_port()
    url = settings.engine_url or f"http://127.0.0.1:{port}"
    async with (
        _engine(settings, port, console) as engine,
        open_services(settings, EngineClient(url, settings.request_timeout_s)) as state,
    ):
        with announced(settings, url):
            await _until_stopped(state, engine, console, listener, stopping, started)


async def _until_stopped(
    state: GatewayState,
    engine: EngineProcess | None,
    console: Console,
    listener: socket.socket,
    stopping: asyncio.Event,
    started: float,
) -> None:
    server = _server(state)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopped = asyncio.create_task(stopping.wait())
    try:
        if await _until_ready(state, engine, console, stopping):
            _say_ready(state.settings, console, time.perf_counter() - started)
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        server.should_exit = True
        await serving


def _set_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


def _server(state: GatewayState) -> "_Server":
    @asynccontextmanager
    async def open_state() -> AsyncIterator[GatewayState]:
        yield state

    key = state.settings.api_key
    return _Server(
        uvicorn.Config(
            create_app(open_state, key.get_secret_value() if key else None),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=30,
        )
    )


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `_set_on_signals`: uvicorn would raise them again at its end."""
        yield


@asynccontextmanager
async def _engine(
    settings: Settings, port: int, console: Console
) -> AsyncIterator[EngineProcess | None]:
    """Our own vLLM server, or None when one that runs elsewhere is used."""
    if settings.engine_url is not None:
        yield None
        return
    async with own_engine(settings, port, console) as engine:
        yield engine


async def _until_ready(
    state: GatewayState,
    engine: EngineProcess | None,
    console: Console,
    stopping: asyncio.Event,
) -> bool:
    """Wait until a chat would succeed; False if we were told to stop meanwhile."""
    settings = state.settings
    where = settings.engine_url or f"vLLM (log: {settings.logs / 'engine.log'})"
    started = time.perf_counter()
    with console.status("") as status:
        while not state.is_ready():
            if stopping.is_set():
                return False
            waited = time.perf_counter() - started
            if waited > settings.engine_start_timeout_s:
                tail = engine.log_tail() if engine else "Is it running, and with LoRA enabled?"
                raise EngineUnavailable(f"{where} was not ready after {waited:.0f} s.\n{tail}")
            status.update(f"Waiting for {where} and its adapters … {waited:.0f} s")
            state.reconciler.wake()
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
