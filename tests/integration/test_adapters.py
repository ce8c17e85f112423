"""What is served is what was trained: the same tokens, the same adapters, alone and in a batch."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agents.catalog import Catalog
from agents.data import Example, Message
from agents.prompt import with_system_prompt
from agents.registry import Registry
from agents.settings import ROOT
from serving.engine.client import BASE_MODEL, EngineClient
from tests.integration.gateway import CHAT, Gateway, completion_of, content_of
from training.parity import TOLERANCE, Parity, check_parity
from training.render import render

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("default")]

WITH_ADAPTER = ("cron", "home", "sql", "triage")
GENERAL = (
    "What is the capital of France?",
    "How many days are there in a week?",
    "Name three colours.",
    "What is 2 plus 2?",
)

CONVERSATIONS = {
    "one turn": [("user", "every monday"), ("assistant", "0 0 * * 1")],
    "three turns": [
        ("user", "every monday"),
        ("assistant", "0 0 * * 1"),
        ("user", "and at noon?"),
        ("assistant", "0 12 * * 1"),
        ("user", "thanks"),
        ("assistant", "You are welcome."),
    ],
    "a system message of the caller": [
        ("system", "Answer in French."),
        ("user", "Good morning"),
        ("assistant", "Bonjour"),
    ],
    "white space": [("user", "  two  blanks\n\n\tand a tab \n"), ("assistant", "ok")],
    "other scripts": [("user", "Grüße 🎻 от нас — 東京で"), ("assistant", "naïve café")],
    "tables": [
        ("user", 'CREATE TABLE t (id INTEGER, "a b" TEXT);\n-- how many?'),
        ("assistant", "SELECT COUNT(*) FROM t"),
    ],
    "the template's own tokens": [
        ("user", "what does <|im_end|> mean? <|im_start|>system"),
        ("assistant", "It ends a turn."),
    ],
}


def tokenized(server: Gateway, messages: list[dict[str, str]], generate: bool) -> list[int]:
    body = {"model": BASE_MODEL, "messages": messages, "add_generation_prompt": generate}
    tokens: list[int] = server.engine.post("/tokenize", json=body).json()["tokens"]
    return tokens


@pytest.fixture(scope="module")
def trained_tokenizer(base_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base_folder)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_train_and_serve_render_the_same_tokens(
    server: Gateway, trained_tokenizer: Any, name: str
) -> None:
    system = "Answer with one cron expression."
    example = Example(tuple(Message(role, text) for role, text in CONVERSATIONS[name]))  # type: ignore[arg-type]
    trained = render(trained_tokenizer, system, example).input_ids
    messages = [m.as_dict() for m in with_system_prompt(system, example.messages)]
    assert tokenized(server, messages, generate=False) == trained
    prompt = tokenized(server, messages[:-1], generate=True)
    assert prompt == trained[: len(prompt)]


@pytest.mark.parametrize("agent", WITH_ADAPTER)
def test_an_adapter_is_not_dropped(server: Gateway, catalog: Catalog, agent: str) -> None:
    config = catalog[agent].config
    for example in catalog[agent].eval_examples()[:3]:
        messages = [m.as_dict() for m in with_system_prompt(config.system_prompt, example.prompt)]
        answers = [
            completion_of(
                server.engine.post(
                    CHAT,
                    json={
                        "model": model,
                        "messages": messages,
                        "temperature": 0,
                        "max_tokens": 32,
                    },
                )
            )
            for model in (server.on_engine(f"{agent}@1"), BASE_MODEL)
        ]
        assert content_of(answers[0]) != content_of(answers[1])
        if len(example.prompt) == 1:
            served = server.answer(example.prompt[0].content, agent, max_tokens=32)
            assert content_of(served) == content_of(answers[0])


@pytest.mark.parametrize("agent", WITH_ADAPTER)
def test_what_is_served_is_what_peft_trained(
    server: Gateway, catalog: Catalog, base_folder: Path, agent: str
) -> None:
    async def compared() -> Parity:
        client = EngineClient(server.engine_url, 60, owner=Registry(server.home).home_id)
        try:
            return await check_parity(
                client,
                f"{agent}@1",
                catalog[agent].config,
                catalog[agent].eval_examples()[:5],
                base_folder,
                ROOT / "agents" / agent / "adapter",
            )
        finally:
            await client.aclose()

    parity = asyncio.run(compared())
    assert not parity.faults
    assert parity.unlike_base == parity.prompts


def lead(alone: dict[str, Any], together: dict[str, Any]) -> float:
    """By how much ``alone`` prefers its own token where the two first differ (0: nowhere)."""
    pairs = zip(*(c["choices"][0]["logprobs"]["content"] for c in (alone, together)), strict=False)
    for mine, its in pairs:
        if mine["token"] != its["token"]:
            ranked = {each["token"]: each["logprob"] for each in mine["top_logprobs"]}
            return float(mine["logprob"] - ranked.get(its["token"], -math.inf))
    return 0.0


def test_a_mixed_batch_answers_as_one_at_a_time(server: Gateway, catalog: Catalog) -> None:
    """vLLM's own CPU kernels gave base requests in such a batch the last adapter's output.

    A batch of another size is multiplied in another order, so where two tokens are as likely as
    bfloat16 can tell, either may be written.
    """
    questions = [
        (agent, example.prompt[-1].content)
        for agent in WITH_ADAPTER
        for example in [e for e in catalog[agent].eval_examples() if len(e.prompt) == 1][:3]
    ]
    questions += [("general", question) for question in GENERAL]

    def answer(question: tuple[str, str]) -> dict[str, Any]:
        agent, text = question
        return server.answer(text, agent, max_tokens=32, logprobs=True, top_logprobs=5)

    alone = [answer(question) for question in questions]
    with ThreadPoolExecutor(len(questions)) as pool:
        together = list(pool.map(answer, questions))
    assert len(questions) == 16
    leads = [lead(*pair) for pair in zip(alone, together, strict=True)]
    assert max(leads) <= TOLERANCE, dict(zip(questions, leads, strict=True))
