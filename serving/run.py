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
from serving.engine.own import engine_client, free_port, own_engine
from serving.engine.process import EngineProcess
from serving.gateway.app import create_app
from serving.gateway.connection import bounded_protocol
from serving.gateway.log import configure_logging
from serving.gateway.state import GatewayState
from serving.keys import KeyRing, KeyStore
from serving.services import open_services
from serving.tracing import tracing

# Whoever was not answered in the time to drain is told so; for that and the rest of the goodbyes.
_CUT_OFF_AFTER_S = 1

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(settings: Settings, console: Console) -> None:
    """Serve until SIGINT or SIGTERM, finish what was asked, and stop gateway and engine.

    A second signal does not wait for the answers.

    Raises:
        ConfigError: the address is taken, or open to others while there is no key; or an engine
            is, or the engines do not fit together.
        EngineUnavailable: vLLM did not come up.
    """
    if settings.host not in _LOOPBACK and not KeyRing(KeyStore(settings.home)).has_valid:
        raise ConfigError(
            f"listening on {settings.host} lets others in, and {settings.home} has no API key "
            "yet: make one with `philharmonic keys create NAME --role admin`, or listen on "
            "127.0.0.1"
        )
    configure_logging(settings.log_level)
    with _listening(settings) as listener:
        uvloop.run(_serve(settings, console, listener))


async def _serve(settings: Settings, console: Console, listener: socket.socket) -> None:
    started = time.perf_counter()
    signals = _Signals()
    port = settings.engine_port or free_port()
    urls = settings.engine_url or (f"http://127.0.0.1:{port}",)
    # First: a home that cannot be written starts no engine.
    clients = [engine_client(settings, url) for url in urls]
    async with (
        _engine(settings, port, console) as engine,
        tracing(settings.otlp_endpoint),
        open_services(settings, clients) as state,
    ):
        with announced(settings, urls):
            await _until_stopped(state, engine, console, listener, signals, started)


async def _until_stopped(
    state: GatewayState,
    engine: EngineProcess | None,
    console: Console,
    listener: socket.socket,
    signals: "_Signals",
    started: float,
) -> None:
    server = _server(state)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopped = asyncio.create_task(signals.stop.wait())
    try:
        if await _until_ready(state, engine, console, signals.stop):
            _say_ready(state, console, time.perf_counter() - started)
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        await _drained(state, console, signals)
    finally:
        stopped.cancel()
        server.should_exit = True
        await serving


async def _drained(state: GatewayState, console: Console, signals: "_Signals") -> None:
    """Wait for the answers that have begun: not for ever, and not after a second signal."""
    limit_s = state.settings.drain_timeout_s
    finishing = asyncio.create_task(state.drain.finish(limit_s))
    hurried = asyncio.create_task(signals.hurry.wait())
    await asyncio.sleep(0)
    if state.drain.active:
        console.print(
            f"Finishing {state.drain.active} answers, at most {limit_s:g} s; Ctrl-C stops at once."
        )
    await asyncio.wait({finishing, hurried}, return_when=asyncio.FIRST_COMPLETED)
    finishing.cancel()
    hurried.cancel()
    state.drain.cut()
    await state.drain.finish(_CUT_OFF_AFTER_S)


class _Signals:
    """SIGINT and SIGTERM as events: the first one asks us to stop, the second to hurry."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._received)

    def _received(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()


def _server(state: GatewayState) -> "_Server":
    @asynccontextmanager
    async def open_state() -> AsyncIterator[GatewayState]:
        yield state

    return _Server(
        uvicorn.Config(
            create_app(open_state),
            http=bounded_protocol(state.settings),
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_CUT_OFF_AFTER_S,
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
    """Our own vLLM server, or None when those are used that run elsewhere."""
    if settings.engine_url:
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
    """Wait until a chat would succeed and each engine was tried; False if told to stop meanwhile.

    Raises:
        ConfigError: engines differ, or one was not started as it must be.
    """
    settings = state.settings
    where = ", ".join(settings.engine_url) or f"vLLM (log: {settings.logs / 'engine.log'})"
    started = time.perf_counter()
    with console.status("") as status:
        while not (state.is_ready() and state.engines.were_tried):
            if stopping.is_set():
                return False
            waited = time.perf_counter() - started
            if waited > settings.engine_start_timeout_s:
                tail = engine.log_tail() if engine else "Is it running, and with LoRA enabled?"
                raise EngineUnavailable(f"{where} was not ready after {waited:.0f} s.\n{tail}")
            status.update(f"Waiting for {where} and its adapters … {waited:.0f} s")
            _refuse(state.engines.misfits())
            state.engines.wake()
            await asyncio.sleep(0.25)
    if settings.engine_url:
        _refuse([*state.engines.misfits(), *await state.engines.too_small()])
    return True


def _refuse(misfits: list[str]) -> None:
    if misfits:
        raise ConfigError("\n".join(misfits))


def _say_ready(state: GatewayState, console: Console, seconds: float) -> None:
    for engine in state.engines.all:
        if not engine.loaded:
            console.print(f"[yellow]No vLLM server answers at {engine.name} yet.[/]")
    url = f"http://{state.settings.host}:{state.settings.port}"
    key = ' -H "authorization: Bearer $PHILHARMONIC_API_KEY"' if state.keys.is_used else ""
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
def _listening(settings: Settings) -> Iterator[socket.socket]:
    host, port = settings.host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it: one whose client reads nothing more is closed by the kernel,
        # whatever is still in its buffers.
        patience_ms = int(1000 * settings.client_timeout_s)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port"
            ) from None
        yield listener
