"""Room for records in flight: what connections are to HTTP, slots are to Kafka.

A producer has one connection to each broker, on which any number of records are on their way; how many, the slots
limit. There is no I/O, thread or loop in here: records are handed to a function, and what becomes of them is told by
`SlotDialer.reported`.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from load_tester.domain.metrics import ErrorKind
from load_tester.domain.request import Record
from load_tester.engine.transport import NO_HIT, DialOwner

ACKNOWLEDGED: Final = 200
"""The status of a record that was acknowledged: there is none in Kafka, and this is what success is elsewhere."""

_KINDS: Final = {
    "_MSG_TIMED_OUT": ErrorKind.TIMEOUT,
    "_TIMED_OUT": ErrorKind.TIMEOUT,
    "REQUEST_TIMED_OUT": ErrorKind.TIMEOUT,
    "_TRANSPORT": ErrorKind.RESET,
    "NETWORK_EXCEPTION": ErrorKind.RESET,
}
_RESET: Final = "the connection to the broker broke before it had acknowledged the record"


class DeliveryError(NamedTuple):
    """Why a record was not acknowledged: what librdkafka calls the error, and what it says of it."""

    name: str
    text: str

    @property
    def kind(self) -> ErrorKind:
        """What it counts as: all that are not about time or the network are the broker's refusal of the record."""
        return _KINDS.get(self.name, ErrorKind.REJECTED)

    @property
    def message(self) -> str:
        """The reason, for the report."""
        return _RESET if self.kind is ErrorKind.RESET else self.text


OnDelivery = Callable[[Any, Any], None]
"""What librdkafka calls, in any thread, when it knows what became of a record: with its error, `None` for none, and the
message, which is not needed."""

Sender = Callable[[Record, OnDelivery], None]
"""Hands over a record. Exactly one call of its `OnDelivery` follows, also if it cannot be sent, never from within."""

Reporter = Callable[["Slot", Any], None]
"""Carries the error that a slot was called with, or `None`, to `SlotDialer.reported`."""


class Slot:
    """Room for one record in flight; see `transport.Connection`. What `write` takes is a record.

    A slot whose record was given up is not used again, so that a late report is not taken for that of another record.
    """

    __slots__ = (
        "_dialer",
        "_reporter",
        "_send",
        "body_bytes",
        "closing",
        "due",
        "idle_since",
        "mark",
        "sent",
        "seq",
    )

    def __init__(self, dialer: "SlotDialer", send: Sender, reporter: Reporter) -> None:
        self.seq = NO_HIT
        self.due = 0
        self.sent = 0
        self.mark = 0
        self.idle_since = 0
        self.body_bytes = 0
        self.closing = False
        self._dialer = dialer
        self._send = send
        self._reporter = reporter

    def write(self, record: Record) -> None:
        """Hand over the record."""
        self._send(record, self._on_delivery)

    def expect_no_body(self) -> None:
        """An acknowledgement never has one."""

    def is_alive(self) -> bool:
        """Whether it can be used; see `transport.Connection`."""
        return not self.closing

    def close(self) -> None:
        """Use it no more; see `transport.Connection`."""
        self.closing = True
        self._dialer.closed(self)

    def _on_delivery(self, error: Any, _message: Any) -> None:
        self._reporter(self, error)


class SlotDialer:
    """Gives its owner slots while the cluster can be reached; see `transport.Dialer`.

    Whoever watches the cluster tells it by `up` and `down`; before the first word of it, dials wait.

    Args:
        owner: whose slots they are.
        make_slot: makes one.
        soon: calls a function a little later, and not from within.
    """

    def __init__(
        self,
        owner: DialOwner,
        make_slot: Callable[["SlotDialer"], Slot],
        soon: Callable[[Callable[[], None]], Any],
    ) -> None:
        self._owner = owner
        self._make_slot = make_slot
        self._soon = soon
        self._slots: set[Slot] = set()
        self._dials = 0
        self._is_known = False
        self._trouble: tuple[ErrorKind, str] | None = None

    # What the attacker calls

    def dial(self) -> None:
        """See `transport.Dialer`."""
        self._dials += 1
        if self._is_known:
            self._soon(self._answer)

    def close(self) -> None:
        """See `transport.Dialer`."""
        self._dials = 0

    def closed(self, slot: Slot) -> None:
        """A slot is not used any more; its owner hears of it a little later, once."""
        if slot in self._slots:
            self._slots.remove(slot)
            self._soon(lambda: self._owner.disconnected(slot))

    # What is heard of the cluster

    def up(self) -> None:
        """The cluster can be reached."""
        self._is_known, self._trouble = True, None
        self._answer_all()

    def down(self, kind: ErrorKind, message: str) -> None:
        """No record can be sent at the moment. Those in flight may still be heard of, and are their slots' last."""
        self._is_known, self._trouble = True, (kind, message)
        for slot in list(self._slots):
            slot.closing = True
            if slot.seq == NO_HIT:
                self.closed(slot)
        self._answer_all()

    def reported(self, slot: Slot, error: DeliveryError | None, at_ns: int) -> None:
        """What became of the record of a slot, told at that instant of the owner's clock."""
        if slot.seq == NO_HIT:
            return  # it was given up before, and has been counted as that
        if error is not None:
            slot.closing = True
        if slot.closing:
            self.closed(slot)
        if error is None:
            self._owner.hit_done(slot, ACKNOWLEDGED, at_ns)
        else:
            self._owner.hit_failed(slot, error.kind, error.message)

    # Inside

    def _answer_all(self) -> None:
        for _ in range(self._dials):
            self._soon(self._answer)

    def _answer(self) -> None:
        """Answer one dial, unless there is none left."""
        if not self._dials:
            return
        self._dials -= 1
        if self._trouble is None:
            slot = self._make_slot(self)
            self._slots.add(slot)
            self._owner.connected(slot)
        else:
            self._owner.dial_failed(*self._trouble)
