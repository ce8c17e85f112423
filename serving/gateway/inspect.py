"""Endpoints to look at things: models, routing decisions, conversations, health, metrics."""

import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from router.describe import describe
from router.turns import RoutingTurn
from serving.gateway.body import parse_body
from serving.gateway.chat import find_conversation
from serving.gateway.parse import check_only_new, history_of, user_text
from serving.gateway.schemas import AUTO, RouteRequest
from serving.gateway.state import State
from serving.own_time import begin_own_time, own_time_header
from serving.turn import messages_of

routes = APIRouter()

_ROUTE_BODY = {"content": {"application/json": {"schema": RouteRequest.model_json_schema()}}}


@routes.get("/v1/models")
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


@routes.post("/v1/route", openapi_extra={"requestBody": _ROUTE_BODY | {"required": True}})
async def route(request: Request, response: Response, state: State) -> dict[str, Any]:
    """The routing decision alone: who would answer the last user message, and why.

    Its keys are those of ``philharmonic router explain --json``, and ``current``: who answered
    before.
    """
    begin_own_time(time.perf_counter())
    parsed = await parse_body(request, RouteRequest, state.settings.max_body_bytes)
    if parsed.conversation_id is None:
        history = await state.dispatcher.attribute(history_of(parsed.messages, None))
    else:
        check_only_new(parsed.messages)
        history = await find_conversation(state, parsed.conversation_id)
    user = user_text(parsed.messages)
    decision = await state.dispatcher.decide(history, user)
    response.headers.update(own_time_header())
    current = history[-1]["agent"] if history else None
    turn = RoutingTurn(messages_of(history, user), current)
    return describe(decision, state.routers.router.explain(turn, decision)) | {"current": current}


@routes.get("/v1/conversations/{conversation_id}")
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
            }
        )
    return {"id": conversation_id, "object": "conversation", "messages": messages}


@routes.delete("/v1/conversations/{conversation_id}")
async def delete_conversation(conversation_id: str, state: State) -> dict[str, Any]:
    """Forget a stored conversation."""
    async with state.conversation_lock(conversation_id):
        await find_conversation(state, conversation_id)
        await state.graph.delete(conversation_id)
    return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}


@routes.get("/healthz")
async def healthz() -> dict[str, str]:
    """The gateway itself is alive."""
    return {"status": "ok"}


@routes.get("/readyz")
async def readyz(state: State) -> JSONResponse:
    """200 when a chat with any live agent would succeed, else 503 with what is missing."""
    if state.is_ready():
        return JSONResponse({"status": "ready"})
    loaded = state.reconciler.loaded
    missing = sorted(state.lineup.wanted().keys() - loaded) if loaded else ["the engine"]
    body = {"status": "not ready", "missing": missing, "refused": state.reconciler.refused}
    return JSONResponse(body, 503)


@routes.get("/metrics")
async def metrics(state: State) -> Response:
    """Prometheus metrics."""
    state.metrics.ready.set(state.is_ready())
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
