"""``POST /v1/chat/completions``: one turn, whole or streamed."""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from agents.errors import ConversationNotFound, EngineUnavailable, PhilharmonicError
from serving.gateway.admission import Ticket
from serving.gateway.body import parse_body
from serving.gateway.errors import ClientHungUp, as_api_error, error_body
from serving.gateway.hang_up import unless_hung_up
from serving.gateway.limits import Spend
from serving.gateway.openapi import errors, takes
from serving.gateway.parse import check_only_new, history_of, turn_of
from serving.gateway.schemas import NEW, ChatRequest
from serving.gateway.state import GatewayState, State
from serving.gateway.time_limit import seconds_from_now, time_limit
from serving.graph import Answered
from serving.own_time import begin_own_time, own_time_header
from serving.tracing import current
from serving.turn import Exchange, Part, Route, Turn

routes = APIRouter()

_ANSWERS = errors(404, 504, body=True) | {
    200: {
        "description": "The answer: an OpenAI completion, or its chunks if `stream` is true.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    }
}


@dataclass(frozen=True)
class _Call:
    """One request to the endpoint, read and placed in its conversation.

    Attributes:
        started: when it came, by `time.perf_counter`.
        end: when its time is up, by the event loop's clock.
        spend: where its tokens are charged.
    """

    turn: Turn
    history: list[Exchange]
    conversation_id: str | None
    include_usage: bool
    spend: Spend
    started: float
    end: float


@routes.post("/v1/chat/completions", responses=_ANSWERS, openapi_extra=takes(ChatRequest))
async def chat_completions(request: Request, state: State) -> Response:
    """Answer the last user message, by the agent that ``model`` names or the router chooses."""
    started = time.perf_counter()
    agent, status = "none", 500
    try:
        parsed = await parse_body(request, ChatRequest, state.settings)
        async with AsyncExitStack() as held:
            ticket = held.enter_context(state.admission.ticket())
            agent, response = await unless_hung_up(
                request.receive,
                _respond(state, parsed, started, ticket, held, request.state.spend),
            )
            status = response.status_code
            return response
    except (PhilharmonicError, sqlite3.Error) as error:
        status = as_api_error(error).status
        raise
    finally:
        state.metrics.requests.labels(agent, str(status)).inc()


async def _respond(
    state: GatewayState,
    parsed: ChatRequest,
    started: float,
    ticket: Ticket,
    held: AsyncExitStack,
    spend: Spend,
) -> tuple[str, Response]:
    """The agent that answers and its response; a stream has given its first chunk by then."""
    begin_own_time(started)
    end = seconds_from_now(state.settings.request_timeout_s)
    async with time_limit(end, _too_long(state)), state.drain.until_cut():
        await _hold_conversation(state, parsed.conversation_id, ticket, held)
        await ticket.slot()
        try:
            return await _answered(state, await _place(state, parsed, spend, started, end), held)
        except EngineUnavailable:
            # Nothing has gone out yet. Another engine can answer, or this one will be back.
            if not await state.engines.recovered(state.settings.engine_wait_s):
                raise
            state.metrics.retried.inc()
        return await _answered(state, await _place(state, parsed, spend, started, end), held)


async def _answered(state: GatewayState, call: _Call, held: AsyncExitStack) -> tuple[str, Response]:
    if call.turn.stream:
        return await _streamed(state, call, held)
    answered = await state.graph.run(call.turn, call.history, call.conversation_id)
    return answered.route.agent, _whole(state, call, answered)


def _too_long(state: GatewayState) -> str:
    return (
        f"The answer took longer than {state.settings.request_timeout_s:g} s; ask for less, or "
        "for fewer max_tokens."
    )


async def _hold_conversation(
    state: GatewayState, conversation_id: str | None, ticket: Ticket, held: AsyncExitStack
) -> None:
    """Keep others out of a stored conversation until the turn ends; they keep no slot waiting."""
    if conversation_id not in (None, NEW):
        await held.enter_async_context(state.conversation(conversation_id).turn(ticket.end))


async def _place(
    state: GatewayState, request: ChatRequest, spend: Spend, started: float, end: float
) -> _Call:
    """Find the conversation the turn belongs to."""
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
            history = await find_conversation(state, conversation_id)
    options = request.stream_options
    usage = options is not None and options.include_usage
    return _Call(turn, history, conversation_id, usage, spend, started, end)


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
    limit_s = state.settings.first_token_timeout_s
    late = f"The engine did not begin to answer within {limit_s:g} s."
    async with time_limit(seconds_from_now(limit_s), late):
        route = await anext(events)
        assert isinstance(route, Route)
        first = await anext(events)
    elapsed = time.perf_counter() - call.started
    state.metrics.first_token_seconds.labels(route.agent).observe(elapsed)
    about = about_route(route, call.conversation_id)
    stream = _sse(state, call, route, events, first)
    headers = headers_of(about) | own_time_header()
    patience_s = state.settings.client_timeout_s
    return route.agent, _Stream(stream, headers, held.pop_all(), patience_s)


class _Stream(StreamingResponse):
    """Server-sent events; what the request holds is released when they end.

    It is released here and not in the generator of the events: that one never runs if the
    client is gone before the first of them is sent.

    Args:
        patience_s: how long the client may leave an event unread once the buffers are full.
    """

    def __init__(
        self,
        events: AsyncIterator[bytes],
        headers: dict[str, str],
        held: AsyncExitStack,
        patience_s: float,
    ) -> None:
        headers = headers | {"cache-control": "no-cache"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._held = held
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def patiently(message: Message) -> None:
            async with asyncio.timeout(self._patience_s):
                await send(message)

        async with self._held:
            with suppress(ClientHungUp, TimeoutError):
                await unless_hung_up(receive, self.stream_response(patiently))


async def _sse(
    state: GatewayState,
    call: _Call,
    route: Route,
    events: AsyncIterator[Route | dict[str, Any] | Answered],
    first: Route | dict[str, Any] | Answered,
) -> AsyncIterator[bytes]:
    about: dict[str, Any] | None = about_route(route, call.conversation_id)
    event: Route | dict[str, Any] | Answered | None = first
    try:
        while event is not None:
            if isinstance(event, Answered):
                _observe(state, call, event)
                yield b"data: [DONE]\n\n"
            elif isinstance(event, dict) and (event["choices"] or call.include_usage):
                chunk = event if about is None else {**event, "philharmonic": about}
                about = None
                yield b"data: " + orjson.dumps(chunk) + b"\n\n"
            async with time_limit(call.end, _too_long(state)), state.drain.until_cut():
                event = await anext(events, None)
    except (PhilharmonicError, sqlite3.Error) as error:
        fault = as_api_error(error)
        state.metrics.broken.labels(fault.code).inc()
        body = error_body(fault.status, str(fault), fault.code, fault.param)
        yield b"data: " + orjson.dumps(body) + b"\n\n"


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
    spent = {"prompt": 0, "completion": 0}
    for part, answer in zip(route.parts, answered.answers, strict=True):
        if part.decision is not None and part.decision.reason is not None:
            metrics.router_fallbacks.labels(part.decision.reason).inc()
        usage = answer.get("usage") or {}
        for kind in spent:
            count = usage.get(f"{kind}_tokens") or 0
            spent[kind] += count
            metrics.tokens.labels(part.agent, kind).inc(count)
    call.spend.settle(sum(spent.values()))
    _trace(call, route, spent)


def _trace(call: _Call, route: Route, spent: dict[str, int]) -> None:
    turn = current()
    turn.rename(f"invoke_agent {route.agent}")
    turn.set(
        gen_ai__operation__name="invoke_agent",
        gen_ai__provider__name="philharmonic",
        gen_ai__agent__name=route.agent,
        gen_ai__agent__version=route.model,
        gen_ai__conversation__id=call.conversation_id,
        gen_ai__usage__input_tokens=spent["prompt"],
        gen_ai__usage__output_tokens=spent["completion"],
    )
