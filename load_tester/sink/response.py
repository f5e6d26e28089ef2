"""The responses of a sink as bytes, made once where they can be."""

from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from load_tester.sink.behaviour import Behaviour

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_OK: Final = b"ok\n"
_CHUNK: Final = 16 * 1024


class Responses:
    """Makes responses and keeps them, the plain one as `ok`, for a second: `refresh` renews their date."""

    __slots__ = ("_body", "_date", "_made", "ok", "second")

    def __init__(self, behaviour: Behaviour) -> None:
        self._body = _OK if behaviour.body_bytes is None else b"x" * behaviour.body_bytes
        self.refresh(0)

    def refresh(self, second: int) -> None:
        """Put another second of Unix time into the `Date` of all responses from here on."""
        self.second = second
        self._date = formatdate(second, usegmt=True).encode()
        # At most one for each status, and each way of framing it.
        self._made: dict[tuple[int, bytes, bool, bool], bytes] = {}
        self.ok = self.response(200)

    def response(
        self, status: int, *, connection: bytes = b"", head_only: bool = False, chunked: bool = False
    ) -> bytes:
        """A response to an ordinary request; its head alone for a `HEAD`. `connection` is that header's value."""
        key = (status, connection, head_only, chunked)
        response = self._made.get(key)
        if response is None:
            body = self._body if status < 400 else f"{status} {_phrase(status)}\n".encode()
            response = self._made[key] = self._framed(status, b"text/plain", body, connection, head_only, chunked)
        return response

    def json(self, body: bytes, *, connection: bytes = b"") -> bytes:
        """A 200 that carries a JSON text."""
        return self._framed(200, b"application/json", body, connection, head_only=False, chunked=False)

    def _framed(
        self, status: int, content_type: bytes, body: bytes, connection: bytes, head_only: bool, chunked: bool
    ) -> bytes:
        lines = [
            f"HTTP/1.1 {status} {_phrase(status)}".encode(),
            b"Date: " + self._date,
            b"Content-Type: " + content_type,
            b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body),
        ]
        if connection:
            lines.append(b"Connection: " + connection)
        head = b"\r\n".join((*lines, b"", b""))
        if head_only:
            return head
        return head + (_in_chunks(body) if chunked else body)


def _in_chunks(body: bytes) -> bytes:
    parts = (body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK))
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unnamed"
