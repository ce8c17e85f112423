"""Web pages of other sites, kept out of a gateway that asks for no key.

Such a gateway listens on loopback only, where the operator's browser is, and a browser posts what
any page tells it to, without asking first if the page is content not to see the answer. With a key
it cannot: no page knows it.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from serving.gateway.errors import ApiError

# What browsers, and nobody else, say of where a request comes from.
_SITE = "sec-fetch-site"
_OTHERS = ("cross-site", "same-site")


def refuse_other_sites(headers: Headers, host: str) -> None:
    """Let in what is no browser, and a browser that was sent here by us or by its user.

    A page may also give its own name our address (DNS rebinding) and is the same site then, so the
    name that was asked for must be that of this machine.

    Args:
        host: the address we listen on.

    Raises:
        ApiError: a page of another site asks (403).
    """
    if headers.get(_SITE) in _OTHERS:
        raise _refusal("This came from a web page of another site")
    asked = headers.get("host")
    if asked and not _is_ours(asked, host):
        raise _refusal(f"This was sent to {asked!r}, and not to localhost, 127.0.0.1 or {host}")


def _is_ours(asked: str, host: str) -> bool:
    try:
        name = urlsplit(f"//{asked}").hostname or ""
    except ValueError:
        return False
    try:
        return name == host or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _refusal(what: str) -> ApiError:
    message = (
        f"{what}, which is let in with an API key only: make one with `philharmonic keys create "
        "NAME --role admin`."
    )
    return ApiError(403, message, "other_site")
