"""Keeps pages of other sites from using the daemon through the browser of somebody who may.

The daemon has no users: whoever can reach its port may start attacks, and a browser on this machine can. What a page
of another site makes it send is told by `Sec-Fetch-Site` (W3C Fetch Metadata) and `Origin` (RFC 6454 §7). A site whose
name is made to resolve to this machine (DNS rebinding) is of the same origin, but asks for a host that is not ours.
"""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from load_tester.web.reply import error_reply

CHANGING_PATHS: Final = ("/stop",)
"""These change something even when they are only got."""
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOrigin:
    """ASGI middleware: 403 for what changes something and comes from another site, or is sent to another host."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what is not refused."""
        if scope["type"] == "http":
            refusal = _refusal(scope)
            if refusal:
                await error_reply(403, refusal)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def is_changing(method: str, path: str) -> bool:
    """Whether a request changes something, so that it is looked at who sends it."""
    return method not in _READING or path in CHANGING_PATHS


def _refusal(scope: Scope) -> str:
    if not is_changing(scope["method"], scope["path"].rstrip("/")):
        return ""
    headers = Headers(scope=scope)
    host, origin = headers.get("host", ""), headers.get("origin")
    if headers.get("sec-fetch-site") in {"cross-site", "same-site"} or (origin and urlsplit(origin).netloc != host):
        return "this was sent by a page of another site; only the daemon's own pages and programs may change anything"
    server = scope.get("server")
    # Programs name no origin, and may know this machine by any name.
    if origin and server and _is_loopback(server[0]) and not _is_local(urlsplit(f"//{host}").hostname or ""):
        return f"this daemon listens on this machine only, and is not known as {host!r}"
    return ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _is_local(name: str) -> bool:
    """Whether a name leads to this machine without asking anybody: an address, or `localhost` (RFC 6761 §6.3)."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return True
