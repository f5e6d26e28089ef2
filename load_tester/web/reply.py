"""What handlers share: JSON replies, what errors look like, bodies of bounded size."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

MAX_BODY_BYTES: Final = 1 << 20


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What every error looks like."""

    error: Annotated[str, Meta(description="One sentence that says what is wrong.")]
    path: Annotated[str | None, Meta(description="What it is about in a command, like `$.params.numUsers`.")] = None


class JsonReply(Response):
    """A JSON document; Structs, instants and everything else msgspec knows are encoded."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The document's bytes; `bytes` are taken to be one already."""
        return content if isinstance(content, bytes) else msgspec.json.encode(content)


def error_reply(status: int, message: str, path: str | None = None) -> JsonReply:
    """The reply to what is wrong."""
    return JsonReply(Problem(message, path), status_code=status)


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


def _too_large() -> HTTPException:
    # The connection cannot be used again: the rest of the body is still to come.
    return HTTPException(413, f"the body is over {MAX_BODY_BYTES} bytes", headers={"Connection": "close"})
