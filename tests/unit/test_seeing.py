"""What can be seen from outside: logs, request ids, metrics, dashboards, traces; and no secrets."""

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agents.settings import ROOT
from serving.engine.own import free_port
from serving.gateway.log import JsonFormatter
from serving.gateway.metrics import Metrics
from serving.keys import KeyLimits, KeyStore
from serving.tracing import tracing
from tests.unit.running_gateway import CHAT, Running, running_gateway, until

MONITORING = ROOT / "docker" / "monitoring"
SECRET = "my secret question about the merger"


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What goes to the log meanwhile, down to debug."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def lines_about(stream: io.StringIO, message: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in lines if line["message"] == message]


async def test_each_request_has_an_id_in_header_and_log(tmp_path: Path) -> None:
    with logged() as log:
        async with running_gateway(tmp_path) as up:
            first, second = await up.chat(), await up.chat(model="nobody")
            ids = [answer.headers["x-request-id"] for answer in (first, second)]
            assert len(set(ids)) == 2
            mine = await up.http.get("/v1/models", headers={"x-request-id": "my-id.7"})
            assert mine.headers["x-request-id"] == "my-id.7"
            forged = await up.http.get("/v1/models", headers={"x-request-id": 'a" b'})
            assert re.fullmatch("[0-9a-f]{32}", forged.headers["x-request-id"])
            assert "x-request-id" in (await up.http.get("/healthz")).headers
    told = {line["request_id"]: line for line in lines_about(log, "request")}
    assert told[ids[0]]["status"] == 200 and told[ids[0]]["model"] == "general@1"
    assert told[ids[0]].keys() >= {"time", "level", "logger", "method", "path", "ms"}
    assert told[ids[1]]["status"] == 404
    assert "my-id.7" in told and len(told) == 4


async def test_an_unexpected_error_has_its_id_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_gateway(tmp_path) as up:
        monkeypatch.setattr(type(up.state.lineup), "live", property(lambda _: 1 / 0))
        answer = await up.http.get("/v1/models")
        assert answer.status_code == 500 and "x-request-id" in answer.headers


def dashboard_expressions() -> list[str]:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def alert_expressions() -> list[str]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def test_dashboard_and_alerts_use_metrics_and_labels_that_exist() -> None:
    known = {
        name: set(collector._labelnames)  # type: ignore[attr-defined]
        for collector, names in Metrics().registry._collector_to_names.items()
        for name in names
    }
    used = set()
    for expression in (*dashboard_expressions(), *alert_expressions()):
        names = set(re.findall(r"\bphilharmonic_\w+", expression))
        assert names and names <= known.keys(), (expression, names - known.keys())
        labels = {"instance", "le"}.union(*(known[name] for name in names))
        for listed in re.findall(r"by \(([^)]*)\)", expression):
            assert {label.strip() for label in listed.split(",")} <= labels, expression
        for label in re.findall(r"[{,](\w+)=", expression):
            assert label in labels, expression
        used |= {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in names}
    assert used == {metric.name for metric in Metrics().registry.collect()}


async def test_metrics_follow_what_happens(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        await up.chat(stream=True)
        await up.chat("every monday", "auto")
        page = (await up.http.get("/metrics")).text
        engine = f"127.0.0.1:{up.engine.port}"
        for line in (
            'philharmonic_requests_total{agent="general",status="200"} 1.0',
            f'philharmonic_http_responses_total{{route="{CHAT}",status="200"}} 2.0',
            f'philharmonic_engine_up{{engine="{engine}"}} 1.0',
            f'philharmonic_engine_avoided{{engine="{engine}"}} 0.0',
            f'philharmonic_engine_requests_in_flight{{engine="{engine}"}} 0.0',
            "philharmonic_ready 1.0",
            f'philharmonic_adapter_loaded{{engine="{engine}",model="cron@1"}} 1.0',
            f'philharmonic_adapter_refused{{engine="{engine}",model="cron@1"}} 0.0',
            "philharmonic_adapter_load_seconds_count 5.0",
            f'philharmonic_engine_lost_total{{engine="{engine}"}} 0.0',
            'philharmonic_time_to_first_token_seconds_count{agent="general"} 1.0',
        ):
            assert line in page, line
        assert "philharmonic_route_seconds_count{" in page


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[Any]]]:
    """An OTLP/HTTP collector: its address, and the spans it was sent."""
    spans: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                spans.extend(scope.spans)
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}", spans
    finally:
        await runner.cleanup()


def attributes(span: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


async def test_a_trace_goes_from_the_caller_over_us_to_the_engine(tmp_path: Path) -> None:
    trace_id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with collector() as (url, spans), tracing(url), running_gateway(tmp_path) as up:
        body = {"model": "auto", "messages": [{"role": "user", "content": "tell me a story"}]}
        headers = {"traceparent": f"00-{trace_id}-{parent}-01"}
        assert (await up.http.post(CHAT, json=body, headers=headers)).status_code == 200
        sent_on = up.engine.headers["traceparent"]
        body["stream"] = True  # type: ignore[assignment]
        assert (await up.http.post(CHAT, json=body, headers=headers)).status_code == 200
    async with collector() as (url, others), running_gateway(tmp_path) as up:
        assert (await up.chat()).status_code == 200
        assert "traceparent" not in up.engine.headers and not others
    mine = [span for span in spans if span.trace_id.hex() == trace_id]
    turns = [span for span in mine if span.name.startswith("invoke_agent ")]
    assert [span.parent_span_id.hex() for span in turns] == [parent, parent]
    for turn in turns:
        about = attributes(turn)
        assert about["gen_ai.operation.name"] == "invoke_agent"
        assert about["http.response.status_code"] == 200
        assert about["gen_ai.usage.output_tokens"] == 3
        below = [span for span in mine if span.parent_span_id == turn.span_id]
        (route,) = [span for span in below if span.name == "route"]
        (chat,) = [span for span in below if span.name.startswith("chat ")]
        assert attributes(route)["philharmonic.route.agent"] == about["gen_ai.agent.name"]
        assert attributes(chat)["gen_ai.provider.name"] == "vllm"
        assert attributes(chat)["gen_ai.usage.input_tokens"] == 7
        for read in (span for span in mine if span.parent_span_id == route.span_id):
            assert attributes(read)["gen_ai.operation.name"] == "text_completion"
    assert sent_on.split("-")[1] == trace_id
    assert sent_on.split("-")[2] in {span.span_id.hex() for span in mine}


async def test_no_secret_and_no_word_of_a_conversation_gets_out(tmp_path: Path) -> None:
    _, key = KeyStore(tmp_path).create("app", "chat", KeyLimits(requests_per_minute=8))
    _, engine_key = KeyStore(tmp_path).create("other", "chat", KeyLimits())
    auth = {"authorization": f"Bearer {key}"}
    with logged() as log:
        async with (
            collector() as (url, spans),
            tracing(url),
            running_gateway(tmp_path, engine_key=engine_key) as up,
        ):
            pages = await ask_everything(up, auth)
            assert up.engine.headers["authorization"] == f"Bearer {engine_key}"
            pages.append((await up.http.get("/metrics", headers=auth)).text)
    seen = log.getvalue() + "".join(str(span) for span in spans) + "".join(pages)
    assert "request" in log.getvalue() and spans
    for secret in (key, key.rpartition("-")[2], engine_key, SECRET):
        assert secret not in seen, secret


async def ask_everything(up: Running, auth: dict[str, str]) -> list[str]:
    """Answers of all kinds but the engine's words, which may well repeat the question."""
    bodies: list[dict[str, Any]] = [
        {"model": model, "stream": stream, "messages": [{"role": "user", "content": SECRET}]}
        for model in ("general", "auto", "nobody")
        for stream in (False, True)
    ]
    wrong = auth["authorization"][:-3] + "abc"
    answers = [await up.http.post(CHAT, json=body, headers=auth) for body in bodies]
    answers.append(await up.http.post(CHAT, json=bodies[0], headers={"authorization": wrong}))
    answers += [await up.http.post(CHAT, json=bodies[0], headers=auth) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200, 404, 401, 429}
    await until(lambda: up.state.drain.active == 0)
    await asyncio.sleep(0)
    return [answer.text for answer in answers]
