"""Requests made a few ahead of when they are sent.

What a payload takes for now is when its hit is due, which is known beforehand; so nothing is different in a payload
that is made early. Making a dozen in a row takes half the time of making each between two system calls, when neither
the processor's caches nor its branch predictor remember how. It also happens after what was due has been sent, so that
hits seldom wait for their payload; and while hits wait for a connection, so that a queue is worked off as fast as it
can be sent: after a stall of 1 s at 1 000/s, 8 µs a hit instead of 16.
"""

from collections import deque
from typing import Final

from load_tester.domain.duration import MICROSECOND, SECOND
from load_tester.domain.request import Sendable
from load_tester.engine.assignment import Assignment, Payloads
from load_tester.engine.transport import Round

AHEAD: Final = 16
"""So many are made in a row: enough for the caches, and not so many that a hit has to wait long for them."""
AHEAD_WITHIN_NS: Final = 200 * MICROSECOND
"""Only where hits are closer than this, or wait: otherwise time is not what there is too little of."""
READY_BYTES: Final = 4 * 1024 * 1024
"""For hits that wait, so much is kept ready at most."""


class PayloadFailure(Exception):
    """A request could not be made; the message names the hit and the reason."""


class Magazine:
    """The requests of one share, in order; owned by its attacker.

    `rounds` holds those that are ready, that of the next hit at its left end. Whoever finds it empty calls `load`; a
    hit that is given up before it could be sent is skipped.
    """

    def __init__(self, payloads: Payloads, assignment: Assignment) -> None:
        self.rounds: deque[Round] = deque()
        self._make_request = payloads.make_request
        self._encode = payloads.encode
        # By identity, which is theirs alone as long as they live: comparing them would take longer than writing them.
        self._repeated = payloads.repeated
        self._written = {id(request): payloads.encode(request) for request in self._repeated}
        self._step_ns = payloads.step_ns
        self._assignment = assignment
        self._total = assignment.total
        self._failure: tuple[int, BaseException] | None = None
        self._last: Sendable | None = None
        self._last_round = Round(b"", is_bodyless=False, body_bytes=0)
        self._most = AHEAD if payloads.ahead else 1
        self._ahead = self._most if assignment.peak >= SECOND / AHEAD_WITHIN_NS else 1

    def load(self, i: int, waiting: int, now_ns: int) -> None:
        """Make the request of hit `i` of the share, and some of those that follow; nothing must be ready.

        More than one is made where hits are close to each other, or where `waiting` hits are due already. `now_ns` is
        what counts as now for payloads without a schedule; with one, what counts as it at the start.

        Raises:
            PayloadFailure: the test type, or writing its request, raised.
        """
        if self._failure is None:
            self._make(i, min(self._most, max(self._ahead, waiting)), now_ns)
        if not self.rounds and self._failure is not None:
            failed, error = self._failure
            raise PayloadFailure(f"the payload of hit {failed} could not be made: {type(error).__name__}: {error}")

    def skip(self) -> None:
        """The next hit will not be sent."""
        if self.rounds:
            self.rounds.popleft()

    def refill(self, i: int, waiting: int, now_ns: int) -> None:
        """Use a quiet moment to make a few of the requests that come next, there being a schedule.

        Hit `i` of the share is the next one; `waiting` hits are due and wait for a connection.
        """
        ready = len(self.rounds)
        if waiting:
            fits = ready * self._last_round.body_bytes < READY_BYTES
            count = min(self._most, waiting - ready) if self._most > 1 and fits else 0
        else:
            count = 0 if ready or self._ahead == 1 else self._ahead
        if count > 0 and i + ready < self._total and self._failure is None:
            self._make(i + ready, count, now_ns)

    def _make(self, first: int, count: int, now_ns: int) -> None:
        share, pacer, step_ns = self._assignment.share, self._assignment.pacer, self._step_ns
        make_request, append, last, last_round = self._make_request, self.rounds.append, self._last, self._last_round
        written = self._written.get
        end = min(first + count, self._total) if pacer else first + count
        seqs = range(share.first + first * share.step, share.first + end * share.step, share.step)
        seq = seqs[0]
        try:
            for seq in seqs:
                request = make_request(seq, now_ns + (pacer.due(seq) if pacer else seq * step_ns))
                if request is not last:
                    last_round = written(id(request)) or self._encode(request)
                    last = request
                append(last_round)
        except BaseException as error:  # noqa: BLE001  # a test type may raise anything, even SystemExit; the run says what
            self._failure = (seq, error)
        self._last, self._last_round = last, last_round
