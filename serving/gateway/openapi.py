"""The description of the API: bodies by name, and every status that a caller may see."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.gateway.schemas import ActivateRequest, ChatRequest, RouteRequest

_BODIES: tuple[type[BaseModel], ...] = (ChatRequest, RouteRequest, ActivateRequest)
_REF = "#/components/schemas/{model}"

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}

_MEANS = {
    400: "The request is wrong; the message names what.",
    401: "An API key is needed, and this is none.",
    403: "The key's role does not allow this; or no key is in use, and another site's page asks.",
    404: "There is no such agent, version or conversation.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    429: "A limit is reached, or too much is asked at once; `Retry-After` says when to come back.",
    503: "The engine, the store or the gateway cannot serve this now; come back later.",
    504: "A time limit was reached.",
}

_ANY = (401, 403, 429, 503)
_WITH_BODY = (400, 408, 413)

JsonDict = dict[str, Any]


def errors(*statuses: int, body: bool = False) -> dict[int | str, JsonDict]:
    """The errors of a route: these, those of a body if it has one, and those of any route."""
    listed = sorted({*statuses, *_ANY, *(_WITH_BODY if body else ())})
    content = {"application/json": {"schema": {"$ref": _REF.format(model="Error")}}}
    return {status: {"description": _MEANS[status], "content": content} for status in listed}


def takes(model: type[BaseModel]) -> JsonDict:
    """A route's body; the routes read theirs themselves, so FastAPI does not know it."""
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}}


def describe(app: FastAPI) -> None:
    """Give the app its description."""

    def openapi() -> JsonDict:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> JsonDict:
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, routes=app.routes
    )
    _, schemas = models_json_schema([(m, "validation") for m in _BODIES], ref_template=_REF)
    document["components"] = {"schemas": {"Error": _ERROR, **schemas["$defs"]}}
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)  # FastAPI's own; ours are 400
    return document
