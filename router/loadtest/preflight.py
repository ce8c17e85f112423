"""Before the load: is the server there, does it let us in, does it have what will be asked for?"""

from collections.abc import Sequence
from typing import Any

import orjson

from agents.errors import ConfigError, EngineUnavailable, LoadTestError
from router.loadtest.connection import Connections, TransportError
from router.loadtest.monitor import Page
from router.loadtest.target import Target
from router.loadtest.workload import Workload

_TIMEOUT_S = 10.0
_HINTS = {
    "openai": "start the server, or give its address with --url",
    "gateway": "start it with: philharmonic serve (or give its address with --url)",
}


async def served_models(target: Target) -> list[str]:
    """The names that ``/v1/models`` offers.

    Raises:
        EngineUnavailable: nobody answers at the target's address.
        ConfigError: the key is wrong, or the address is no OpenAI-compatible server's.
    """
    server, page = Connections(target.url), Page()
    request = server.request("GET", "/v1/models", target.headers)
    try:
        await server.ask(request, page, _TIMEOUT_S)
    except TransportError as error:
        hint = _HINTS["openai" if target.kind == "openai" else "gateway"]
        raise EngineUnavailable(f"no server answers at {target.url} ({error}); {hint}") from None
    finally:
        server.close()
    if page.status in (401, 403):
        raise ConfigError(
            f"{target.url} refuses the API key; set --api-key or PHILHARMONIC_API_KEY"
        )
    if page.status != 200:
        raise ConfigError(
            f"{target.url}/v1/models says {page.status}: give the root of an OpenAI-compatible "
            "server, without /v1"
        )
    return _names(target.url, page.text)


def check_served(target: Target, workload: Workload, models: Sequence[str]) -> None:
    """Every turn asks for something the server has; `ConfigError` names what it lacks."""
    if target.kind == "openai":
        wanted = {target.model_for(agent) for agent in workload.agents}
    else:
        wanted = set(workload.agents)
    missing = sorted(wanted - set(models))
    if missing:
        raise ConfigError(
            f"{target.url} does not serve {', '.join(missing)}, which {workload.name} asks for; "
            f"it serves: {', '.join(models)}"
        )


async def check_metrics(url: str) -> None:
    """Check that Prometheus metrics are where ``--engine-metrics`` says; `LoadTestError`."""
    server, page = Connections(url), Page()
    try:
        await server.ask(server.request("GET", "/metrics", {}), page, _TIMEOUT_S)
    except TransportError as error:
        raise LoadTestError(f"--engine-metrics {url}: {error}") from None
    finally:
        server.close()
    if page.status != 200:
        raise LoadTestError(
            f"--engine-metrics {url}: /metrics says {page.status}; give the root of the server"
        )


def default_model(models: Sequence[str], url: str) -> str:
    """The model of a plain server when none was named: its first, as `vllm bench serve` does."""
    if not models:
        raise ConfigError(f"{url} lists no model; name one with --model")
    return models[0]


def _names(url: str, text: str) -> list[str]:
    try:
        document: Any = orjson.loads(text)
        return [str(model["id"]) for model in document["data"]]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ConfigError(
            f"{url}/v1/models is not what an OpenAI-compatible server says: {text[:200]!r}"
        ) from None
