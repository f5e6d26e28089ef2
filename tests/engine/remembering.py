"""A target on a loopback socket that remembers what it got, for tests of whole attacks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import httptools

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class RememberingTarget:
    """What came in. While `silent`, requests are taken and answered only by `catch_up`.

    `arrived` is set by every request; `on_answer` hears the path of each that is answered.
    """

    url: str = ""
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    most_open: int = 0
    silent: bool = False
    unanswered: list[tuple[asyncio.Transport, str]] = field(default_factory=list)
    on_answer: Callable[[str], object] = lambda _path: None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    transports: set[asyncio.Transport] = field(default_factory=set)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rpartition(":")[2])

    async def until(self, count: int) -> None:
        """Wait for that many requests."""
        while len(self.paths) < count:
            self.arrived.clear()
            await self.arrived.wait()

    def answer(self, transport: asyncio.Transport, path: str) -> None:
        """Answer one request."""
        self.on_answer(path)
        transport.write(OK)

    def catch_up(self) -> None:
        """Answer what has come in the silence, and everything from now on."""
        self.silent = False
        for transport, path in self.unanswered:
            self.answer(transport, path)
        self.unanswered.clear()

    async def left_alone(self) -> None:
        """Wait until all connections have been closed."""
        while self.transports:
            self.left.clear()
            await self.left.wait()


class _Served(asyncio.Protocol):
    def __init__(self, target: RememberingTarget) -> None:
        self._target = target
        self._parser = httptools.HttpRequestParser(self)
        self._path = ""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._target.transports.add(self._transport)
        self._target.connections += 1
        self._target.most_open = max(self._target.most_open, len(self._target.transports))

    def connection_lost(self, exc: Exception | None) -> None:
        self._target.transports.discard(self._transport)
        self._target.left.set()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path += url.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        path = self._path
        self._target.paths.append(path)
        self._target.bodies.append(self._body)
        self._path, self._body = "", b""
        self._target.arrived.set()
        if self._target.silent:
            self._target.unanswered.append((self._transport, path))
        else:
            self._target.answer(self._transport, path)


@asynccontextmanager
async def remembering_target() -> AsyncIterator[RememberingTarget]:
    """A target on a free port of 127.0.0.1."""
    target = RememberingTarget()
    server = await asyncio.get_running_loop().create_server(lambda: _Served(target), "127.0.0.1", 0, backlog=1024)
    target.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield target
    finally:
        server.close()
        for transport in target.transports:
            transport.abort()
        await target.left_alone()
        await server.wait_closed()
