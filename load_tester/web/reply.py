"""What handlers share: JSON replies, bodies of bounded size, query parameters."""

from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

MAX_BODY_BYTES: Final = 1 << 20


class JsonReply(Response):
    """A JSON document; Structs, instants and everything else msgspec knows are encoded."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The document's bytes; `bytes` are taken to be one already."""
        return content if isinstance(content, bytes) else msgspec.json.encode(content)


def error_reply(status: int, message: str, **more: str) -> JsonReply:
    """What every error looks like: `{"error": …}`, with `path` or `runId` where there is one."""
    return JsonReply({"error": message, **more}, status_code=status)


async def body_of(request: Request) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: 413 as soon as it is known to be over 1 MiB; the rest is not read.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def whole_number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A query parameter.

    Raises:
        HTTPException: 400 when it is not a whole number from `low` to `high`.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 18 and low <= int(text) <= high:
        return int(text)
    raise HTTPException(400, f"{name} must be a whole number from {low} to {high}, not {text!r}")


def _too_large() -> HTTPException:
    # The connection cannot be used again: the rest of the body is still to come.
    return HTTPException(413, f"the body is over {MAX_BODY_BYTES} bytes", headers={"Connection": "close"})
