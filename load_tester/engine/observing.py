"""Connections whose responses a test type wants to see."""

from typing import Final

from load_tester.domain.request import Observer, Response
from load_tester.engine.connection import HttpConnection
from load_tester.engine.end_code import CHECK_FAILED, read
from load_tester.engine.transport import ConnectionOwner

MAX_KEPT_BODY_BYTES: Final = 1024 * 1024


class ObservingConnection(HttpConnection):
    """A connection that keeps its responses and hands them to the test type before the hit is booked."""

    __slots__ = ("_headers", "_headers_complete", "_kept", "_observe")

    def __init__(self, owner: ConnectionOwner, observe: Observer) -> None:
        super().__init__(owner)
        self._observe = observe
        self._headers: list[tuple[str, str]] = []
        self._headers_complete = False
        self._kept = bytearray()
        self._hit_done = self._observe_hit
        self.on_body = self._keep_body
        self.on_message_begin = self._begin
        self._seen_header = self.on_header
        self._use_parser(self)

    def _begin(self) -> None:
        """A response begins; what came before it was a 1xx, whose headers are not those of the response."""
        self._expected.pop()
        self._headers.clear()
        self._headers_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, but not a trailer: those may be sent without end."""
        if not self._headers_complete:
            self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """What comes from here on is no header."""
        self._headers_complete = True

    def _keep_body(self, body: bytes) -> None:
        self._bodies.append(body)
        self._kept += body[: MAX_KEPT_BODY_BYTES - len(self._kept)]

    def _observe_hit(self, connection: HttpConnection, status: int) -> None:
        response = Response(self.seq, status, tuple(self._headers), bytes(self._kept), read(self.mark).target)
        self._headers.clear()
        self._kept.clear()
        complaint = self._observe(response)
        if complaint is not None:
            self._owner.check_failed(complaint)
            status += CHECK_FAILED
        self._owner.hit_done(connection, status)
