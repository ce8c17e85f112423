"""Who may come in, and how often.

Keys are asked for as soon as the home has one; `serving.run` lets nobody listen on more than
loopback without.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.gateway.browsers import refuse_other_sites
from serving.gateway.errors import ApiError, response_for
from serving.gateway.limits import Account, Accounts, Spend
from serving.gateway.state import GatewayState
from serving.keys import Key, KeyLimits, KeyRing

_OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_LIMITED = "/v1/"
_ADMIN = "/admin"
_BEARER = "bearer "
# The client hung up; a time limit was reached: the engine may have been at work until then.
_WORKED_FOR = (499, 504)


class AccessMiddleware:
    """Refuses calls without a key (401), beyond a key's role (403) or its limits (429).

    While no key is asked for, what pages of other sites ask is refused (403).

    What the request may be charged to is left in its state as ``spend``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._accounts = Accounts()
        self._anybody = Account(KeyLimits())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on if it may."""
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        account, about = self._anybody, scope.setdefault("state", {})
        try:
            gateway: GatewayState = scope["app"].state.gateway
            if gateway.keys.is_used:
                key = _admitted(gateway.keys, scope)
                about["key"] = key.id
                account = self._accounts.of(key)
            else:
                refuse_other_sites(Headers(scope=scope), gateway.settings.host)
            if not scope["path"].startswith(_LIMITED):
                await self._app(scope, receive, send)
                return
            spend = account.begin()
        except ApiError as error:
            response = response_for(error)
            response.headers.update(account.headers())
            await response(scope, receive, send)
            return
        await self._charged(scope, receive, send, account, spend)

    async def _charged(
        self, scope: Scope, receive: Receive, send: Send, account: Account, spend: Spend
    ) -> None:
        failed = True

        async def reading() -> Message:
            message = await receive()
            spend.read(len(message.get("body", b"")))
            return message

        async def noting(message: Message) -> None:
            nonlocal failed
            if message["type"] == "http.response.start":
                failed = message["status"] >= 400 and message["status"] not in _WORKED_FOR
                MutableHeaders(scope=message).update(account.headers())
            else:
                spend.event()
            await send(message)

        scope["state"]["spend"] = spend
        try:
            await self._app(scope, reading, noting)
        finally:
            spend.end(failed)


def _admitted(ring: KeyRing, scope: Scope) -> Key:
    sent = Headers(scope=scope).get("authorization", "")
    key = ring.find(sent[len(_BEARER) :]) if sent.lower().startswith(_BEARER) else None
    if key is None:
        message = "Missing, wrong or revoked API key; send it as 'Authorization: Bearer KEY'."
        raise ApiError(401, message, "invalid_api_key")
    if key.role != "admin" and scope["path"].startswith(_ADMIN):
        message = f"This key's role is {key.role!r}; {_ADMIN} needs one whose role is 'admin'."
        raise ApiError(403, message, "permission_denied")
    return key
