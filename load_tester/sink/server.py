"""The sink as a server: a library for tests, and what `load-tester sink` runs."""

import asyncio
import socket
import ssl
from types import TracebackType
from typing import Final, Self

from load_tester.sink.behaviour import Behaviour
from load_tester.sink.connection import Connection
from load_tester.sink.recorded import Recorded
from load_tester.sink.shared import Shared
from load_tester.sink.tally import Stats

BACKLOG: Final = 4096
RECORDED: Final = 10
"""So many of the last requests are kept unless told otherwise: enough to look at, and little to keep."""


class Sink:
    """A target that answers everything; an async context manager, or `start` and `stop`.

    Args:
        behaviour: what it does besides answering and counting.
        host: a name or an address; of a name the first address is used.
        port: 0 for any that is free.
        tls: the server's context, to answer `https`.
        record: so many of the last requests are kept, with up to 1 MiB of each body.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        record: int = RECORDED,
    ) -> None:
        self._shared = Shared(behaviour or Behaviour(), record)
        self.host = host
        self.wanted_port = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens, or has listened, like `http://127.0.0.1:9999`; it must have been started."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def port(self) -> int:
        """The port it listens on, also when it was left open; it must have been started."""
        assert self._port, "the sink has been started"
        return self._port

    async def start(self) -> Self:
        """Listen and answer.

        Raises:
            OSError: the address cannot be resolved or used.
        """
        loop = asyncio.get_running_loop()
        # A name like localhost has two addresses, and port 0 would be another port on each of them.
        found = await loop.getaddrinfo(self.host, self.wanted_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, (address, *_) = found[0]
        self._server = await loop.create_server(
            lambda: Connection(self._shared),
            str(address),
            self.wanted_port,
            family=family,
            ssl=self._tls,
            backlog=BACKLOG,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close all connections and listen no more; stopping twice changes nothing."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._shared.connections):
            connection.close()
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def stats(self) -> Stats:
        """What it has seen since its start or the last reset."""
        return self._shared.stats()

    async def until(self, requests: int) -> None:
        """Wait until so many requests have come since its start or the last reset, answered or not."""
        while self._shared.tally.requests < requests:  # noqa: ASYNC110 - an event would cost every request its time
            await asyncio.sleep(0.001)

    def recorded(self) -> tuple[Recorded, ...]:
        """The last requests since its start or the last reset, oldest first."""
        return self._shared.recorded()

    def reset(self) -> None:
        """Forget all that was counted and recorded; what is drawn, and the stall, begin anew."""
        self._shared.reset()
