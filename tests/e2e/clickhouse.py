"""ClickHouse behind HTTP, as a program: its engine within this process, and of its HTTP interface what tests need.

The query is that of the URL with the body behind it, as ClickHouse has it; results are tab-separated unless the query
says otherwise, and an error is its text with status 500. Tables live in memory and end with the program.
"""

import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from chdb.session import Session

session = Session()
turn = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a query."""
        self._answer("")

    def do_POST(self) -> None:
        """Answer a query that goes on in the body."""
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it that
        """Keep quiet."""

    def _answer(self, body: str) -> None:
        query = parse_qs(urlsplit(self.path).query).get("query", [""])[0]
        status = HTTPStatus.OK
        try:
            with turn:
                content = session.query(f"{query}\n{body}", "TabSeparated").bytes()
        except RuntimeError as error:
            status, content = HTTPStatus.INTERNAL_SERVER_ERROR, str(error).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """As many connections as come."""

    daemon_threads = True
    request_queue_size = 1024


def main() -> None:
    """Serve on a free port of 127.0.0.1, whose URL is printed, until the process is ended."""
    with Server(("127.0.0.1", 0), Handler) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
