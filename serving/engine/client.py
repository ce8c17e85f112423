"""What we ask of one vLLM server, over HTTP."""

import math
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import aiohttp
import httpx
import orjson
from httpx_aiohttp import AiohttpTransport
from pydantic import SecretStr

from agents.errors import EngineMisfit, EngineRejected, EngineUnavailable
from agents.settings import bearer
from serving.own_time import EngineWait
from serving.tracing import Trace, client_span

BASE_MODEL = "base"
"""The name our own engine serves its base model under."""

CANDIDATE = "candidate:"
"""Adapters whose names begin so are on trial; whoever loaded them unloads them."""

_JSON = {"content-type": "application/json"}
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

_FLOOR = math.log(1e-6)
_TOP_LOGPROBS = 20
_CONNECTIONS = 4096
# Below vLLM's own 5 s: a connection that the server is just closing must not be used again.
_KEEPALIVE_S = 3.0
# A busy server answers within it; one that does not is as good as gone.
_LISTING_S = 20.0
# httpx_aiohttp lets some of aiohttp's errors through: that of an answer that is not HTTP, for one.
_NO_ANSWER = (httpx.HTTPError, aiohttp.ClientError)
_MAX_LORAS = re.compile(rb'^vllm:lora_requests_info\{.*?max_lora="(\d+)"', re.MULTILINE)


class ServedModel(NamedTuple):
    """A model as a server lists it.

    Attributes:
        parent: the base it is an adapter of; None: it is a base.
        root: the folder or the hub's name it was loaded from.
        max_model_len: the context in tokens; adapters have none of their own.
    """

    parent: str | None
    root: str | None
    max_model_len: int | None


class EngineClient:
    """An OpenAI-compatible vLLM server.

    httpx speaks through aiohttp's connection pool here: httpx's own serves a fraction of the
    requests per second when many connections are open (``docs/log.md``).

    Every method raises `EngineUnavailable` when the server does not answer and
    `EngineRejected` when it answers with an error.

    Args:
        key: what the server asks of its callers, if anything.
        owner: whose adapters these are. Several homes may use one server; each sees, uses and
            unloads its own adapters alone, which go by ``<owner>:<name>`` there.
    """

    def __init__(
        self, url: str, timeout_s: float, key: SecretStr | None = None, owner: str = ""
    ) -> None:
        self.url = url.rstrip("/")
        self._prefix = f"{owner}:" if owner else ""
        self._http = httpx.AsyncClient(
            base_url=self.url,
            transport=AiohttpTransport(
                limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_KEEPALIVE_S)
            ),
            timeout=httpx.Timeout(timeout_s, connect=5.0),
            headers=bearer(key),
        )
        there = self._http.base_url
        self.name = there.netloc.decode() + there.path.rstrip("/")
        """Which server it is, without what a URL may hold besides."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def is_healthy(self) -> bool:
        """Whether the server answers and says it is well."""
        try:
            return (await self._http.get("/health", timeout=5.0)).status_code == 200
        except _NO_ANSWER:
            return False

    async def models(self) -> dict[str, ServedModel]:
        """The models the server has, by our names; `EngineMisfit` if it does not tell."""
        try:
            content = await self._request("GET", "/v1/models", None, timeout_s=_LISTING_S)
            return {
                model["id"].removeprefix(self._prefix): ServedModel(
                    model.get("parent"), model.get("root"), model.get("max_model_len")
                )
                for model in orjson.loads(content)["data"]
                if model.get("parent") is None or model["id"].startswith(self._prefix)
            }
        except EngineRejected as error:
            raise EngineMisfit(
                f"vLLM at {self.name} does not list its models ({error.status}: {error.message}); "
                "PHILHARMONIC_ENGINE_KEY must be its --api-key"
            ) from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise EngineMisfit(f"what answers at {self.name} is no vLLM server") from None

    async def max_loras(self) -> int | None:
        """How many adapters it takes into one batch; None if its metrics do not tell.

        vLLM shows that of a server that has worked, so it is given a token to make if need be.
        """
        if (found := await self._max_loras()) is None:
            payload = {"model": BASE_MODEL, "prompt": "a", "max_tokens": 1}
            await self._request("POST", "/v1/completions", payload)
            found = await self._max_loras()
        return found

    async def _max_loras(self) -> int | None:
        response = await self._send("GET", "/metrics", None)
        found = _MAX_LORAS.search(response.content)
        return None if found is None else int(found[1])

    async def load_adapter(self, name: str, folder: Path) -> None:
        """Make the server serve the adapter in ``folder`` as model ``name``."""
        payload = {"lora_name": self._there(name), "lora_path": str(folder)}
        response = await self._send("POST", "/v1/load_lora_adapter", payload)
        if response.status_code != 200:
            # vLLM says 500 of an adapter that does not fit its base.
            raise EngineRejected(response.status_code, _error_message(response.content))

    async def unload_adapter(self, name: str) -> None:
        """Make the server forget the adapter ``name``."""
        payload = {"lora_name": self._there(name)}
        response = await self._send("POST", "/v1/unload_lora_adapter", payload)
        if response.status_code != 200:
            raise EngineRejected(response.status_code, _error_message(response.content))

    async def chat(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One whole chat completion."""
        with self._asking("chat", payload) as trace:
            there = {**payload, "model": self._there(payload["model"])}
            content = await self._request("POST", "/v1/chat/completions", there, trace.headers())
            completion = self._completion(content)
            _trace_usage(trace, completion)
        return {key: value for key, value in completion.items() if value is not None}

    async def stream_chat(self, payload: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of one chat completion, as the server makes them.

        Closing the iterator closes the connection, on which vLLM aborts the request.
        """
        model = self._there(payload["model"])
        content = orjson.dumps({**payload, "model": model, "stream": True})
        wait = EngineWait()
        with self._asking("chat", payload) as trace:
            headers = _JSON | trace.headers()
            try:
                async with self._http.stream(
                    "POST", "/v1/chat/completions", content=content, headers=headers
                ) as response:
                    if response.status_code != 200:
                        raise _rejection(response.status_code, await response.aread())
                    async for line in response.aiter_lines():
                        wait.end()
                        if line.startswith("data: ") and line != "data: [DONE]":
                            chunk = self._completion(line[6:])
                            _trace_usage(trace, chunk)
                            yield chunk
            except _NO_ANSWER as error:
                raise EngineUnavailable(f"vLLM at {self.name} broke off: {error!r}") from None
            finally:
                wait.end()

    async def label_logprobs(self, model: str, prompt: str, labels: Sequence[str]) -> list[float]:
        """The log-probability of each one-token label right after ``prompt``.

        A label outside the 20 likeliest tokens gets ``log(1e-6)``.
        """
        payload = {
            "model": self._there(model),
            "prompt": prompt,
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": _TOP_LOGPROBS,
            "add_special_tokens": False,
        }
        with self._asking("text_completion", {**payload, "model": model}) as trace:
            content = await self._request("POST", "/v1/completions", payload, trace.headers())
        try:
            top = orjson.loads(content)["choices"][0]["logprobs"]["top_logprobs"][0]
            return [max(float(top.get(label, _FLOOR)), _FLOOR) for label in labels]
        except (ValueError, LookupError, TypeError, AttributeError):
            raise EngineUnavailable(
                f"vLLM at {self.name} answered a label read without log-probabilities"
            ) from None

    def _completion(self, content: bytes | str) -> dict[str, Any]:
        """A completion or a piece of one; what stands between may answer 200 with anything."""
        try:
            found = orjson.loads(content)
        except ValueError:
            found = None
        if isinstance(found, dict) and "error" in found:
            raise EngineUnavailable(f"vLLM at {self.name} broke off: {found['error']}")
        if not isinstance(found, dict) or not isinstance(found.get("choices"), list):
            raise EngineUnavailable(f"vLLM at {self.name} answered, but with no completion")
        return found

    def _there(self, name: str) -> str:
        """What the server calls a model of ours; the base is everybody's."""
        return name if name == BASE_MODEL else f"{self._prefix}{name}"

    @contextmanager
    def _asking(self, operation: str, payload: Mapping[str, Any]) -> Iterator[Trace]:
        """The span of a call that makes tokens."""
        with client_span(f"{operation} {payload['model']}") as trace:
            trace.set(
                gen_ai__operation__name=operation,
                gen_ai__provider__name="vllm",
                gen_ai__request__model=payload["model"],
                gen_ai__request__max_tokens=payload.get("max_tokens"),
                gen_ai__request__temperature=payload.get("temperature"),
                server__address=self._http.base_url.host,
                server__port=self._http.base_url.port,
            )
            yield trace

    async def _request(
        self,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None,
        headers: Mapping[str, str] = _NO_HEADERS,
        timeout_s: float | None = None,
    ) -> bytes:
        response = await self._send(method, path, payload, headers, timeout_s)
        if response.status_code != 200:
            raise _rejection(response.status_code, response.content)
        return response.content

    async def _send(
        self,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None,
        headers: Mapping[str, str] = _NO_HEADERS,
        timeout_s: float | None = None,
    ) -> httpx.Response:
        content = None if payload is None else orjson.dumps(payload)
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s
        wait = EngineWait()
        try:
            return await self._http.request(
                method, path, content=content, headers={**_JSON, **headers}, timeout=timeout
            )
        except _NO_ANSWER as error:
            raise EngineUnavailable(f"vLLM at {self.name} does not answer: {error!r}") from None
        finally:
            wait.end()


def _trace_usage(trace: Trace, document: Mapping[str, Any]) -> None:
    if usage := document.get("usage"):
        trace.set(
            gen_ai__usage__input_tokens=usage.get("prompt_tokens"),
            gen_ai__usage__output_tokens=usage.get("completion_tokens"),
        )


def _rejection(status: int, body: bytes) -> EngineRejected | EngineUnavailable:
    message = _error_message(body)
    if status == 404:  # it was started anew a moment ago, and has no adapters yet
        return EngineUnavailable(f"vLLM does not have what was asked for: {message}")
    if status >= 500:
        return EngineUnavailable(f"vLLM failed ({status}): {message}")
    return EngineRejected(status, message)


def _error_message(body: bytes) -> str:
    try:
        document = orjson.loads(body)
        return str(document.get("error", document).get("message", document))
    except (orjson.JSONDecodeError, AttributeError):
        return body.decode("utf-8", "replace")[:500]
