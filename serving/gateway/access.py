"""Who may come in: with a key configured, every call but the health checks must carry it."""

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.gateway.errors import ApiError, response_for

_OPEN_PATHS = frozenset({"/healthz", "/readyz"})


class ApiKeyMiddleware:
    """Refuses calls without ``Authorization: Bearer <key>`` (401, OpenAI's error shape)."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on if it may."""
        if scope["type"] == "http" and scope["path"] not in _OPEN_PATHS:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                error = ApiError(
                    401,
                    "Missing or wrong API key; send it as 'Authorization: Bearer KEY'.",
                    "invalid_api_key",
                )
                await response_for(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
