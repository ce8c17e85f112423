"""Endpoints to look at things: models, routing decisions, conversations, health, metrics."""

import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from router.describe import describe
from router.requests import Requests
from router.turns import RoutingTurn
from serving.gateway.admission import Ticket
from serving.gateway.body import parse_body
from serving.gateway.chat import find_conversation
from serving.gateway.hang_up import unless_hung_up
from serving.gateway.openapi import errors, takes
from serving.gateway.parse import check_only_new, history_of, user_text
from serving.gateway.schemas import AUTO, RouteRequest
from serving.gateway.state import GatewayState, State
from serving.gateway.time_limit import seconds_from_now
from serving.own_time import begin_own_time, own_time_header
from serving.turn import Exchange, messages_of, said_singly

routes = APIRouter()

_METRICS_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@routes.get("/v1/models", responses=errors())
async def models(state: State) -> dict[str, Any]:
    """The names that ``model`` can take: ``auto`` and every live agent."""
    created = {version.agent: int(version.created) for version in state.lineup.live.values()}
    names = {AUTO: max(created.values(), default=0)} | created
    return {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": at, "owned_by": "philharmonic"}
            for name, at in names.items()
        ],
    }


@routes.post("/v1/route", responses=errors(404, body=True), openapi_extra=takes(RouteRequest))
async def route(request: Request, response: Response, state: State) -> dict[str, Any]:
    """The routing decision alone: who should answer the last user message, and why.

    Where that agent is not being served, a chat goes to the likeliest one that is.

    Its keys are those of ``philharmonic router explain --json``, and ``current``: who answered
    before.
    """
    begin_own_time(time.perf_counter())
    parsed = await parse_body(request, RouteRequest, state.settings)
    with state.admission.ticket() as ticket:
        history, requests = await unless_hung_up(request.receive, _decide(state, parsed, ticket))
    response.headers.update(own_time_header())
    said = said_singly(history)
    current = said[-1]["agent"] if said else None
    turn = RoutingTurn(messages_of(said, user_text(parsed.messages)), current)
    explanation = state.routers.router.explain(turn, requests.whole)
    return describe(requests.whole, explanation) | {
        "current": current,
        "parts": [
            {
                "request": part.text,
                "agent": part.decision.agent,
                "confidence": part.decision.confidence,
                "stage": part.decision.stage,
            }
            for part in requests.parts
        ],
    }


async def _decide(
    state: GatewayState, parsed: RouteRequest, ticket: Ticket
) -> tuple[list[Exchange], Requests]:
    """The history, every turn with its agent, and who answers what follows."""
    await ticket.slot()
    if parsed.conversation_id is None:
        history = await state.dispatcher.attribute(history_of(parsed.messages, None))
    else:
        check_only_new(parsed.messages)
        history = await find_conversation(state, parsed.conversation_id)
    return history, await state.dispatcher.decide(history, user_text(parsed.messages))


@routes.get("/v1/conversations/{conversation_id}", responses=errors(404))
async def get_conversation(conversation_id: str, state: State) -> dict[str, Any]:
    """A stored conversation: every message, and who answered."""
    messages: list[dict[str, Any]] = []
    for exchange in await find_conversation(state, conversation_id):
        messages.append({"role": "user", "content": exchange["user"]})
        messages.append(
            {
                "role": "assistant",
                "content": exchange["assistant"],
                "agent": exchange["agent"],
                "model": exchange["model"],
                **({"parts": exchange["parts"]} if "parts" in exchange else {}),
            }
        )
    return {"id": conversation_id, "object": "conversation", "messages": messages}


@routes.delete("/v1/conversations/{conversation_id}", responses=errors(404))
async def delete_conversation(conversation_id: str, state: State) -> dict[str, Any]:
    """Forget a stored conversation."""
    end = seconds_from_now(state.settings.queue_timeout_s)
    async with state.conversation(conversation_id).turn(end):
        await find_conversation(state, conversation_id)
        await state.graph.delete(conversation_id)
    return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}


@routes.get("/healthz")
async def healthz() -> dict[str, str]:
    """The gateway itself is alive."""
    return {"status": "ok"}


@routes.get("/readyz", responses={503: {"description": "A chat would fail; why."}})
async def readyz(state: State) -> JSONResponse:
    """200 when a chat would succeed, else 503 with what is missing.

    Adapters that engines refuse, and that none has, are named in both; their agents do not
    answer, the others do.
    """
    refused = state.engines.refused
    if state.is_ready():
        return JSONResponse({"status": "ready", "refused": refused})
    if state.drain.begun:
        return JSONResponse({"status": "stopping"}, 503)
    loaded = state.engines.loaded
    missing = sorted(state.lineup.wanted().keys() - loaded) if loaded else ["the engine"]
    body = {"status": "not ready", "missing": missing, "refused": refused}
    return JSONResponse(body, 503)


@routes.get("/metrics", responses=errors() | _METRICS_PAGE)
async def metrics(state: State) -> Response:
    """Prometheus metrics."""
    state.metrics.ready.set(state.is_ready())
    state.metrics.show_engines(state.engines.all, state.lineup.wanted())
    state.metrics.in_flight.set(state.admission.in_flight)
    state.metrics.queued.set(state.admission.queued)
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
