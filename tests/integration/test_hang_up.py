"""A client that hangs up cancels the work on the engine."""

import json
import socket
import threading
import time
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.gateway import CHAT, Gateway, content_of, wait_until

pytestmark = pytest.mark.engine

STORY = [{"role": "user", "content": "Tell me a very long story about a dragon."}]
LONG: dict[str, Any] = {"model": "general", "messages": STORY, "max_tokens": 2000}


def gauge(http: httpx.Client, *names: str) -> float:
    families = text_string_to_metric_families(http.get("/metrics").text)
    return sum(s.value for family in families for s in family.samples if s.name in names)


def busy(server: Gateway) -> float:
    """Requests that vLLM works on, or will."""
    return gauge(server.engine, "vllm:num_requests_running", "vllm:num_requests_waiting")


def is_idle_again(server: Gateway) -> None:
    wait_until(lambda: busy(server) == 0, timeout_s=5)
    wait_until(lambda: gauge(server.http, "philharmonic_requests_in_flight") == 0, timeout_s=5)


def test_a_stream(server: Gateway) -> None:
    with server.http.stream("POST", CHAT, json=LONG | {"stream": True}) as response:
        next(response.iter_raw())
        wait_until(lambda: busy(server) == 1, timeout_s=5)
    is_idle_again(server)


def test_a_plain_request(server: Gateway) -> None:
    with httpx.Client(base_url=server.url) as http:
        waiting = threading.Thread(target=_give_up_after, args=(http, 3.0))
        waiting.start()
        wait_until(lambda: busy(server) == 1, timeout_s=3)
        waiting.join()
    is_idle_again(server)


def _give_up_after(http: httpx.Client, seconds: float) -> None:
    with pytest.raises(httpx.ReadTimeout):
        http.post(CHAT, json=LONG, timeout=seconds)


@pytest.mark.parametrize("stream", [False, True])
def test_many_that_do_not_even_wait(server: Gateway, stream: bool) -> None:
    for _ in range(8):
        _send_and_leave(server, LONG | {"stream": stream})
    is_idle_again(server)


@pytest.mark.parametrize("stream", [False, True])
def test_an_abandoned_turn_is_not_stored_and_blocks_nobody(server: Gateway, stream: bool) -> None:
    first = server.answer("every minute", conversation_id="new")
    conversation_id = first["philharmonic"]["conversation_id"]
    for _ in range(3):
        _send_and_leave(server, LONG | {"conversation_id": conversation_id, "stream": stream})
    second = server.answer("every day at noon", "cron", conversation_id=conversation_id)
    assert content_of(second) == "0 12 * * *"
    stored = server.http.get(f"/v1/conversations/{conversation_id}").json()["messages"]
    assert len(stored) == 4
    is_idle_again(server)


def test_streams_of_a_conversation_left_at_any_moment(server: Gateway) -> None:
    first = server.answer("every minute", conversation_id="new")
    conversation_id = first["philharmonic"]["conversation_id"]
    body = LONG | {"conversation_id": conversation_id, "stream": True}
    for step in range(12):
        _send_and_leave(server, body, after_s=step / 20)
    is_idle_again(server)


def _send_and_leave(server: Gateway, body: dict[str, Any], after_s: float = 0) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    content = json.dumps(body).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(content)}\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + content)
        time.sleep(after_s)
