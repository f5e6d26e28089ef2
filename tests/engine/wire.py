"""A connection of the engine with the other end of its TCP socket in the hands of the test."""

import array
import asyncio
import contextlib
import fcntl
import select
import socket
import struct
import termios
from collections.abc import AsyncIterator, Callable

from load_tester.domain.metrics import ErrorKind
from load_tester.engine.connection import HttpConnection
from load_tester.engine.transport import NO_HIT

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: test\r\n\r\n"

Event = tuple[object, ...]
"""`("done", seq, status)`, `("failed", seq, kind, message)` or `("disconnected",)`."""


class Owner:
    """Writes down what connections tell it, and ends hits as the attacker does."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.opened: asyncio.Queue[HttpConnection] = asyncio.Queue()
        self._news: asyncio.Queue[Event] = asyncio.Queue()

    def connected(self, connection: HttpConnection) -> None:
        """See `ConnectionOwner`."""
        self.opened.put_nowait(connection)

    def hit_done(self, connection: HttpConnection, status: int, at_ns: int | None = None) -> None:
        """See `ConnectionOwner`."""
        self._tell(("done", connection.seq, status))
        connection.seq = NO_HIT

    def check_failed(self, message: str) -> None:
        """See `ConnectionOwner`."""
        self._tell(("check", message))

    def hit_failed(self, connection: HttpConnection, kind: ErrorKind, message: str) -> None:
        """See `ConnectionOwner`."""
        self._tell(("failed", connection.seq, kind, message))
        connection.seq = NO_HIT

    def disconnected(self, connection: HttpConnection) -> None:
        """See `ConnectionOwner`."""
        self._tell(("disconnected",))

    async def next(self) -> Event:
        """The next event, waited for at most as long as only a broken test needs."""
        async with asyncio.timeout(10):
            return await self._news.get()

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self._news.put_nowait(event)


class Wire:
    """An open connection, its owner, and the peer's socket (non-blocking)."""

    def __init__(self, owner: Owner, connection: HttpConnection, client: socket.socket, peer: socket.socket) -> None:
        self.owner = owner
        self.connection = connection
        self.peer = peer
        self._client = client

    def hit(self, seq: int, request: bytes = GET) -> None:
        """Send a request as hit `seq`, and take it from the peer's socket."""
        if request.startswith(b"HEAD"):
            self.connection.expect_no_body()
        self.connection.seq = seq
        self.connection.write(request)
        assert self.peer.recv(len(request)) == request

    async def answer(self, *pieces: bytes) -> None:
        """Send the pieces, each of which the connection has read before the next is sent."""
        for piece in pieces:
            await asyncio.get_running_loop().sock_sendall(self.peer, piece)
            await self.read()

    async def read(self) -> None:
        """Let the connection read what has been sent to it."""
        if self.connection.closing:
            return
        select.select([self._client], [], [], 10)
        while self._unread():  # noqa: ASYNC110  # there is no event to wait for: only the loop itself reads
            await asyncio.sleep(0)

    def reset(self) -> None:
        """Close the peer's end with a reset (`SO_LINGER` of 0)."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def _unread(self) -> int:
        if self.connection.closing:
            return 0
        count = array.array("i", [0])
        fcntl.ioctl(self._client, termios.FIONREAD, count)
        return count[0]


@contextlib.asynccontextmanager
async def wire(make_connection: Callable[[Owner], HttpConnection] = HttpConnection) -> AsyncIterator[Wire]:
    """Connect over 127.0.0.1 as the dialer does; at the end everything is closed, and said to be so exactly once."""
    loop = asyncio.get_running_loop()
    owner = Owner()
    connection = make_connection(owner)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    peer.setblocking(False)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setblocking(False)
    with peer:
        connection.use_socket(client)
        await loop.create_connection(lambda: connection, sock=client)
        assert await owner.opened.get() is connection
        yield Wire(owner, connection, client, peer)
        connection.close()
        while ("disconnected",) not in owner.events:
            await owner.next()
        await asyncio.sleep(0)
        assert owner.events.count(("disconnected",)) == 1
        assert owner.opened.empty()
