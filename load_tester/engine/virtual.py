"""Virtual time, and targets that live in it: what tests of the schedule use instead of a clock and sockets.

Shipped rather than patched in, for tests here and in other programs. Nothing sleeps: `VirtualTime.run` goes from one
event to the next.
"""

import asyncio
import heapq
from collections.abc import Callable

from load_tester.domain.metrics import ErrorKind
from load_tester.domain.request import Record
from load_tester.engine.clock import Alarm, Clock
from load_tester.engine.connection import HttpConnection
from load_tester.engine.slot import DeliveryError, OnDelivery, Slot, SlotDialer
from load_tester.engine.transport import DialOwner

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class VirtualTime:
    """A clock that goes where it is told to, and the events that wait for it."""

    def __init__(self, now_ns: int = 1_000_000_000_000) -> None:
        self.now_ns = now_ns
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    @property
    def clock(self) -> Clock:
        """Reads the virtual time."""
        return lambda: self.now_ns

    def call_at(self, at_ns: int, event: Callable[[], None]) -> None:
        """Run `event` when it is `at_ns`; events of the same instant run in the order in which they were added."""
        self._count += 1
        heapq.heappush(self._events, (max(at_ns, self.now_ns), self._count, event))

    def alarm(self, callback: Callable[[], None]) -> Alarm:
        """An alarm by this clock; see `clock.AlarmMaker`."""
        return _VirtualAlarm(self, callback)

    def run(self, until_ns: int) -> None:
        """Run all events up to and including `until_ns`, and leave the clock there."""
        while self._events and self._events[0][0] <= until_ns:
            at_ns, _, event = heapq.heappop(self._events)
            self.now_ns = max(self.now_ns, at_ns)
            event()
        self.now_ns = max(self.now_ns, until_ns)


class _VirtualAlarm:
    def __init__(self, time: VirtualTime, callback: Callable[[], None]) -> None:
        self._time = time
        self._callback = callback
        self._setting = 0

    def set(self, at_ns: int) -> None:
        self._setting += 1
        setting = self._setting
        self._time.call_at(at_ns, lambda: self._callback() if setting == self._setting else None)

    def close(self) -> None:
        self._setting += 1


class VirtualTarget:
    """A target without sockets: it dials, takes requests and answers, all at virtual instants.

    `answer(now_ns, request)` gives the bytes of the response and the instant at which they arrive; `None` for no answer
    at all. `connect_ns` is how long opening a connection takes; with `refuses` set, it fails with that message. Every
    request is kept in `received` with the instant at which it was written.
    """

    def __init__(
        self,
        time: VirtualTime,
        answer: Callable[[int, bytes], tuple[bytes, int] | None],
        connect_ns: int = 0,
    ) -> None:
        self.received: list[tuple[int, bytes]] = []
        self.refuses: str | None = None
        self.opened = 0
        self.connections: list[HttpConnection] = []
        self._time = time
        self._answer = answer
        self._connect_ns = connect_ns
        self._dials = 0

    def dialer(self, owner: DialOwner) -> "VirtualDialer":
        """What opens connections to this target, for one attacker."""
        return VirtualDialer(self, owner, self._time, self._connect_ns)

    def write(self, connection: HttpConnection, request: bytes) -> None:
        """Take a request, and answer it in due time."""
        now = self._time.now_ns
        self.received.append((now, request))
        answer = self._answer(now, request)
        if answer is not None:
            response, at_ns = answer
            self._time.call_at(at_ns, lambda: None if connection.closing else connection.data_received(response))


class VirtualDialer:
    """Opens virtual connections; see `pool.Dialer`."""

    def __init__(self, target: VirtualTarget, owner: DialOwner, time: VirtualTime, connect_ns: int) -> None:
        self._target = target
        self._owner = owner
        self._time = time
        self._connect_ns = connect_ns
        self._closings = 0

    def dial(self) -> None:
        """Start to open a connection."""
        closings = self._closings
        self._time.call_at(
            self._time.now_ns + self._connect_ns, lambda: self._open() if closings == self._closings else None
        )

    def close(self) -> None:
        """Give up the connections that are being opened."""
        self._closings += 1

    def _open(self) -> None:
        if self._target.refuses is not None:
            self._owner.dial_failed(ErrorKind.REFUSED, self._target.refuses)
            return
        connection = HttpConnection(self._owner)
        self._target.opened += 1
        self._target.connections.append(connection)
        connection.connection_made(_VirtualTransport(self._target, connection, self._time))


class _VirtualTransport(asyncio.Transport):
    """Carries writes to the target, and tells the connection that it is lost an event after it was closed."""

    def __init__(self, target: VirtualTarget, connection: HttpConnection, time: VirtualTime) -> None:
        super().__init__()
        self._target = target
        self._connection = connection
        self._time = time
        self._closed = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._target.write(self._connection, bytes(data))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._time.call_at(self._time.now_ns, lambda: self._connection.connection_lost(None))

    abort = close


class VirtualCluster:
    """A Kafka cluster without sockets and threads: it takes records and acknowledges them at virtual instants.

    `answer(now_ns, record)` gives what becomes of a record (`None`: it is acknowledged) and the instant at which that
    is reported; `None` for no report at all. Reports reach the loop `hand_over_ns` later. Every record is kept in
    `received` with the instant at which it was handed over. `slots` is the dialer, to be told of the cluster; at first
    it is told that the cluster can be reached, unless that is not `known`.
    """

    def __init__(
        self,
        time: VirtualTime,
        answer: Callable[[int, Record], tuple[DeliveryError | None, int] | None],
        hand_over_ns: int = 0,
        *,
        known: bool = True,
    ) -> None:
        self.received: list[tuple[int, Record]] = []
        self.slots: SlotDialer
        self._time = time
        self._answer = answer
        self._hand_over_ns = hand_over_ns
        self._known = known

    def dialer(self, owner: DialOwner) -> SlotDialer:
        """What makes slots for one attacker."""
        time = self._time
        self.slots = SlotDialer(
            owner, lambda dialer: Slot(dialer, self._send, self._report), lambda call: time.call_at(time.now_ns, call)
        )
        if self._known:
            self.slots.up()
        return self.slots

    def _send(self, record: Record, on_delivery: OnDelivery) -> None:
        now = self._time.now_ns
        self.received.append((now, record))
        answer = self._answer(now, record)
        if answer is not None:
            error, at_ns = answer
            self._time.call_at(at_ns, lambda: on_delivery(error, None))

    def _report(self, slot: Slot, error: DeliveryError | None) -> None:
        at_ns = self._time.now_ns
        self._time.call_at(at_ns + self._hand_over_ns, lambda: self.slots.reported(slot, error, at_ns))
