"""``/admin/agents``: what is published, what is live, and changes to it."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from agents.errors import RegistryError
from agents.registry import Version
from serving.gateway.body import parse_body
from serving.gateway.openapi import errors, takes
from serving.gateway.schemas import ActivateRequest
from serving.gateway.state import GatewayState, State
from serving.lineup import engine_model
from serving.publish import publish_agent

routes = APIRouter(prefix="/admin/agents", responses=errors(400, 404))


@routes.get("")
async def list_agents(state: State) -> dict[str, Any]:
    """Every agent with its versions, the live one, and whether an engine has it loaded."""
    names = await asyncio.to_thread(state.registry.agents)
    return {"agents": [await _about(state, name) for name in names]}


@routes.post("/{name}/load")
async def load(name: str, state: State) -> dict[str, Any]:
    """Publish the adapter in the agent's catalog folder (if it is new) and make it live."""
    version = await asyncio.to_thread(publish_agent, state.registry, state.settings, name)
    await asyncio.to_thread(state.registry.activate, name, version.number)
    return await _changed(state, name)


@routes.post("/{name}/activate", responses=errors(body=True), openapi_extra=takes(ActivateRequest))
async def activate(name: str, request: Request, state: State) -> dict[str, Any]:
    """Make a published version the live one."""
    body = await parse_body(request, ActivateRequest, state.settings)
    base = state.settings.base
    await asyncio.to_thread(state.registry.activate, name, body.version, base)
    return await _changed(state, name)


@routes.post("/{name}/rollback")
async def rollback(name: str, state: State) -> dict[str, Any]:
    """Make the version live that was live before."""
    await asyncio.to_thread(state.registry.rollback, name, state.settings.base)
    return await _changed(state, name)


@routes.post("/{name}/unload")
async def unload(name: str, state: State) -> dict[str, Any]:
    """Take the agent out of service; its versions stay."""
    await asyncio.to_thread(state.registry.unload, name)
    return await _changed(state, name)


async def _changed(state: GatewayState, name: str) -> dict[str, Any]:
    state.lineup.refresh()
    state.engines.wake()
    return await _about(state, name)


async def _about(state: GatewayState, name: str) -> dict[str, Any]:
    versions = await asyncio.to_thread(state.registry.versions, name)
    if not versions:
        raise RegistryError(f"no agent {name!r} was ever published")
    live = state.lineup.live.get(name)
    return {
        "name": name,
        "description": versions[-1].config.description,
        "live": None if live is None else live.number,
        "versions": [_version(state, version, live) for version in versions],
    }


def _version(state: GatewayState, version: Version, live: Version | None) -> dict[str, Any]:
    return {
        "version": version.number,
        "live": live is not None and version.number == live.number,
        "loaded": engine_model(version) in state.engines.loaded,
        "created": version.created,
        "base": version.config.base,
        "scores": version.manifest.get("scores"),
    }
