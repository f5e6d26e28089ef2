"""One HTTP/1.1 client connection: a request out, a whole response in, one at a time.

A connection is an `asyncio.Protocol` that feeds httptools; a hit is a pair of callbacks on it, not a task. The hot
path is `write`, `data_received`, `on_message_complete`; what only rarely happens is kept out of it: responses are
looked at a second time only when they come in parts or end with the connection, and a HEAD gets its own parser.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

import httptools

from load_tester.domain.metrics import ErrorKind
from load_tester.engine.framing import Framing
from load_tester.engine.transport import NO_HIT, ConnectionOwner

MAX_HEADER_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024 * 1024


class HttpConnection(asyncio.Protocol):
    """One HTTP/1.1 connection; see `transport.Connection`. What `write` takes is a request as bytes."""

    __slots__ = (
        "_bodies",
        "_expected",
        "_feed",
        "_headless",
        "_hit_done",
        "_malformed",
        "_owner",
        "_parser",
        "_part_bytes",
        "_reusable",
        "_seen_header",
        "_should_keep_alive",
        "_socket",
        "_start",
        "_status",
        "_status_code",
        "_transport",
        "body_bytes",
        "closing",
        "due",
        "idle_since",
        "mark",
        "on_body",
        "on_message_begin",
        "sent",
        "seq",
        "write",
    )

    def __init__(self, owner: ConnectionOwner) -> None:
        self.seq = NO_HIT
        self.due = 0
        self.sent = 0
        self.mark = 0
        self.idle_since = 0
        self.body_bytes = 0
        self.closing = False
        self.write: Callable[[bytes], None]
        self._owner = owner
        self._hit_done: Callable[[HttpConnection, int], None] = owner.hit_done
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._status = 0
        self._reusable = False
        self._headless = False
        self._seen_header: Callable[[bytes, bytes], None] | None = None
        self._start = b""
        self._part_bytes = 0
        self._malformed = ""
        self._bodies: list[bytes] = []
        self._expected = [NO_HIT]
        # Built-in methods for callbacks of the parser: calling one takes a third of the time of a method in Python.
        # A response takes an item out of `_expected`. A second one that begins before the first has been dealt with
        # finds nothing to take; the exception goes through the parser, which stops there.
        self.on_body = self._bodies.append
        self.on_message_begin: Callable[[], object] = self._expected.pop
        self._use_parser(self)

    # What the pool calls

    def expect_no_body(self) -> None:
        """The next request is a HEAD: its response has no body whatever the headers say, which no parser can know."""
        self._headless = True
        self._use_parser(_HeadCallbacks(self, self._seen_header))

    def is_alive(self) -> bool:
        """Whether the target has left an idle connection open and silent: looks at the socket, one system call."""
        return not self.closing and (self._socket is None or not _readable(self._socket))

    @property
    def is_open(self) -> bool:
        """Whether the owner was told that it is connected, whatever has happened since."""
        return self._transport is not None

    def abandon(self) -> None:
        """Before it is open: nobody wants it any more. If it still opens, it closes, and the owner hears nothing."""
        self._owner = _Nobody()

    def close(self) -> None:
        """Close without waiting; a hit in flight must have been given up by the pool (`seq = NO_HIT`)."""
        if not self.closing:
            self.closing = True
            assert self._transport is not None, "nobody knows of a connection before it is made"
            self._transport.abort()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but ancestry
        # With a high-water mark of zero, uvloop writes at once in `write` instead of at the end of the iteration of
        # the loop. Otherwise the instant taken before `write` would be earlier than the true one by the time it takes
        # to generate all other payloads that are due in the same iteration.
        transport.set_write_buffer_limits(high=0)
        self._transport = transport
        self.write = transport.write
        self._owner.connected(self)

    def use_socket(self, sock: socket.socket) -> None:
        """Hand over the socket below a plain TCP connection, so that `is_alive` can look at it."""
        self._socket = sock

    def pause_writing(self) -> None:
        """Nothing to hold back: a connection has one request at a time, and it is whole."""

    def resume_writing(self) -> None:
        """See `pause_writing`."""

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`; the end of the hot path."""
        if self.seq < 0:
            # Nobody asked: a response too many, or a farewell like 408. Either way the connection is of no more use.
            self.close()
            return
        feed = self._feed  # looked up apart from the call: see `Attacker.start`
        try:
            feed(data)
        except httptools.HttpParserError as error:
            self._reusable = False
            if not self._status:
                # What one of our callbacks said to the parser, or what the parser says itself.
                self._malformed = str(error.__context__ or error)
        bodies = self._bodies
        while bodies:
            self.body_bytes += len(bodies.pop())
        status = self._status
        if status:
            self._status = 0
            self._expected.append(NO_HIT)
            if self._reusable and not self._start and not self._headless and len(data) <= MAX_HEADER_BYTES:
                hit_done = self._hit_done
                hit_done(self, status)
            else:
                self._finish(status, data)
        else:
            self._look_at_part(data)

    def eof_received(self) -> None:
        """See `asyncio.Protocol`: the end of a body that nothing else ends."""
        if self.seq == NO_HIT:
            self.close()
        elif self._ends_with_connection():
            self._reusable = False
            self._finish(self._status_code(), b"")
        else:
            self._fail(ErrorKind.CLOSED, "the target closed the connection before the response was whole")

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.closing = True
        if self.seq != NO_HIT:
            if isinstance(exc, ConnectionResetError | BrokenPipeError):
                self._fail(ErrorKind.RESET, "the target reset the connection before the response was whole")
            elif exc is not None:
                self._fail(ErrorKind.RESET, f"the connection broke before the response was whole: {exc}")
            else:
                self._fail(ErrorKind.CLOSED, "the target closed the connection before the response was whole")
        self._owner.disconnected(self)

    # What the parser calls

    def on_message_complete(self) -> None:
        """A response is whole. Only here can the parser tell whether the connection may be used again."""
        status_code, should_keep_alive = self._status_code, self._should_keep_alive
        status = status_code()
        if status < 200:
            if status < 100 or status == 101:
                raise ValueError(f"the status is {status}, which is no answer to a request of ours")
            self._expected.append(NO_HIT)
            return  # the final response is still to come
        self._reusable = should_keep_alive()
        self._status = status

    def end_at_headers(self, *, says_close: bool) -> None:
        """The headers of a response to a HEAD are whole, and hence the response."""
        self.on_message_complete()
        # Asked about a response without a length, the parser expects a body up to the end of the connection.
        if not says_close and self._parser.get_http_version() == "1.1":
            self._reusable = True

    # Inside

    def _finish(self, status: int, data: bytes) -> None:
        """A response is whole that was not a plain one: look at what the hot path does not, and clear up after it.

        `data` is what came last. The connection is aborted if it cannot be used again, because closing it in order
        would wait until a request that the target does not read has been written.
        """
        start, self._start = self._start + data, b""
        self._part_bytes = 0
        if len(start) > MAX_HEADER_BYTES >= len(start) - len(data) and not Framing(start[:MAX_HEADER_BYTES]).complete:
            self._fail(ErrorKind.OVERSIZE, f"the response headers exceed {MAX_HEADER_BYTES} bytes")
            return
        if self._headless:
            self._headless = False
            self._use_parser(self)
        if not self._reusable:
            self.close()
        self._hit_done(self, status)

    def _fail(self, kind: ErrorKind, message: str) -> None:
        self.close()
        self._owner.hit_failed(self, kind, message)
        self.seq = NO_HIT

    def _look_at_part(self, data: bytes) -> None:
        """A response has come in part: see that it stays within the limits, and keep its start for `_finish`."""
        self._part_bytes += len(data)
        start = self._start
        if self._malformed:
            self._fail(ErrorKind.MALFORMED, f"what came is not an HTTP/1.1 response: {self._malformed}")
        elif self._part_bytes > MAX_BODY_BYTES:
            self._fail(ErrorKind.OVERSIZE, f"the response exceeds {MAX_BODY_BYTES} bytes")
        elif len(start) <= MAX_HEADER_BYTES:
            # One byte more than the limit shows that it was passed; keeping more would only cost memory.
            self._start = start = (start + data)[: MAX_HEADER_BYTES + 1]
            if len(start) > MAX_HEADER_BYTES and not Framing(start[:MAX_HEADER_BYTES]).complete:
                self._fail(ErrorKind.OVERSIZE, f"the response headers exceed {MAX_HEADER_BYTES} bytes")

    def _ends_with_connection(self) -> bool:
        """Whether the response so far is one whose body ends where the connection ends (RFC 9112 §6.3, item 8)."""
        framing = Framing(self._start)
        return framing.complete and not framing.framed

    def _use_parser(self, callbacks: object) -> None:
        self._parser = parser = httptools.HttpResponseParser(callbacks)
        self._feed: Callable[[bytes], None] = parser.feed_data
        self._status_code: Callable[[], int] = parser.get_status_code
        self._should_keep_alive: Callable[[], bool] = parser.should_keep_alive


class _Nobody:
    """The owner of connections that opened when they had been given up."""

    def connected(self, connection: HttpConnection) -> None:
        connection.close()

    def hit_done(self, connection: HttpConnection, status: int, at_ns: int | None = None) -> None:
        """Never comes: nobody sends."""

    def hit_failed(self, connection: HttpConnection, kind: ErrorKind, message: str) -> None:
        """Never comes: nobody sends."""

    def check_failed(self, message: str) -> None:
        """Never comes: nobody sends."""

    def disconnected(self, connection: HttpConnection) -> None:
        """Nobody wants to know."""


class _HeadCallbacks:
    """Ends a response at the end of its headers; what comes behind them is not the target's to send."""

    def __init__(self, connection: HttpConnection, seen_header: Callable[[bytes, bytes], None] | None) -> None:
        self._connection = connection
        self._seen_header = seen_header
        self.on_message_begin = connection.on_message_begin
        self._says_close = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"connection":
            self._says_close = b"close" in value.lower()
        if self._seen_header is not None:
            self._seen_header(name, value)

    def on_headers_complete(self) -> None:
        self._connection.end_at_headers(says_close=self._says_close)

    def on_body(self, body: bytes) -> None:
        del body
        raise ValueError("a body came in answer to a HEAD")

    def on_chunk_header(self) -> None:
        raise ValueError("a body came in answer to a HEAD")

    def on_message_complete(self) -> None:
        """Came with the headers already."""


def _readable(sock: socket.socket) -> bool:
    """Whether an idle socket has something to read: the end of the stream, an error, or bytes nobody asked for."""
    try:
        sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
