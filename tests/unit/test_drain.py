"""A gateway that is told to stop: its own process, real signals."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.settings import ROOT
from serving.engine.own import free_port
from tests.unit.running_gateway import CHAT, until
from tests.unit.toy_engine import ToyEngine

HELLO = {"model": "general", "messages": [{"role": "user", "content": "hello"}]}


@asynccontextmanager
async def serving(
    home: Path, engine: ToyEngine, **settings: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    port = free_port()
    command = [sys.executable, "-m", "philharmonic", "serve", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--engine-url",
        engine.url,
        cwd=ROOT,
        env=os.environ | {"PHILHARMONIC_HOME": str(home)} | settings,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            await until_ready(http)
            yield process, http
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_ready(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(200):
        while True:
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)


async def begin(
    http: httpx.AsyncClient, engine: ToyEngine, **fields: Any
) -> list[asyncio.Task[httpx.Response]]:
    """A whole answer and a stream that the engine keeps waiting."""
    engine.goes_on.clear()
    asked = [
        asyncio.create_task(http.post(CHAT, json=HELLO | fields | {"stream": stream}))
        for stream in (False, True)
    ]
    await until(lambda: engine.working == 2, seconds=60)
    return asked


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_has_begun_is_finished_and_nothing_new_begins(
    tmp_path: Path, number: signal.Signals
) -> None:
    engine = ToyEngine()
    async with engine.running(), serving(tmp_path, engine) as (process, http):
        begun = await begin(http, engine)
        process.send_signal(number)
        while (refused := await http.get("/v1/models")).status_code == 200:
            await asyncio.sleep(0.02)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["code"] == "stopping"
        assert (await http.post(CHAT, json=HELLO)).status_code == 503
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200
        assert process.returncode is None
        engine.goes_on.set()
        whole, stream = await asyncio.gather(*begun)
        assert whole.json()["choices"][0]["message"]["content"] == "word word word"
        assert stream.text.endswith("data: [DONE]\n\n")
        assert await asyncio.wait_for(process.wait(), 60) == 0


@pytest.mark.parametrize(("limit_s", "signals"), [("0.5", 1), ("600", 2)])
async def test_it_does_not_wait_for_ever_nor_after_a_second_signal(
    tmp_path: Path, limit_s: str, signals: int
) -> None:
    engine = ToyEngine()
    limit = {"PHILHARMONIC_DRAIN_TIMEOUT_S": limit_s}
    async with engine.running(), serving(tmp_path, engine, **limit) as (process, http):
        begun = await begin(http, engine)
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)  # two of a kind that are pending at once count as one
        for cut in await asyncio.gather(*begun):
            assert cut.status_code == 503
            assert cut.json()["error"]["code"] == "stopping"
            assert int(cut.headers["retry-after"]) >= 1
        assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_a_stream_that_is_cut_ends_with_an_error_event(tmp_path: Path) -> None:
    engine = ToyEngine(gap_s=600)
    limit = {"PHILHARMONIC_DRAIN_TIMEOUT_S": "0.5"}
    async with (
        engine.running(),
        serving(tmp_path, engine, **limit) as (process, http),
        http.stream("POST", CHAT, json=HELLO | {"stream": True}) as response,
    ):
        lines = response.aiter_lines()
        while '"word ' not in await anext(lines):
            pass
        process.send_signal(signal.SIGTERM)
        rest = [line async for line in lines if line]
        assert json.loads(rest[-1].removeprefix("data: "))["error"]["code"] == "stopping"
        assert await asyncio.wait_for(process.wait(), 60) == 0
