"""How hits travel: the seam between what an attacker sends when, and the protocol that it is sent in.

An attacker knows rounds, connections and a dialer. What a round holds, how a connection carries it and where it leads
is a transport's business; the test type says which one it needs (`TestType.transport`).
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from load_tester.domain.attack import Order
from load_tester.domain.metrics import ErrorKind
from load_tester.domain.request import Observer

NO_HIT: Final = -1
"""The `seq` of a connection that has no hit in flight."""


class Round(NamedTuple):
    """One request, ready to be sent.

    Attributes:
        wire: what the connection's `write` takes: for HTTP, the bytes.
        is_bodyless: whether the response has no body whatever it says (a HEAD): the connection must be told before.
        body_bytes: the size of the payload.
        mark: the target the hit is counted as, in the form in which it is added to its status; see `end_code.mark`.
    """

    wire: Any
    is_bodyless: bool
    body_bytes: int
    mark: int = 0


class Connection(Protocol):
    """What carries one hit at a time; its pool owns it and these attributes.

    `seq`, `due`, `sent` and `mark` describe the hit in flight (`seq` is `NO_HIT` when there is none); `idle_since` is
    the instant at which the last one ended. `closing` is true from the moment on at which no further hit can be sent.
    `body_bytes` counts what has been received; the pool takes it away. A round is sent by `write`, after
    `expect_no_body` if it is bodyless.
    """

    seq: int
    due: int
    sent: int
    mark: int
    idle_since: int
    body_bytes: int
    closing: bool
    write: Callable[[Any], None]

    def expect_no_body(self) -> None:
        """The response to the next request has no body, whatever it says."""

    def is_alive(self) -> bool:
        """Whether the other side has left an idle connection open."""

    def close(self) -> None:
        """Close without waiting; a hit in flight must have been given up by the pool (`seq = NO_HIT`)."""


class ConnectionOwner(Protocol):
    """What a connection tells its owner. One of `hit_done` and `hit_failed` comes for every `write`.

    `check_failed` may come before `hit_done`, with what is wrong with the response; `CHECK_FAILED` has then been added
    to its status.

    Connections are `Any` here because each transport has its own, and tells its owner of no other.
    """

    def connected(self, connection: Any) -> None:
        """The connection is open and idle."""

    def hit_done(self, connection: Any, status: int, at_ns: int | None = None) -> None:
        """A whole response came, now or at that instant; the connection is idle again, unless it is closing."""

    def check_failed(self, message: str) -> None:
        """The response that is about to be told of is not what the test type expects."""

    def hit_failed(self, connection: Any, kind: ErrorKind, message: str) -> None:
        """There is no response to the hit, and the connection is closing."""

    def disconnected(self, connection: Any) -> None:
        """The connection is closed; comes once for every `connected`."""


class DialOwner(ConnectionOwner, Protocol):
    """Whom a dialer tells how opening a connection went: `connected`, or this."""

    def dial_failed(self, kind: ErrorKind, message: str) -> None:
        """The connection could not be opened."""


class Dialer(Protocol):
    """Opens connections."""

    def dial(self) -> None:
        """Start to open one; exactly one of the owner's `connected` and `dial_failed` follows, never from within."""

    def close(self) -> None:
        """Give up those that are being opened; nothing follows for them."""


class Transport(Protocol):
    """One protocol, for one attack of one target."""

    def encode(self, request: Any) -> Round:
        """Write a request. Raises `ValueError` for one that cannot be sent."""

    def dialer(self, owner: DialOwner) -> Dialer:
        """What opens connections for this owner."""

    def close(self) -> None:
        """Let go of all that it holds besides its connections, which have been closed."""


TransportMaker = Callable[[Order, Observer | None], Transport]
"""Makes the transport of an attack, whose responses the observer sees. Called in the event loop.

It may raise any exception whose message says why the attack cannot be run.
"""
