"""An answer begun while the router LLM is asked: kept, or ended on the engine and never shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.gateway_over_toy import chat, gateway, stream, text_of
from tests.unit.toy_vllm import ToyVllm

#: The fast path is not sure of it, and thinks of `general`.
UNSURE = "could you help me with the other thing"
GENERAL, TRIAGE = "B", "E"


@pytest.fixture
async def engine() -> AsyncIterator[ToyVllm]:
    async with ToyVllm(read_s=0.2, word_s=0.01).running() as toy:
        yield toy


@pytest.mark.parametrize("streams", [False, True])
async def test_a_right_guess_has_begun_before_the_decision(
    engine: ToyVllm, tmp_path: Path, streams: bool
) -> None:
    engine.label = lambda _: GENERAL
    async with gateway(engine, tmp_path, speculate=True) as (http, _):
        if streams:
            chunks = await stream(http, UNSURE)
            assert text_of(chunks).strip() == f"base on {UNSURE}"
            about = chunks[0]["philharmonic"]
        else:
            about = (await chat(http, UNSURE))["philharmonic"]
        page = (await http.get("/metrics")).text
    assert (about["agent"], about["stage"]) == ("general", "label_read")
    assert about["speculation"] == "kept"
    assert sorted(engine.log[:2]) == ["chat base", "read"]
    assert engine.log[2:] == ["decided"] and engine.broken_off == []
    assert 'philharmonic_speculations_total{outcome="kept"} 1.0' in page


@pytest.mark.parametrize("streams", [False, True])
async def test_a_wrong_guess_is_ended_on_the_engine_and_never_shown(
    engine: ToyVllm, tmp_path: Path, streams: bool
) -> None:
    engine.label = lambda _: TRIAGE
    engine.word_s = 0.04  # what is begun in vain has said something, and is far from its end
    async with gateway(engine, tmp_path, speculate=True) as (http, state):
        if streams:
            chunks = await stream(http, UNSURE)
            assert text_of(chunks).strip() == f"triage@1 on {UNSURE}"
            about = chunks[0]["philharmonic"]
        else:
            about = (await chat(http, UNSURE))["philharmonic"]
        assert (about["agent"], about["speculation"]) == ("triage", "cancelled")
        async with asyncio.timeout(5):
            while engine.broken_off != ["base"]:
                await asyncio.sleep(0.01)
        wasted = state.metrics.registry.get_sample_value("philharmonic_wasted_tokens_total")
        # A whole answer does not say how far it had come.
        assert (wasted or 0) > 0 if streams else wasted == 0


async def test_it_is_off_unless_asked_for(engine: ToyVllm, tmp_path: Path) -> None:
    engine.label = lambda _: GENERAL
    async with gateway(engine, tmp_path) as (http, _):
        about = (await chat(http, UNSURE))["philharmonic"]
    assert "speculation" not in about
    assert engine.log == ["read", "decided", "chat base"]


async def test_a_sure_fast_path_speculates_about_nothing(engine: ToyVllm, tmp_path: Path) -> None:
    async with gateway(engine, tmp_path, speculate=True) as (http, _):
        about = (await chat(http, "turn on the light in the kitchen"))["philharmonic"]
    assert about["stage"] == "fast" and "speculation" not in about
    assert engine.log == ["chat home@1"]
