"""``POST /v1/chat/completions``: one turn, whole or streamed."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from agents.errors import ConversationNotFound, PhilharmonicError
from serving.gateway.body import parse_body
from serving.gateway.errors import ClientHungUp, as_api_error, error_body
from serving.gateway.hang_up import unless_hung_up
from serving.gateway.parse import check_only_new, history_of, turn_of
from serving.gateway.schemas import NEW, ChatRequest
from serving.gateway.state import GatewayState, State
from serving.graph import Answered
from serving.own_time import begin_own_time, own_time_header
from serving.turn import Exchange, Part, Route, Turn

routes = APIRouter()

_BODY = {"content": {"application/json": {"schema": ChatRequest.model_json_schema()}}}


@dataclass(frozen=True)
class _Call:
    """One request to the endpoint, read and placed in its conversation."""

    turn: Turn
    history: list[Exchange]
    conversation_id: str | None
    include_usage: bool
    started: float


@routes.post("/v1/chat/completions", openapi_extra={"requestBody": _BODY | {"required": True}})
async def chat_completions(request: Request, state: State) -> Response:
    """Answer the last user message, by the agent that ``model`` names or the router chooses."""
    started = time.perf_counter()
    agent, status = "none", 500
    try:
        parsed = await parse_body(request, ChatRequest, state.settings.max_body_bytes)
        async with AsyncExitStack() as held:
            await held.enter_async_context(_counted(state))
            agent, response = await unless_hung_up(
                request.receive, _respond(state, parsed, started, held)
            )
            status = response.status_code
            return response
    except PhilharmonicError as error:
        status = as_api_error(error).status
        raise
    finally:
        state.metrics.requests.labels(agent, str(status)).inc()


async def _respond(
    state: GatewayState, parsed: ChatRequest, started: float, held: AsyncExitStack
) -> tuple[str, Response]:
    """The agent that answers and its response; a stream has given its first chunk by then."""
    begin_own_time(started)
    call = await _place(state, parsed, started, held)
    if call.turn.stream:
        return await _streamed(state, call, held)
    answered = await state.graph.run(call.turn, call.history, call.conversation_id)
    return answered.route.agent, _whole(state, call, answered)


async def _place(
    state: GatewayState, request: ChatRequest, started: float, held: AsyncExitStack
) -> _Call:
    """Find the conversation the turn belongs to; a stored one is held until the turn ends."""
    turn = turn_of(request)
    history: list[Exchange] = []
    conversation_id = request.conversation_id
    if conversation_id is None:
        history = history_of(request.messages, turn.pinned)
        if turn.pinned is None:
            history = await state.dispatcher.attribute(history)
    else:
        check_only_new(request.messages)
        if conversation_id == NEW:
            conversation_id = f"conv_{uuid.uuid4().hex}"
        else:
            await held.enter_async_context(state.conversation_lock(conversation_id))
            await find_conversation(state, conversation_id)
    options = request.stream_options
    usage = options is not None and options.include_usage
    return _Call(turn, history, conversation_id, usage, started)


async def find_conversation(state: GatewayState, conversation_id: str) -> list[Exchange]:
    """A stored conversation's exchanges; `ConversationNotFound` if there is none."""
    exchanges = await state.graph.exchanges(conversation_id)
    if not exchanges:
        raise ConversationNotFound(
            f"no conversation {conversation_id!r}; send conversation_id {NEW!r} to start one, "
            "its id comes back in the answer"
        )
    return exchanges


def _whole(state: GatewayState, call: _Call, answered: Answered) -> Response:
    about = about_route(answered.route, call.conversation_id)
    _observe(state, call, answered)
    content = orjson.dumps({**answered.completion, "philharmonic": about})
    headers = headers_of(about) | own_time_header()
    return Response(content, media_type="application/json", headers=headers)


async def _streamed(
    state: GatewayState, call: _Call, held: AsyncExitStack
) -> tuple[str, StreamingResponse]:
    """Start a stream; it begins to answer only once the engine has given its first chunk.

    Until then an error still has its own HTTP status.
    """
    events = state.graph.events(call.turn, call.history, call.conversation_id)
    held.push_async_callback(events.aclose)
    route = await anext(events)
    assert isinstance(route, Route)
    first = await anext(events)
    elapsed = time.perf_counter() - call.started
    state.metrics.first_token_seconds.labels(route.agent).observe(elapsed)
    about = about_route(route, call.conversation_id)
    stream = _sse(state, call, route, events, [first])
    headers = headers_of(about) | own_time_header()
    return route.agent, _Stream(stream, headers, held.pop_all())


class _Stream(StreamingResponse):
    """Server-sent events; what the request holds is released when they end.

    It is released here and not in the generator of the events: that one never runs if the
    client is gone before the first of them is sent.
    """

    def __init__(
        self, events: AsyncIterator[bytes], headers: dict[str, str], held: AsyncExitStack
    ) -> None:
        headers = headers | {"cache-control": "no-cache"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            with suppress(ClientHungUp):
                await unless_hung_up(receive, self.stream_response(send))


async def _sse(
    state: GatewayState,
    call: _Call,
    route: Route,
    events: AsyncIterator[Route | dict[str, Any] | Answered],
    begun: list[Route | dict[str, Any] | Answered],
) -> AsyncIterator[bytes]:
    about: dict[str, Any] | None = about_route(route, call.conversation_id)
    try:
        async for event in _chain(begun, events):
            if isinstance(event, Answered):
                _observe(state, call, event)
                yield b"data: [DONE]\n\n"
            elif isinstance(event, dict):
                if not event["choices"] and not call.include_usage:
                    continue
                chunk = event if about is None else {**event, "philharmonic": about}
                about = None
                yield b"data: " + orjson.dumps(chunk) + b"\n\n"
    except PhilharmonicError as error:
        fault = as_api_error(error)
        body = error_body(fault.status, str(fault), fault.code, fault.param)
        yield b"data: " + orjson.dumps(body) + b"\n\n"


async def _chain(
    begun: list[Route | dict[str, Any] | Answered],
    events: AsyncIterator[Route | dict[str, Any] | Answered],
) -> AsyncIterator[Route | dict[str, Any] | Answered]:
    for event in begun:
        yield event
    async for event in events:
        yield event


def about_route(route: Route, conversation_id: str | None) -> dict[str, Any]:
    """Who answered and why, for the body's ``philharmonic`` object."""
    about: dict[str, Any] = {"agent": route.agent, "model": route.model, "stage": route.stage}
    decisions = [part.decision for part in route.parts if part.decision is not None]
    if decisions:
        about["confidence"] = round(min(each.confidence for each in decisions), 4)
        about["route_ms"] = round(route.milliseconds, 2)
    reasons = {each.reason for each in decisions if each.reason is not None}
    if reasons:
        about["reason"] = ", ".join(sorted(reasons))
    if route.speculation is not None:
        about["speculation"] = "kept" if route.speculation.kept else "cancelled"
    if route.is_split:
        about["parts"] = [about_part(part) for part in route.parts]
    if conversation_id is not None:
        about["conversation_id"] = conversation_id
    return about


def about_part(part: Part) -> dict[str, Any]:
    """One of several requests: its words, who answered it and why."""
    assert part.decision is not None
    return {
        "request": part.user,
        "agent": part.agent,
        "model": part.version.model,
        "stage": part.decision.stage,
        "confidence": round(part.decision.confidence, 4),
    }


def headers_of(about: dict[str, Any]) -> dict[str, str]:
    """The same as ``x-philharmonic-*`` headers, but for what does not fit into one."""
    named = {key: value for key, value in about.items() if key != "parts"}
    return {f"x-philharmonic-{key.replace('_', '-')}": str(named[key]) for key in named}


def _observe(state: GatewayState, call: _Call, answered: Answered) -> None:
    metrics, route = state.metrics, answered.route
    metrics.answer_seconds.labels(route.agent).observe(time.perf_counter() - call.started)
    if route.stage != "pinned":
        metrics.route_seconds.labels(route.stage).observe(route.milliseconds / 1000)
    if route.speculation is not None:
        outcome = "kept" if route.speculation.kept else "cancelled"
        metrics.speculations.labels(outcome).inc()
        metrics.wasted_tokens.inc(route.speculation.wasted_tokens)
    for part, answer in zip(route.parts, answered.answers, strict=True):
        if part.decision is not None and part.decision.reason is not None:
            metrics.router_fallbacks.labels(part.decision.reason).inc()
        usage = answer.get("usage") or {}
        for kind in ("prompt_tokens", "completion_tokens"):
            count = usage.get(kind) or 0
            metrics.tokens.labels(part.agent, kind.removesuffix("_tokens")).inc(count)


@asynccontextmanager
async def _counted(state: GatewayState) -> AsyncIterator[None]:
    with state.metrics.in_flight.track_inprogress():
        yield
