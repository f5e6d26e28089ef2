"""Requests as bytes on the wire."""

import re
from collections.abc import Callable
from typing import Final

from load_tester.domain.request import Headers, Request

MAX_CACHED_HEADS: Final = 16_384
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BODYLESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class MalformedRequest(ValueError):
    """A request that cannot be written as HTTP/1.1; the message says what is wrong with it."""


def request_encoder(host: str, prefix: str) -> Callable[[Request], bytes]:
    """A function that encodes requests to one target.

    Args:
        host: the value of the `Host` header, unless a request brings its own.
        prefix: the path of the target URL without a trailing slash, put before the path of every request.

    The bytes up to the body's length are remembered by (method, path, headers), so a test type that reuses its tuples
    of headers and its paths pays for one dictionary look-up. The function raises `MalformedRequest`.
    """
    heads: dict[tuple[str, str, Headers], tuple[bytes, bool]] = {}

    def encode(request: Request) -> bytes:
        method, path, headers, body, _ = request
        known = heads.get((method, path, headers))
        if known is None:
            # `OPTIONS *` is about the server, not about anything below the prefix.
            if not path.startswith("/") and path != "*":
                raise MalformedRequest(f"the path {path!r} does not start with a slash")
            known = _head(method, path if path == "*" else prefix + path, headers, host)
            if len(heads) >= MAX_CACHED_HEADS:
                heads.clear()
            heads[method, path, headers] = known
        head, framed = known
        if framed:
            return head + b"\r\n" + body
        if body or method not in _BODYLESS:
            return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        return head + b"\r\n"

    return encode


def _head(method: str, target: str, headers: Headers, host: str) -> tuple[bytes, bool]:
    """The request line and the headers, and whether the headers frame the body themselves."""
    if not _TOKEN.fullmatch(method):
        raise MalformedRequest(f"the method {method!r} is not an HTTP token")
    if not target.isascii() or any(character <= " " or character == "\x7f" for character in target):
        raise MalformedRequest(f"the path {target!r} holds characters that must be percent-encoded")
    names = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in names:
        lines.append(f"Host: {host}")
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or any(character in value for character in "\r\n\0"):
            raise MalformedRequest(f"the header {name!r} with the value {value!r} is not well-formed")
        lines.append(f"{name}: {value}")
    try:
        head = ("\r\n".join(lines) + "\r\n").encode("latin-1")
    except UnicodeEncodeError as error:
        raise MalformedRequest(f"a header holds characters outside of Latin-1: {error.object!r}") from error
    return head, bool(names & {"content-length", "transfer-encoding"})
