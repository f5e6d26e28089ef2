"""The last requests of a sink, to look at what is sent."""

import base64
import codecs
from typing import Final, NamedTuple, Self

import msgspec

from load_tester.domain.instant import format_instant_ns

MAX_RECORDED_BYTES: Final = 1024 * 1024
"""So much is kept of a body."""

RawRequest = tuple[int, bytes, bytes, list[tuple[bytes, bytes]], list[bytes], int]
"""A request as its connection leaves it: when it was complete (Unix time in nanoseconds), method, target, headers, the
parts of the body that are kept, and how long the body was. Nothing is made of it unless somebody looks."""


class Recorded(NamedTuple):
    """A request as it arrived.

    `at_ns` is when it was complete, in Unix nanoseconds. `target` is what stood in the request line, `body` is cut
    after `MAX_RECORDED_BYTES`, `body_bytes` is how long it was.
    """

    at_ns: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    body_bytes: int

    @classmethod
    def of(cls, raw: RawRequest) -> Self:
        """The same with texts for bytes, but the body."""
        at_ns, method, target, headers, parts, body_bytes = raw
        return cls(
            at_ns=at_ns,
            method=method.decode("latin-1"),
            target=target.decode("latin-1"),
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers),
            body=b"".join(parts)[:MAX_RECORDED_BYTES],
            body_bytes=body_bytes,
        )


class ShownRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A request as `GET /requests` shows it: its body is `body` where it is text, else `body_base64`."""

    at: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body_bytes: int
    body: str | msgspec.UnsetType = msgspec.UNSET
    body_base64: str | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(cls, request: Recorded) -> Self:
        """What is shown of a request."""
        text = _text(request)
        return cls(
            at=format_instant_ns(request.at_ns),
            method=request.method,
            target=request.target,
            headers=request.headers,
            body_bytes=request.body_bytes,
            body=msgspec.UNSET if text is None else text,
            body_base64=msgspec.UNSET if text is not None else base64.b64encode(request.body).decode(),
        )


def _text(request: Recorded) -> str | None:
    """The body, if it is UTF-8; where it was cut, half a character may be missing."""
    is_whole = len(request.body) == request.body_bytes
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(request.body, final=is_whole)
    except UnicodeDecodeError:
        return None
