"""A target on real sockets that remembers whole requests, and answers with what it was told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    """A request; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What it is answered with."""

    status: int = 200
    body: bytes = b"ok"
    headers: tuple[tuple[str, str], ...] = ()


class EchoTarget(ThreadingHTTPServer):
    """Answers as `answer` says; what came in is in `received`, in no particular order."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[Received], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: EchoTarget

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.command, self.path, headers, body)
        self.server.received.append(received)
        answer = self.server.answer(received)
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  # http.server looks for these names

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def echo_target(answer: Callable[[Received], Answer] = lambda _: Answer()) -> Iterator[EchoTarget]:
    """A target that listens on a free port."""
    with EchoTarget(answer) as target:
        thread = threading.Thread(target=target.serve_forever)
        thread.start()
        try:
            yield target
        finally:
            target.shutdown()
            thread.join()
