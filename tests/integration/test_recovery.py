"""The engine dies; this comes last, because every other test needs it."""

import os
import signal
import time

import pytest

from tests.integration.gateway import Gateway, children, content_of, group_of, wait_until

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
    os.killpg(engine, signal.SIGKILL)
    wait_until(lambda: not group_of(engine), timeout_s=5)

    refused = server.chat(QUESTIONS["cron"])
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["error"]["code"] == "engine_unavailable"
    assert server.chat(QUESTIONS["cron"], "cron", stream=True).status_code == 503
    assert server.chat("and on weekends?", conversation_id=conversation_id).status_code == 503
    assert server.http.get("/healthz").status_code == 200
    wait_until(lambda: not server.is_ready(), timeout_s=5)

    statuses = set()
    deadline = time.monotonic() + 120
    while not server.is_ready():
        assert time.monotonic() < deadline, "the engine did not come back"
        statuses.add(server.chat("every minute", "cron").status_code)
        time.sleep(0.5)
    assert statuses <= {503, 200}
    assert server.adapters() == adapters
    again = {agent: content_of(server.answer(q, agent)) for agent, q in QUESTIONS.items()}
    assert again == answers
    follow_up = server.answer("and on weekends?", conversation_id=conversation_id)
    assert follow_up["philharmonic"]["agent"] == "cron"
