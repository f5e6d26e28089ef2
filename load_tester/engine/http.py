"""HTTP/1.1 as a transport: requests as bytes on connections of their own."""

from collections.abc import Callable

from load_tester.domain.attack import Order
from load_tester.domain.request import Observer, Request
from load_tester.domain.target import parse_target
from load_tester.engine.connection import HttpConnection
from load_tester.engine.dialer import TcpDialer, tls_context
from load_tester.engine.encoder import request_encoder
from load_tester.engine.end_code import mark
from load_tester.engine.observing import ObservingConnection
from load_tester.engine.transport import DialOwner, Round


def round_maker(host: str, prefix: str) -> Callable[[Request], Round]:
    """A function that writes requests to one host, below one path; it raises `MalformedRequest`."""
    write = request_encoder(host, prefix)

    def round_of(request: Request) -> Round:
        return Round(write(request), request.method == "HEAD", len(request.body), mark(request.target))

    return round_of


class HttpTransport:
    """See `transport.Transport`.

    Raises:
        ValueError: the target URL is none.
        ssl.SSLError: the certificates are none.
    """

    def __init__(self, order: Order, observe: Observer | None) -> None:
        self._target = parse_target(order.target_url)
        self._tls = tls_context(order.tls) if self._target.tls else None
        self._timeout_ns = order.timeout_ns
        self._observe = observe
        self.encode = round_maker(self._target.authority, self._target.prefix)

    def dialer(self, owner: DialOwner) -> TcpDialer:
        """See `transport.Transport`."""
        observe = self._observe

        def connection() -> HttpConnection:
            return HttpConnection(owner) if observe is None else ObservingConnection(owner, observe)

        return TcpDialer(self._target, self._tls, self._timeout_ns, connection, owner.dial_failed)

    def close(self) -> None:
        """See `transport.Transport`: there is nothing but connections."""
