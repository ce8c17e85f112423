"""What we ask of one vLLM server, over HTTP."""

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

from agents.errors import EngineRejected, EngineUnavailable
from serving.own_time import EngineWait

BASE_MODEL = "base"
"""The name our own engine serves its base model under."""

CANDIDATE = "candidate:"
"""Adapters whose names begin so are on trial; whoever loaded them unloads them."""

_FLOOR = math.log(1e-6)
_TOP_LOGPROBS = 20
_CONNECTIONS = 4096
# Below vLLM's own 5 s: a connection that the server is just closing must not be used again.
_KEEPALIVE_S = 3.0


class EngineClient:
    """An OpenAI-compatible vLLM server.

    httpx speaks through aiohttp's connection pool here: httpx's own serves a fraction of the
    requests per second when many connections are open (``docs/log.md``).

    Every method raises `EngineUnavailable` when the server does not answer and
    `EngineRejected` when it answers with an error.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=self.url,
            transport=AiohttpTransport(
                limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_KEEPALIVE_S)
            ),
            timeout=httpx.Timeout(timeout_s, connect=5.0),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def is_healthy(self) -> bool:
        """Whether the server answers and says it is well."""
        try:
            return (await self._http.get("/health", timeout=5.0)).status_code == 200
        except httpx.HTTPError:
            return False

    async def models(self) -> dict[str, str | None]:
        """The models the server has, each with the base it is an adapter of (None: a base)."""
        listing = orjson.loads(await self._request("GET", "/v1/models", None))
        return {model["id"]: model.get("parent") for model in listing["data"]}

    async def load_adapter(self, name: str, folder: Path) -> None:
        """Make the server serve the adapter in ``folder`` as model ``name``."""
        payload = {"lora_name": name, "lora_path": str(folder)}
        response = await self._send("POST", "/v1/load_lora_adapter", payload)
        if response.status_code != 200:
            # vLLM says 500 of an adapter that does not fit its base.
            raise EngineRejected(response.status_code, _error_message(response.content))

    async def unload_adapter(self, name: str) -> None:
        """Make the server forget the adapter ``name``."""
        await self._request("POST", "/v1/unload_lora_adapter", {"lora_name": name})

    async def chat(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One whole chat completion."""
        completion = orjson.loads(await self._request("POST", "/v1/chat/completions", payload))
        return {key: value for key, value in completion.items() if value is not None}

    async def stream_chat(self, payload: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of one chat completion, as the server makes them.

        Closing the iterator closes the connection, on which vLLM aborts the request.
        """
        content = orjson.dumps({**payload, "stream": True})
        wait = EngineWait()
        try:
            async with self._http.stream(
                "POST", "/v1/chat/completions", content=content, headers=_JSON
            ) as response:
                if response.status_code != 200:
                    raise _rejection(response.status_code, await response.aread())
                async for line in response.aiter_lines():
                    wait.end()
                    if line.startswith("data: ") and line != "data: [DONE]":
                        chunk = orjson.loads(line[6:])
                        if "error" in chunk:
                            raise EngineUnavailable(f"vLLM broke off: {chunk['error']}")
                        yield chunk
        except httpx.HTTPError as error:
            raise EngineUnavailable(f"vLLM at {self.url} broke off: {error!r}") from None
        finally:
            wait.end()

    async def label_logprobs(self, model: str, prompt: str, labels: Sequence[str]) -> list[float]:
        """The log-probability of each one-token label right after ``prompt``.

        A label outside the 20 likeliest tokens gets ``log(1e-6)``.
        """
        payload = {
            "model": model,
            "prompt": prompt,
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": _TOP_LOGPROBS,
            "add_special_tokens": False,
        }
        content = await self._request("POST", "/v1/completions", payload)
        try:
            top = orjson.loads(content)["choices"][0]["logprobs"]["top_logprobs"][0]
            return [max(float(top.get(label, _FLOOR)), _FLOOR) for label in labels]
        except (ValueError, LookupError, TypeError, AttributeError):
            raise EngineUnavailable(
                f"vLLM at {self.url} answered a label read without log-probabilities"
            ) from None

    async def _request(self, method: str, path: str, payload: Mapping[str, Any] | None) -> bytes:
        response = await self._send(method, path, payload)
        if response.status_code != 200:
            raise _rejection(response.status_code, response.content)
        return response.content

    async def _send(
        self, method: str, path: str, payload: Mapping[str, Any] | None
    ) -> httpx.Response:
        content = None if payload is None else orjson.dumps(payload)
        wait = EngineWait()
        try:
            return await self._http.request(method, path, content=content, headers=_JSON)
        except httpx.HTTPError as error:
            raise EngineUnavailable(f"vLLM at {self.url} does not answer: {error!r}") from None
        finally:
            wait.end()


_JSON = {"content-type": "application/json"}


def _rejection(status: int, body: bytes) -> EngineRejected | EngineUnavailable:
    message = _error_message(body)
    if status >= 500:
        return EngineUnavailable(f"vLLM failed ({status}): {message}")
    return EngineRejected(status, message)


def _error_message(body: bytes) -> str:
    try:
        document = orjson.loads(body)
        return str(document.get("error", document).get("message", document))
    except (orjson.JSONDecodeError, AttributeError):
        return body.decode("utf-8", "replace")[:500]
