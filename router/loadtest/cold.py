"""What a cold adapter costs: each agent is taken out of service, put back, and asked at once."""

import asyncio
import statistics
import time
from typing import Any

import orjson

from agents.errors import LoadTestError
from router.loadtest.answer import Answer
from router.loadtest.connection import Connections, TransportError
from router.loadtest.monitor import Page
from router.loadtest.report import ColdLoad
from router.loadtest.target import Dialogue, Target
from router.loadtest.workload import Script, Workload

_WARM_TURNS = 5
_POLL_S = 0.005
_UNLOAD_TIMEOUT_S = 10.0
_TIMEOUT_S = 60.0


async def measure_cold_loads(target: Target, workload: Workload) -> list[ColdLoad]:
    """Measure every agent of the workload that has an adapter of its own.

    Only for servers nobody else uses: each agent is out of service for a moment.

    Raises:
        LoadTestError: the gateway does not let adapters be unloaded and loaded, or an agent
            did not come back.
    """
    server = Connections(target.url)
    probe = _Probe(Target("pinned", target.url, target.api_key, max_tokens=1), server)
    try:
        scripts = {script.agent: script for script in reversed(workload.scripts)}
        found = [await probe.measure(agent, scripts[agent]) for agent in sorted(scripts)]
    except TransportError as error:
        raise LoadTestError(f"--cold-load: {target.url}: {error}") from None
    finally:
        server.close()
    return [cold for cold in found if cold is not None]


class _Probe:
    def __init__(self, target: Target, server: Connections) -> None:
        self._target = target
        self._server = server

    async def measure(self, agent: str, script: Script) -> ColdLoad | None:
        """One agent; None if it has no adapter that could be unloaded."""
        live = (await self._about(agent))["live"]
        if live is None:
            return None
        await self._admin("POST", f"/{agent}/unload")
        unloaded = await self._is_unloaded(agent, live)
        started = time.perf_counter()
        await self._admin("POST", f"/{agent}/activate", {"version": live})
        first_s, answer = await self._first_answer(agent, script)
        if not unloaded:
            return None
        ready_ms = 1000 * (answer.last_s - started)
        warm = [(await self._ask(script))[0] for _ in range(_WARM_TURNS)]
        warm_ms = 1000 * statistics.median(warm)
        return ColdLoad(
            agent=agent,
            model=str((answer.about or {}).get("model", agent)),
            ready_ms=ready_ms,
            first_ttft_ms=1000 * first_s,
            warm_ttft_ms=warm_ms,
            cost_ms=ready_ms - warm_ms,
        )

    async def _is_unloaded(self, agent: str, version: int) -> bool:
        deadline = time.monotonic() + _UNLOAD_TIMEOUT_S
        while time.monotonic() < deadline:
            versions = (await self._about(agent))["versions"]
            if not any(row["loaded"] for row in versions if row["version"] == version):
                return True
            await asyncio.sleep(_POLL_S)
        return False

    async def _first_answer(self, agent: str, script: Script) -> tuple[float, Answer]:
        """Ask until the agent answers; the time to first token of that answer (s), and it."""
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            seconds, answer = await self._ask(script)
            if answer.fault is None:
                return seconds, answer
            if time.monotonic() > deadline:
                raise LoadTestError(f"--cold-load: {agent} did not come back: {answer.fault[1]}")
            await asyncio.sleep(_POLL_S)

    async def _ask(self, script: Script) -> tuple[float, Answer]:
        turn, answer = script.turns[-1], Answer()
        dialogue = Dialogue(self._target, Script(script.id, (turn,)))
        headers, path = self._target.headers, self._target.path
        request = self._server.request("POST", path, headers, dialogue.body(turn))
        started = time.perf_counter()
        await self._server.ask(request, answer, _TIMEOUT_S)
        answer.finish(streaming=True)
        return (answer.stamps[0] if answer.stamps else answer.last_s) - started, answer

    async def _about(self, agent: str) -> Any:
        for row in (await self._admin("GET", ""))["agents"]:
            if row["name"] == agent:
                return row
        raise LoadTestError(f"--cold-load: the gateway's registry has no agent {agent!r}")

    async def _admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        page, content = Page(), b"" if body is None else orjson.dumps(body)
        headers = self._target.headers
        request = self._server.request(method, f"/admin/agents{path}", headers, content)
        await self._server.ask(request, page, _TIMEOUT_S)
        if page.status != 200:
            raise LoadTestError(
                f"--cold-load: {method} /admin/agents{path} says {page.status}: {page.text[:300]}"
            )
        return orjson.loads(page.text)
