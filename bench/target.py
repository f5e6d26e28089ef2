"""A target that knows when each request came: a plain thread on plain sockets, with nothing of ours in between."""

import selectors
import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

from bench.machine import LOCALHOST

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_END_OF_HEAD: Final = b"\r\n\r\n"


class StampingTarget:
    """Answers every request, and stamps the first and the last. The stamps are owned by its thread.

    `first_ns` and `last_ns` are instants of `time.monotonic_ns`, 0 for none; `requests` counts the ends of heads, so a
    head in two pieces may be missed, which the stamps do not mind.
    """

    def __init__(self) -> None:
        self.first_ns = self.last_ns = self.requests = 0
        self._listener = socket.create_server((LOCALHOST, 0), backlog=4096)
        self._closing, self._to_close = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="stamping-target", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOCALHOST}:{self._listener.getsockname()[1]}"

    def forget(self) -> None:
        """Begin anew."""
        self.first_ns = self.last_ns = self.requests = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._to_close.close()
        self._thread.join()
        self._closing.close()
        self._listener.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._closing, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._closing:
                        for other in list(selector.get_map().values()):
                            if isinstance(other.fileobj, socket.socket) and other.fileobj is not self._closing:
                                other.fileobj.close()
                        return
                    if key.fileobj is self._listener:
                        selector.register(self._listener.accept()[0], selectors.EVENT_READ)
                    elif isinstance(key.fileobj, socket.socket):
                        self._answer(key.fileobj, selector)

    def _answer(self, connection: socket.socket, selector: selectors.BaseSelector) -> None:
        try:
            data = connection.recv(65536)
            now_ns = time.monotonic_ns()
            ends = data.count(_END_OF_HEAD)
            if data:
                self.first_ns = self.first_ns or now_ns
                self.last_ns = now_ns
                self.requests += ends
                connection.sendall(_ANSWER * ends)
                return
        except ConnectionError:
            pass
        selector.unregister(connection)
        connection.close()
