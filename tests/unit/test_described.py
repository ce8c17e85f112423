"""The running app keeps to its own OpenAPI description; here with a toy engine behind it."""

import asyncio
from pathlib import Path

import pytest

from tests.schema_cases import ask_all
from tests.unit.running_gateway import running_gateway


@pytest.mark.filterwarnings("default")
async def test_no_undocumented_answer(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        document = (await up.http.get("/openapi.json")).json()
        chat = document["paths"]["/v1/chat/completions"]["post"]
        assert chat["responses"].keys() >= {"200", "400", "401", "404", "413", "429", "503", "504"}
        assert "ChatMessage" in document["components"]["schemas"]
        assert await asyncio.to_thread(ask_all, up.url, 200) >= 100
