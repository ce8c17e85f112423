"""What is watched beside the requests: the generator's own event loop, and the server's queue."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from router.loadtest.connection import Connections, TransportError

_HEARTBEAT_S = 0.02
_SCRAPE_S = 1.0
_SCRAPE_TIMEOUT_S = 5.0

#: Gauges of the gateway and of vLLM, by the name reports give them.
GAUGES = {
    "philharmonic_requests_in_flight": "gateway_in_flight",
    "vllm:num_requests_waiting": "engine_waiting",
    "vllm:num_requests_running": "engine_running",
}


async def watch_loop(lags_s: list[float]) -> None:
    """Append how late the event loop was for each of its own heartbeats; runs until cancelled."""
    while True:
        expected = time.perf_counter() + _HEARTBEAT_S
        await asyncio.sleep(_HEARTBEAT_S)
        lags_s.append(max(0.0, time.perf_counter() - expected))


@dataclass(frozen=True)
class QueueSample:
    """Gauges of the servers at one moment of the run; missing ones were not offered."""

    at_s: float
    gauges: Mapping[str, float]


class QueueWatch:
    """Reads the gauges of every server's ``/metrics`` once a second.

    Args:
        servers: the root of each, and the headers it wants.
    """

    def __init__(self, servers: Mapping[str, Mapping[str, str]]) -> None:
        self._servers = [(Connections(url), headers) for url, headers in servers.items()]
        self.samples: list[QueueSample] = []

    async def run(self, begin: float) -> None:
        """Append samples until cancelled; ``begin`` is the run's, by `time.perf_counter`."""
        try:
            while True:
                at = time.perf_counter() - begin
                gauges: dict[str, float] = {}
                for server, headers in self._servers:
                    gauges |= await self._gauges(server, headers)
                if gauges:
                    self.samples.append(QueueSample(at, gauges))
                await asyncio.sleep(_SCRAPE_S)
        finally:
            for server, _ in self._servers:
                server.close()

    async def _gauges(self, server: Connections, headers: Mapping[str, str]) -> dict[str, float]:
        page = Page()
        with suppress(TransportError):  # a server too busy to say is sampled a second later
            request = server.request("GET", "/metrics", headers)
            await server.ask(request, page, _SCRAPE_TIMEOUT_S)
        return read_gauges(page.text) if page.status == 200 else {}


class Page:
    """A whole body, for requests whose timing is of no interest."""

    def __init__(self) -> None:
        self.status = 0
        self._parts: list[bytes] = []

    @property
    def text(self) -> str:
        """The body."""
        return b"".join(self._parts).decode("utf-8", "replace")

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the status."""
        self.status = status

    def body(self, data: bytes, now: float) -> None:
        """Take a piece of the body."""
        self._parts.append(data)


def read_gauges(page: str) -> dict[str, float]:
    """The known gauges of a Prometheus page, those of several engines added up."""
    # vLLM's page is long and the parser slow: a tenth of a second of it would delay requests.
    lines = [line for line in page.splitlines() if line.startswith(tuple(GAUGES))]
    found: dict[str, float] = {}
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        for sample in family.samples:
            if sample.name in GAUGES:
                name = GAUGES[sample.name]
                found[name] = found.get(name, 0.0) + sample.value
    return found
