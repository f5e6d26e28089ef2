"""The connections of one attacker: which are open, which are free, how many more there may be."""

from collections import deque
from typing import Final

from load_tester.domain.duration import MILLISECOND
from load_tester.engine.transport import NO_HIT, Connection, Dialer

IDLE_CHECK_NS: Final = 100 * MILLISECOND
"""A connection that was idle for longer is looked at before it is used: targets close idle connections."""


NEAR_NS: Final = 20 * MILLISECOND
"""A target whose connections are open sooner than this is near."""
NEAR_DIALS: Final = 8
"""So many connections to a near target are opened at once, or half as many as there are. Opening one takes longer than
the interval between hits at a high rate: with one for each hit that is due meanwhile, hundreds would be opened at the
start, or after this machine has held the worker up, and everything else would be late because of it; while a few soon
serve all. A target that is far away needs one for each, and gets it."""


class Pool:
    """At most `max_connections`, opened when needed; the one used last is used first, so that the rest can rest.

    `idle` may be appended to directly on the hot path, by what owns the pool. `dialing` is how many are being opened.
    """

    def __init__(self, dialer: Dialer, max_connections: int) -> None:
        self.idle: list[Connection] = []
        self.dialing = 0
        self._dialer = dialer
        self.max_connections = max_connections
        self._connections: set[Connection] = set()
        self._bytes_of_closed = 0
        self._dialed_at: deque[int] = deque()
        self._quickest_ns: int | None = None

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    @property
    def in_flight(self) -> int:
        """How many connections have a hit in flight; counted when asked, not hit by hit."""
        return len(self.busy())

    def is_busy(self) -> bool:
        """Whether any hit is in flight."""
        return any(connection.seq != NO_HIT for connection in self._connections)

    def busy(self) -> list[Connection]:
        """The connections that have a hit in flight."""
        return [connection for connection in self._connections if connection.seq != NO_HIT]

    @property
    def room(self) -> int:
        """How many more may be opened."""
        return self.max_connections - len(self._connections) - self.dialing

    def dial(self, wanted: int, now: int) -> None:
        """Open up to `wanted` more, besides those being opened; at once only if the target is far, see `NEAR_NS`."""
        at_once = wanted
        if self._is_near(now):
            at_once = max(NEAR_DIALS, len(self._connections) // 2) - self.dialing
        for _ in range(min(self.room, wanted, at_once)):
            self.dialing += 1
            self._dialed_at.append(now)
            self._dialer.dial()

    def dialed(self, connection: Connection | None, now: int) -> None:
        """One that was being opened is open, or (`None`) could not be opened."""
        self.dialing -= 1
        dial_ns = now - self._dialed_at.popleft()
        self._quickest_ns = dial_ns if self._quickest_ns is None else min(self._quickest_ns, dial_ns)
        if connection is not None:
            self._connections.add(connection)

    def _is_near(self, now: int) -> bool:
        """Whether opening a connection is quick: as far as is known, or as long as nothing else is known."""
        if self._quickest_ns is not None:  # the others may have waited for this machine
            return self._quickest_ns < NEAR_NS
        return not self._dialed_at or now - self._dialed_at[0] < NEAR_NS

    def take(self, now: int) -> Connection | None:
        """A connection that is free and alive, if there is one; dead ones are closed on the way."""
        while self.idle:
            connection = self.idle.pop()
            if connection.closing:
                continue
            if now - connection.idle_since > IDLE_CHECK_NS and not connection.is_alive():
                connection.close()
                continue
            return connection
        return None

    def discard(self, connection: Connection) -> None:
        """A connection has closed."""
        self._connections.discard(connection)
        self._bytes_of_closed += connection.body_bytes

    def take_body_bytes(self) -> int:
        """The bytes of bodies received since the last call."""
        received, self._bytes_of_closed = self._bytes_of_closed, 0
        for connection in self._connections:
            received += connection.body_bytes
            connection.body_bytes = 0
        return received

    def stop_dialing(self) -> None:
        """Give up the connections that are being opened."""
        self._dialer.close()
        self.dialing = 0
        self._dialed_at.clear()

    def close(self) -> None:
        """Close everything; hits in flight are forgotten."""
        self.stop_dialing()
        for connection in list(self._connections):
            connection.seq = NO_HIT
            connection.close()
