"""Clients that other people wrote: openai, langchain-openai, curl."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from openai.types.chat import ChatCompletionChunk
from pydantic import SecretStr
from tokenizers import Tokenizer

from agents.catalog import Catalog
from tests.integration.gateway import CHAT, Gateway

pytestmark = pytest.mark.engine

ORDERS = "CREATE TABLE orders (id INTEGER, customer TEXT, total REAL, paid INTEGER);"
QUESTIONS = {
    "cron": "every weekday at half past nine in the morning",
    "home": "please turn off the lights in the kitchen",
    "triage": "I was charged twice for my last order and nobody answers my emails!",
    "sql": f"{ORDERS}\nHow many orders are there?",
    "general": "What is the capital of France?",
}
LONG = "Write a long story about a dragon who learns to play the violin."


@pytest.fixture
def client(server: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def asked(text: str) -> Any:
    return [{"role": "user", "content": text}]


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def chatml(system: str, user: str) -> str:
    """A question as the base's template writes it."""
    return (
        f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("agent", QUESTIONS)
def test_openai_stream_and_plain_are_the_same_answer(client: openai.OpenAI, agent: str) -> None:
    request: dict[str, Any] = {"model": agent, "messages": asked(QUESTIONS[agent])}
    plain = client.chat.completions.create(**request, temperature=0, max_tokens=48)
    chunks = list(
        client.chat.completions.create(
            **request,
            temperature=0,
            max_tokens=48,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert text_of(chunks) == plain.choices[0].message.content
    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) > 3
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert plain.model.startswith(f"{agent}@")
    assert {chunk.model for chunk in chunks} == {plain.model}
    assert plain.usage is not None
    assert [chunk.usage for chunk in chunks if chunk.usage] == [plain.usage]


@pytest.mark.parametrize("agent", QUESTIONS)
def test_openai_usage_is_right(
    client: openai.OpenAI, catalog: Catalog, tokenizer: Tokenizer, agent: str
) -> None:
    question = QUESTIONS[agent]
    completion = client.chat.completions.create(model=agent, messages=asked(question))
    usage, text = completion.usage, completion.choices[0].message.content
    assert usage is not None and text is not None
    prompt = chatml(catalog[agent].config.system_prompt, question)
    assert usage.prompt_tokens == len(tokenizer.encode(prompt, add_special_tokens=False).ids)
    # The end-of-turn token was generated too.
    written = len(tokenizer.encode(text, add_special_tokens=False).ids) + 1
    assert usage.completion_tokens == pytest.approx(written, abs=1)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_openai_usage_comes_only_when_asked_for(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="cron", messages=asked(QUESTIONS["cron"]), stream=True
    )
    for chunk in stream:
        assert chunk.usage is None
        assert len(chunk.choices) == 1


def test_openai_streaming_streams(client: openai.OpenAI) -> None:
    """Chunks come while the engine works, not all at its end."""
    started = time.perf_counter()
    arrivals = []
    stream = client.chat.completions.create(
        model="general", messages=asked(LONG), max_tokens=64, stream=True
    )
    for chunk in stream:
        if chunk.choices[0].delta.content:
            arrivals.append(time.perf_counter() - started)
    assert len(arrivals) > 30
    assert arrivals[0] < arrivals[-1] / 3
    halfway = arrivals[len(arrivals) // 2]
    assert arrivals[-1] / 4 < halfway < arrivals[-1] * 3 / 4


def test_openai_routing_is_told_in_the_body(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="auto", messages=asked(QUESTIONS["home"]))
    assert completion.model_extra is not None
    about = completion.model_extra["philharmonic"]
    assert about["agent"] == "home"
    assert about["model"] == completion.model
    assert 0 < about["confidence"] <= 1


def test_openai_lists_models(client: openai.OpenAI) -> None:
    models = client.models.list().data
    assert {model.id for model in models} == {"auto", *QUESTIONS}
    assert all(model.created > 1_700_000_000 for model in models)


def test_openai_errors_have_their_class(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="chess", messages=asked("e4"))
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    assert "live: cron, general, home, sql, triage" in unknown.value.message
    with pytest.raises(openai.BadRequestError) as unsupported:
        client.chat.completions.create(model="cron", messages=asked("e4"), tools=[])
    assert (unsupported.value.code, unsupported.value.param) == ("unsupported_parameter", "tools")
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="cron", messages=[])
    with pytest.raises(openai.NotFoundError) as conversation:
        client.chat.completions.create(
            model="cron", messages=asked("e4"), extra_body={"conversation_id": "nope"}
        )
    assert conversation.value.code == "conversation_not_found"


def test_openai_logprobs(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="cron", messages=asked(QUESTIONS["cron"]), logprobs=True, top_logprobs=2
    )
    assert completion.choices[0].logprobs is not None
    tokens = completion.choices[0].logprobs.content
    assert tokens is not None and completion.usage is not None
    assert len(tokens) == completion.usage.completion_tokens
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens)


async def test_openai_async_answers_at_the_same_time(server: Gateway) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:

        async def streamed(agent: str) -> str:
            chunks = [
                chunk
                async for chunk in await client.chat.completions.create(
                    model=agent, messages=asked(QUESTIONS[agent]), stream=True
                )
            ]
            return text_of(chunks)

        async def plain(agent: str) -> str | None:
            completion = await client.chat.completions.create(
                model=agent, messages=asked(QUESTIONS[agent])
            )
            return completion.choices[0].message.content

        agents = ["cron", "home", "triage"]
        answers = await asyncio.gather(*map(streamed, agents), *map(plain, agents))
    assert all(answers)
    assert answers[:3] == answers[3:]


def test_langchain(server: Gateway) -> None:
    model = ChatOpenAI(
        model="auto", base_url=f"{server.url}/v1", api_key=SecretStr("none"), temperature=0
    )
    question = HumanMessage(QUESTIONS["home"])
    answer = model.invoke([question])
    assert json.loads(str(answer.content))["device"] == "light"
    assert answer.response_metadata["model_name"].startswith("home@")
    pieces = list(model.stream([question]))
    assert len(pieces) > 3
    assert "".join(str(piece.content) for piece in pieces) == answer.content
    follow_up = [question, AIMessage(answer.content), HumanMessage("same but for the bedroom")]
    assert json.loads(str(model.invoke(follow_up).content))["room"] == "bedroom"
    with_system = [SystemMessage("Be brief."), HumanMessage(QUESTIONS["general"])]
    assert "Paris" in str(model.invoke(with_system).content)


def curl(*arguments: str) -> str:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--no-buffer", "--max-time", "60", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_curl_plain(server: Gateway) -> None:
    body = json.dumps({"messages": asked(QUESTIONS["cron"])})
    printed = curl("--include", f"{server.url}{CHAT}", "-d", body)
    head, _, content = printed.replace("\r\n", "\n").partition("\n\n")
    assert head.startswith("HTTP/1.1 200")
    assert "x-philharmonic-agent: cron" in head
    assert json.loads(content)["choices"][0]["message"]["content"]


def test_curl_stream(server: Gateway) -> None:
    body = json.dumps({"model": "cron", "messages": asked(QUESTIONS["cron"]), "stream": True})
    lines = [line for line in curl(f"{server.url}{CHAT}", "-d", body).splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert len(chunks) > 3
    assert chunks[0]["philharmonic"]["agent"] == "cron"
    assert all("philharmonic" not in chunk for chunk in chunks[1:])


def test_the_curl_that_serve_prints_works(server: Gateway) -> None:
    found = re.search(r"^  (curl .*)$", server.output.read_text(), re.MULTILINE)
    assert found is not None
    done = subprocess.run(
        ["bash", "-c", found[1]], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout)["philharmonic"]["agent"] == "cron"
