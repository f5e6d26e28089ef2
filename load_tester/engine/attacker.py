"""One worker's part of an attack: when each hit is sent, on which connection, and how it ends.

No I/O and no loop in here: time comes from a `Clock`, wake-ups from alarms, connections from a `Dialer`, so that a test
can run the schedule on virtual time. Hits wait for a connection in order and are not stored while they wait: they are
the range from `_head` to `_tail` of the share, and the instant at which each was due is computed again when needed, so
a queue of a million hits takes no memory.
"""

from collections.abc import Callable
from typing import Final

from load_tester.domain.duration import MICROSECOND, MILLISECOND, SECOND
from load_tester.domain.metrics import ErrorKind
from load_tester.engine.assignment import Assignment, Payloads, Timing
from load_tester.engine.end_code import ABORTED, TIMED_OUT
from load_tester.engine.magazine import Magazine, PayloadFailure
from load_tester.engine.pool import NEAR_DIALS, Pool
from load_tester.engine.recorder import Recorder
from load_tester.engine.transport import NO_HIT, Connection, Dialer

WAKE_QUANTUM_NS: Final = 100 * MICROSECOND
"""The attacker wakes no sooner than this after it has sent all that was due: at high rates the hits due within it are
sent together. Half of it is the mean lag this costs; without it a worker at 50 000/s spends its core on waking up."""

LATE_NS: Final = 500 * MICROSECOND
"""A worker that notices a hit later than this after it was due is late itself, whatever the target does. Responses may
be there that it has not read yet, and opening connections would make it later still."""
LOOK_AGAIN_NS: Final = MILLISECOND
"""It looks again after this at the latest: by then it has read what was there."""
STUCK_NS: Final = 100 * MILLISECOND
"""A hit that has waited for so long gets a connection opened for it even by a late worker: the target is slow, too."""

SPARE: Final = 2
"""So many times the connections that the rate needs by Little's law are enough: a hit that waits then, waits for this
worker. Opening one for each hit that waits makes a worker that was held up for 20 ms at 50 000/s later and later."""

SLOW_NS: Final = 2 * MILLISECOND
"""A hit that has been in flight for less may just be waiting for this worker to read its answer."""

REDIAL_DELAY_NS: Final = 100 * MILLISECOND
"""With an unlimited rate, a connection that could not be opened is tried again after this."""


class Attacker:
    """Runs one share of an attack from `start` to the end of its last hit; it owns its recorder and its pool.

    Args:
        assignment: the share.
        payloads: the requests.
        timing: the clock and alarms.
        make_dialer: makes what opens connections for this attacker.
        on_done: called once, when every planned hit has ended.
        on_failure: called with a message when a request could not be made; the attack must then be stopped.
    """

    __slots__ = (  # also for speed: with more than 30 attributes, an instance dictionary makes each look-up slow
        "_assignment",
        "_booked",
        "_bytes_out",
        "_clock",
        "_deadline",
        "_end",
        "_ended",
        "_ending",
        "_epoch_ns",
        "_first",
        "_has_own_time",
        "_head",
        "_idle_append",
        "_is_late",
        "_magazine",
        "_on_done",
        "_on_failure",
        "_pacer",
        "_peak",
        "_pool",
        "_running",
        "_sending",
        "_start",
        "_step",
        "_tail",
        "_timeout",
        "_total",
        "_until",
        "_waited",
        "_wake",
        "recorder",
    )

    def __init__(
        self,
        assignment: Assignment,
        payloads: Payloads,
        timing: Timing,
        make_dialer: Callable[["Attacker"], Dialer],
        on_done: Callable[[], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._assignment = assignment
        self._pacer = assignment.pacer
        self._peak = assignment.peak
        self._first, self._step = assignment.share.first, assignment.share.step
        self._timeout = assignment.timeout_ns
        self._magazine = Magazine(payloads, assignment)
        self._has_own_time = payloads.step_ns > 0
        self._clock = timing.clock
        self._wake = timing.make_alarm(self._send_due)
        self._deadline = timing.make_alarm(self._expire)
        self._on_done = on_done
        self._on_failure = on_failure
        self._pool = Pool(make_dialer(self), assignment.max_connections)
        self._idle_append = self._pool.idle.append
        self._start = self._end = self._until = self._epoch_ns = 0
        self._total = assignment.total
        self._head = 0
        self._tail = 0
        self._booked = 0
        self._bytes_out = 0
        self._waited = 0
        self._running = False
        self._is_late = False
        self._ended = False
        self.recorder = Recorder(0, payloads.targets, payloads.expected, payloads.expected_of)

    # What the worker calls

    def start(self, at_ns: int, epoch_ns: int) -> None:
        """Hit 0 of the attack is due at `at_ns`, an instant of the clock, which may have passed.

        `epoch_ns` is what payloads take for now at that instant, in Unix nanoseconds.
        """
        self._start = at_ns
        self._end = at_ns + self._assignment.duration_ns
        # Only with an unlimited rate is there always a next hit, until the end.
        self._until = at_ns if self._pacer else self._end
        self._epoch_ns = epoch_ns
        before = self.recorder
        self.recorder = recorder = Recorder(
            at_ns, before.targets, before.expected, before.expected_of, unscheduled=self._pacer is None
        )
        # What the hot path calls, each in a tuple: unpacking five functions takes the time of looking up one as an
        # attribute that is called (CPython 3.11 specialises only look-ups of methods, and of attributes not called).
        rounds = self._magazine.rounds
        self._sending = (
            self._clock,
            rounds,
            rounds.popleft,
            recorder.sents.append,
            recorder.dues.append,
            self._pacer,
        )
        self._ending = (
            self._clock,
            recorder.ends.append,
            recorder.end_sents.append,
            recorder.codes.append,
            recorder.end_dues.append if self._pacer else None,
        )
        self._running = True
        first = at_ns + self._assignment.due(0) if self._total else at_ns
        self._wake.set(first)
        self._deadline.set(first + self._timeout)

    def stop(self) -> int:
        """Send no further hit. Hits that are due but not sent are aborted. Returns how many are in flight."""
        if self._running:
            now = self._clock()
            self._running = False
            if self._pacer:
                self._advance(now)
                self._book_planned()
                self.recorder.aborted_unsent(self._assignment.dues(self._head, self._tail), now)
                self._total = self._head = self._tail
            self._pool.stop_dialing()
            self._finish_if_done()
        return self.in_flight

    def abort(self) -> None:
        """Give up the hits in flight, after `stop`."""
        now = self._clock()
        for connection in self._pool.busy():
            self._give_up(connection, ABORTED, now)
        self._finish_if_done()

    def close(self) -> None:
        """Close all connections and alarms; the attacker is of no more use."""
        self._running = False
        self._wake.close()
        self._deadline.close()
        self._pool.close()

    def book(self) -> None:
        """Bring the recorder up to date: hits that have become due, and bytes that have been received."""
        if self._running and self._pacer:
            self._advance(self._clock())
        self._book_planned()
        self.recorder.bytes_in += self._pool.take_body_bytes()
        self.recorder.bytes_out += self._bytes_out
        self._bytes_out = 0

    @property
    def in_flight(self) -> int:
        """How many hits have been sent and have not ended."""
        return self._pool.in_flight

    @property
    def open(self) -> int:
        """How many connections are open."""
        return self._pool.open

    @property
    def waiting(self) -> int:
        """How many hits that are due wait for a connection."""
        return self._tail - self._head

    # What the alarms call

    def _send_due(self) -> None:
        """Send all hits that are due, and set the alarm for the next one."""
        if not self._running:
            return
        now = self._clock()
        if self._pacer is None:
            if now >= self._end:
                self._running = False
            else:
                self._dial_all(now)
                self._wake.set(min(now + REDIAL_DELAY_NS, self._end))
        else:
            self._advance(now)
            self._pump(now)
            if self._running:
                self._set_wake(now)
                self._magazine.refill(self._head, self._tail - self._head, self._epoch_ns)
        self._finish_if_done()

    def _set_wake(self, now: int) -> None:
        """Wake for the next hit, and before that where hits may need a connection that was not opened for them."""
        next_due = self._start + self._assignment.due(self._tail) if self._tail < self._total else None
        if self._is_late and self._head < self._tail:
            look_again = now + LOOK_AGAIN_NS
            next_due = look_again if next_due is None else min(next_due, look_again)
        if next_due is not None:
            self._wake.set(max(next_due, now + WAKE_QUANTUM_NS))

    def _expire(self) -> None:
        """Fail all hits whose time is over, and set the alarm for the first that may be next.

        Nothing is kept per hit for this. The earliest due of all hits that have not ended is known after each look, and
        any hit that comes later is due later; so nothing can expire before that instant plus the timeout.
        """
        now = self._clock()
        limit = now - self._timeout
        earliest = now
        for connection in self._pool.busy():
            if connection.due <= limit:
                self.recorder.messages.setdefault(ErrorKind.TIMEOUT, "no whole response before the hit's time was over")
                self._give_up(connection, TIMED_OUT, now)
            else:
                earliest = min(earliest, connection.due)
        while self._head < self._tail and self._pacer:
            due = self._start + self._assignment.due(self._head)
            if due > limit:
                earliest = min(earliest, due)
                break
            self._skip()
            self._out_of_time(due, now)
        self._deadline.set(earliest + self._timeout)
        if self._running:
            self._refill(now)
        self._finish_if_done()

    # What connections and the dialer call

    def connected(self, connection: Connection) -> None:
        """See `ConnectionOwner`."""
        now = self._clock()
        self._pool.dialed(connection, now)
        self.recorder.opened(now)
        if not self._running:
            connection.close()
        elif now < self._until or self._head < self._tail:
            self._send(connection, now)
            self._refill(now)
        else:
            self._rest(connection, now)

    def dial_failed(self, kind: ErrorKind, message: str) -> None:
        """The hit that has waited longest fails with the connection that it would have used."""
        now = self._clock()
        self._pool.dialed(None, now)
        if not self._running:
            return
        if self._pacer is None:
            self._tail = self._tail + 1
            self._skip()
            self.recorder.planned(now - self._start, 1)
            self.recorder.failed(kind, message, now, now)
            # Not dialed again at once: with nobody there, that would be all this worker does.
        elif self._head < self._tail:
            due = self._start + self._assignment.due(self._head)
            self._skip()
            self.recorder.failed(kind, message, due, now)
            self._pump(now)
        self._finish_if_done()

    def hit_done(self, connection: Connection, status: int, at_ns: int | None = None) -> None:
        """See `ConnectionOwner`; this is the hot path."""
        clock, append_end, append_sent, append_code, append_due = self._ending
        now = clock() if at_ns is None else at_ns
        append_end(now)
        append_sent(connection.sent)
        append_code(status + connection.mark)
        if append_due is not None:
            append_due(connection.due)
        connection.seq = NO_HIT
        if connection.closing or not self._running:
            self._without(connection, now)
        elif now < self._until or self._head < self._tail:
            self._send(connection, now)
        else:
            self._rest(connection, now)

    def check_failed(self, message: str) -> None:
        """See `ConnectionOwner`."""
        self.recorder.messages.setdefault(ErrorKind.CHECK, message)

    def hit_failed(self, connection: Connection, kind: ErrorKind, message: str) -> None:
        """See `ConnectionOwner`."""
        now = self._clock()
        self.recorder.failed(kind, message, connection.due, now, mark=connection.mark)
        connection.seq = NO_HIT
        self._without(connection, now)

    def disconnected(self, connection: Connection) -> None:
        """See `ConnectionOwner`."""
        now = self._clock()
        self._pool.discard(connection)
        self.recorder.closed(now)
        if self._running:
            self._refill(now)

    # Inside

    def _advance(self, now: int) -> None:
        """Let the hits that are due by now join the queue."""
        tail = self._assignment.due_count(now - self._start)
        self._is_late = tail > self._tail and now - self._start - self._assignment.due(self._tail) > LATE_NS
        self._tail = tail

    def _pump(self, now: int) -> None:
        """Send hits that are due while there are idle connections; open more if hits are left over."""
        while self._head < self._tail:
            connection = self._pool.take(now)
            if connection is None:
                self._dial_for_waiting(now)
                return
            self._send(connection, now)

    def _dial_for_waiting(self, now: int) -> None:
        """Hits wait, and no connection is free: open some, or note that there may be no more."""
        dialing = self._pool.dialing
        if self._pool.room > 0:
            is_stuck = now - self._start - self._assignment.due(self._head) > STUCK_NS
            if is_stuck or not self._pool.open or not (self._is_late or self._has_enough(now)):
                self._pool.dial(self._tail - self._head - dialing, now)
        elif self._tail > self._waited:
            # Each hit counts once, whether it finds all connections busy when it is due or still waits later.
            short = max(0, self._tail - self._head - dialing)
            self.recorder.waited(now, min(short, self._tail - max(self._waited, self._head)))
            self._waited = self._tail

    def _has_enough(self, now: int) -> bool:
        """Whether there are connections enough for the rate, as far as the last answers tell.

        By the quickest of these, because the others may have waited for this worker; connections whose hit has been in
        flight for much longer are with the target, which is not as quick with all of them, and do not count.
        """
        quickest_ns = self.recorder.quickest_ns()
        if quickest_ns is None:
            return False
        needed = NEAR_DIALS + SPARE * self._peak * quickest_ns / SECOND
        if self._pool.open < needed:
            return False
        since = now - max(SLOW_NS, SPARE * quickest_ns)
        return sum(connection.sent >= since for connection in self._pool.busy()) >= needed

    def _send(self, connection: Connection, now: int) -> None:
        """Send the hit at the head of the queue: the hot path."""
        clock, rounds, next_round, append_sent, append_due, pacer = self._sending
        i = self._head
        seq = self._first + i * self._step
        if not rounds:
            try:
                self._magazine.load(i, self._tail - i, self._payload_now(now))
            except PayloadFailure as failure:
                self._idle_append(connection)
                self._on_failure(str(failure))
                return
        self._head = i + 1
        wire, is_bodyless, body_bytes, connection.mark = next_round()
        if is_bodyless:
            connection.expect_no_body()
        connection.seq = seq
        connection.sent = sent = clock()
        append_sent(sent)
        if pacer is None:
            self._tail = i + 1
            connection.due = sent
        else:
            connection.due = due = self._start + pacer.due(seq)
            append_due(due)
        write = connection.write
        write(wire)
        if body_bytes:
            self._bytes_out += body_bytes

    def _payload_now(self, now: int) -> int:
        """What payloads count from: the start of the attack if they have a time of their own, else the present."""
        if self._pacer is not None or self._has_own_time:
            return self._epoch_ns
        return self._epoch_ns + now - self._start

    def _skip(self) -> None:
        """The hit at the head of the queue ends without being sent."""
        self._head += 1
        self._magazine.skip()

    def _rest(self, connection: Connection, now: int) -> None:
        """There is nothing to be sent on a connection that is free."""
        if self._pacer is None:
            self._running = False
            self._finish_if_done()
        else:
            connection.idle_since = now
            self._idle_append(connection)
            if self._head == self._total:
                self._finish_if_done()

    def _without(self, connection: Connection, now: int) -> None:
        """A hit has ended and its connection is gone, or not needed any more."""
        if self._running:
            self._refill(now)
        else:
            connection.close()
        self._finish_if_done()

    def _refill(self, now: int) -> None:
        """A connection may have become free, or gone."""
        if self._pacer is None:
            self._dial_all(now)
        else:
            self._pump(now)

    def _dial_all(self, now: int) -> None:
        self._pool.dial(self._pool.max_connections, now)

    def _give_up(self, connection: Connection, status: int, now: int) -> None:
        """End a hit in flight without its response."""
        self.recorder.given_up(status + connection.mark, connection.due, connection.sent, now)
        connection.seq = NO_HIT
        connection.close()

    def _out_of_time(self, due: int, now: int) -> None:
        if self._pool.dialing and not self._pool.open:
            self.recorder.out_of_time(ErrorKind.CONNECT, "no connection could be opened in time", due, now)
        else:
            self.recorder.out_of_time(ErrorKind.QUEUED, "all connections were busy until the time was over", due, now)

    def _book_planned(self) -> None:
        """Book the hits that became due, into the seconds in which they did."""
        for due, count in self._assignment.by_second(self._booked, self._tail):
            self.recorder.planned(due, count)
        self._booked = self._tail

    def _finish_if_done(self) -> None:
        if self._ended or (self._running and (self._pacer is None or self._head < self._total)):
            return
        if self._pool.is_busy():
            return
        self._ended = True
        self._running = False
        self._on_done()
