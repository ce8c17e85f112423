"""What the API says of itself: routing decisions, headers, models, health, metrics."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.gateway import CHAT, Gateway, content_of

pytestmark = pytest.mark.engine

AGENTS = ("cron", "general", "home", "sql", "triage")
QUESTION = "every weekday at half past nine in the morning"


def test_route_tells_the_decision_alone(server: Gateway) -> None:
    message = {"role": "user", "content": QUESTION}
    decision = server.http.post("/v1/route", json={"messages": [message]}).json()
    assert decision.keys() == {
        "agent",
        "confidence",
        "probabilities",
        "stage",
        "threshold",
        "switch_margin",
        "floor",
        "milliseconds",
        "reason",
        "evidence",
        "runner_up",
        "features",
        "current",
        "parts",
    }
    assert (decision["agent"], decision["current"]) == ("cron", None)
    assert decision["probabilities"].keys() == set(AGENTS)
    assert sum(decision["probabilities"].values()) == pytest.approx(1.0)
    assert decision["confidence"] == decision["probabilities"]["cron"]
    assert decision["stage"] in ("fast", "label_read")
    assert 0 < decision["milliseconds"] < 5000
    assert decision["evidence"]["fast"].keys() == set(AGENTS)
    assert decision["runner_up"] in set(AGENTS) - {"cron"}
    assert any(feature["weight"] > 0 for feature in decision["features"])


def test_route_sees_the_conversation(server: Gateway) -> None:
    said = [("user", QUESTION), ("assistant", "30 9 * * 1-5"), ("user", "and on weekends?")]
    messages = [{"role": role, "content": content} for role, content in said]
    decision = server.http.post("/v1/route", json={"messages": messages}).json()
    assert (decision["agent"], decision["current"]) == ("cron", "cron")
    stored = server.answer(QUESTION, conversation_id="new")["philharmonic"]["conversation_id"]
    body = {"messages": messages[-1:], "conversation_id": stored}
    decision = server.http.post("/v1/route", json=body).json()
    assert (decision["agent"], decision["current"]) == ("cron", "cron")
    history = server.http.get(f"/v1/conversations/{stored}").json()["messages"]
    assert len(history) == 2, "a route must not add a turn"


@pytest.mark.parametrize("stream", [False, True])
def test_headers_say_who_answered_and_why(server: Gateway, stream: bool) -> None:
    response = server.chat(QUESTION, conversation_id="new", stream=stream)
    headers = response.headers
    assert headers["x-philharmonic-agent"] == "cron"
    assert headers["x-philharmonic-model"] == "cron@1"
    assert headers["x-philharmonic-stage"] in ("fast", "label_read")
    assert 0 < float(headers["x-philharmonic-confidence"]) <= 1
    assert float(headers["x-philharmonic-route-ms"]) > 0
    assert headers["x-philharmonic-conversation-id"].startswith("conv_")


@pytest.mark.parametrize("agent", AGENTS)
def test_a_pinned_agent_answers_whatever_is_asked(server: Gateway, agent: str) -> None:
    completion = server.answer("What is the capital of France?", model=agent, max_tokens=16)
    assert completion["philharmonic"] == {
        "agent": agent,
        "model": f"{agent}@1",
        "stage": "pinned",
    }
    assert completion["object"] == "chat.completion"


def test_the_agents_own_generation_settings_hold_unless_told_otherwise(server: Gateway) -> None:
    first, second = (server.answer("Name three colours.", "general") for _ in range(2))
    assert content_of(first) == content_of(second)
    short = server.answer("Tell me a story.", "general", max_tokens=5)
    assert short["usage"]["completion_tokens"] == 5
    assert short["choices"][0]["finish_reason"] == "length"
    stopped = server.answer(QUESTION, "cron", stop=[" "])
    assert " " not in content_of(stopped)


def test_health_and_readiness(server: Gateway) -> None:
    assert server.http.get("/healthz").json() == {"status": "ok"}
    assert server.http.get("/readyz").json() == {"status": "ready", "refused": {}}


def test_the_engine_holds_every_adapter_and_the_routers(server: Gateway) -> None:
    adapters = server.adapters()
    assert {"cron@1", "home@1", "sql@1", "triage@1"} < adapters
    assert len([name for name in adapters if name.startswith("router-")]) == 1
    listed = server.http.get("/admin/agents").json()["agents"]
    assert [agent["name"] for agent in listed] == list(AGENTS)
    live = [version for agent in listed for version in agent["versions"] if version["live"]]
    assert [version["loaded"] for version in live] == [True] * len(AGENTS)


def test_metrics_count_what_happened(server: Gateway) -> None:
    def read() -> dict[str, float]:
        families = text_string_to_metric_families(server.http.get("/metrics").text)
        return {
            f"{sample.name}{sorted(sample.labels.values())}": sample.value
            for family in families
            for sample in family.samples
        }

    before = read()
    usage = server.answer(QUESTION, "cron")["usage"]
    server.chat(QUESTION, "cron", stream=True)
    server.answer(QUESTION)
    assert server.chat(QUESTION, "chess").status_code == 404
    after = read()

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert grown("philharmonic_requests_total['200', 'cron']") == 3
    assert grown("philharmonic_requests_total['404', 'none']") == 1
    assert grown("philharmonic_tokens_total['cron', 'prompt']") == 3 * usage["prompt_tokens"]
    assert (
        grown("philharmonic_tokens_total['completion', 'cron']") == 3 * usage["completion_tokens"]
    )
    assert grown("philharmonic_answer_seconds_count['cron']") == 3
    assert grown("philharmonic_time_to_first_token_seconds_count['cron']") == 1
    assert after["philharmonic_ready[]"] == 1
    assert after["philharmonic_requests_in_flight[]"] == 0


def test_the_api_describes_itself(server: Gateway) -> None:
    paths = server.http.get("/openapi.json").json()["paths"]
    assert {CHAT, "/v1/models", "/v1/route", "/v1/conversations/{conversation_id}"} < paths.keys()
    assert server.http.get("/docs").status_code == 200
