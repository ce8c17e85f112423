"""The engine dies; this comes last, because every other test needs it."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.gateway import Gateway, children, content_of, group_of, wait_until
from tests.integration.test_hang_up import busy

pytestmark = pytest.mark.engine

QUESTIONS = {
    "cron": "every weekday at half past nine in the morning",
    "home": "turn off the lights in the kitchen",
    "triage": "I was charged twice for my last order!",
    "sql": "CREATE TABLE cars (id INTEGER, price REAL);\nHow many cars are there?",
    "general": "What is the capital of France?",
}


def test_an_engine_that_was_killed_comes_back_with_all_its_adapters(server: Gateway) -> None:
    answers = {agent: content_of(server.answer(q, agent)) for agent, q in QUESTIONS.items()}
    adapters = server.adapters()
    conversation_id = server.answer(QUESTIONS["cron"], conversation_id="new")["philharmonic"][
        "conversation_id"
    ]
    (engine,) = children(server.process.pid)
    with ThreadPoolExecutor(4) as pool:
        # One that is being answered when the engine dies, and three that come while it is dead.
        long = pool.submit(server.chat, "Tell me a very long story.", "general", max_tokens=500)
        wait_until(lambda: busy(server) == 1)
        os.killpg(engine, signal.SIGKILL)
        wait_until(lambda: not group_of(engine), timeout_s=5)
        waiting = [
            pool.submit(server.chat, QUESTIONS["cron"]),
            pool.submit(server.chat, QUESTIONS["cron"], "cron", stream=True),
            pool.submit(server.chat, "and on weekends?", conversation_id=conversation_id),
        ]
        assert server.http.get("/healthz").status_code == 200
        wait_until(lambda: not server.is_ready(), timeout_s=5)
        wait_until(server.is_ready, timeout_s=120)
        for answer in (long.result(), *(asked.result() for asked in waiting)):
            assert answer.status_code in (200, 503), answer.text
            assert answer.status_code == 200 or int(answer.headers["retry-after"]) > 0
    assert server.adapters() == adapters
    again = {agent: content_of(server.answer(q, agent)) for agent, q in QUESTIONS.items()}
    assert again == answers
    follow_up = server.answer("and on weekends?", conversation_id=conversation_id)
    assert follow_up["philharmonic"]["agent"] == "cron"
