"""What a worker measures: appended per hit, booked in bulk, handed over as parts of seconds.

Measured on one core: the appends of one hit take 0.2 µs, and booking in batches of a thousand 0.2 µs a hit; updating
three histograms hit by hit would take 9 µs.
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from load_tester.domain.duration import SECOND
from load_tester.domain.histogram import Histogram, delta_of
from load_tester.domain.metrics import Counts, ErrorKind, Second, TargetPart
from load_tester.engine.end_code import ABORTED, TIMED_OUT, End, mark, read

QUICK_SAMPLE: Final = 16
NO_TIMES: Final = np.zeros(0, np.int64)
_NOTHING: Final[Mapping[int, frozenset[int]]] = MappingProxyType({})


class _TargetTally:
    """What one second's hits of one target came to, while it grows; times are kept until they are taken."""

    __slots__ = ("counts", "latencies", "response_times")

    def __init__(self) -> None:
        self.counts = Counts()
        self.latencies: list[NDArray[np.int64]] = []
        self.response_times: list[NDArray[np.int64]] = []

    def take(self) -> TargetPart:
        return TargetPart(
            self.counts,
            delta_of(np.concatenate(self.latencies) if self.latencies else NO_TIMES),
            delta_of(np.concatenate(self.response_times) if self.response_times else NO_TIMES),
        )


class _Tally:
    """One second's counts and histograms while they grow."""

    __slots__ = ("counts", "lag", "latency", "response_time", "targets")

    def __init__(self) -> None:
        self.counts = Counts()
        self.latency = Histogram()
        self.response_time = Histogram()
        self.lag = Histogram()
        self.targets: dict[int, _TargetTally] = {}

    def target(self, place: int) -> _TargetTally:
        """The tally of the target at that place."""
        tally = self.targets.get(place)
        if tally is None:
            tally = self.targets[place] = _TargetTally()
        return tally

    def take(self, second: int, names: tuple[str, ...]) -> Second:
        counts, self.counts = self.counts, Counts()
        targets = {names[place]: tally.take() for place, tally in sorted(self.targets.items())}
        self.targets.clear()
        return Second(second, counts, self.latency.take(), self.response_time.take(), self.lag.take(), targets)


class Recorder:
    """Books the hits of one worker; owned by its attacker, and used from one thread.

    The hot path appends to `dues` and `sents` when a hit is sent, and to `end_dues`, `end_sents`, `ends`, `codes` when
    it ends with a response or is given up: instants of the clock that `start_ns` was read from, and an `end_code`.
    `flush` books them; it must be called several times a second. `bytes_in`, `bytes_out` are added to directly. With
    `unscheduled` every hit counts as planned, and due, when it is sent; `dues` and `end_dues` are not used.

    `targets`, `expected` and `expected_of` are the targeter's: what hits are counted as besides, and the statuses that
    are successes.
    """

    def __init__(
        self,
        start_ns: int,
        targets: tuple[str, ...] = (),
        expected: frozenset[int] | None = None,
        expected_of: Mapping[int, frozenset[int]] = _NOTHING,
        *,
        unscheduled: bool = False,
    ) -> None:
        self.start_ns = start_ns
        self.targets = targets
        self.expected = expected
        self.expected_of = expected_of
        # Targets of one name are counted at the place of the first of them.
        first = {name: place for place, name in reversed(tuple(enumerate(targets)))}
        self._places = np.array([first[name] for name in targets], np.int64)
        self._unscheduled = unscheduled
        self.dues: list[int] = []
        self.sents: list[int] = []
        self.end_dues: list[int] = []
        self.end_sents: list[int] = []
        self.ends: list[int] = []
        self.codes: list[int] = []
        self.bytes_in = 0
        self.bytes_out = 0
        self.messages: dict[str, str] = {}
        self._tallies: dict[int, _Tally] = {}
        self._newest = 0
        self._quickest_ns: int | None = None
        self._spare: list[_Tally] = []

    @property
    def pending(self) -> int:
        """How many events wait to be booked."""
        return len(self.sents) + len(self.ends)

    def quickest_ns(self) -> int | None:
        """How long the quickest answer took of those that were booked last; the others may have waited for this worker.

        Before any was booked, of those that are waiting for it; `None` if there are only a few.
        """
        if self._quickest_ns is None and len(self.ends) >= QUICK_SAMPLE:
            return min(end - sent for end, sent in zip(self.ends, self.end_sents, strict=True))
        return self._quickest_ns

    def planned(self, at_ns: int, count: int) -> None:
        """Count hits that became due at `at_ns` after the start, or within the same second as that."""
        self._tally(at_ns).counts.planned += count

    def opened(self, now_ns: int) -> None:
        """Count a connection that was opened."""
        self._tally(now_ns - self.start_ns).counts.opened += 1

    def closed(self, now_ns: int) -> None:
        """Count a connection that was closed."""
        self._tally(now_ns - self.start_ns).counts.closed += 1

    def waited(self, now_ns: int, count: int = 1) -> None:
        """Count hits that have to wait because all connections are busy."""
        self._tally(now_ns - self.start_ns).counts.waited += count

    def failed(self, kind: ErrorKind, message: str, due_ns: int, now_ns: int, *, mark: int | None = None) -> None:
        """Count a hit that ends without a response; `mark` is that of its target, `None` if it was not sent."""
        tally = self._tally(now_ns - self.start_ns)
        counts = tally.counts
        counts.failed += 1
        _count_error(counts, kind, 1)
        counts.end_at = max(counts.end_at, now_ns - self.start_ns)
        self.messages.setdefault(kind, message)
        if mark is not None:
            if self.targets:
                target = tally.target(int(self._places[read(mark).target]))
                target.counts.sent += 1
                target.counts.failed += 1
                _count_error(target.counts, kind, 1)
        else:
            # Its start is the instant it was due: vegeta, whose rate this feeds, starts a hit before connecting.
            counts.unsent += 1
            at = due_ns - self.start_ns
            counts.first_at = at if counts.first_at < 0 else min(counts.first_at, at)
            counts.last_at = max(counts.last_at, at)

    def given_up(self, code: int, due_ns: int, sent_ns: int, now_ns: int) -> None:
        """Append a hit that ends in flight without its response: `TIMED_OUT` or `ABORTED`, with its mark."""
        self.ends.append(now_ns)
        self.end_sents.append(sent_ns)
        self.codes.append(code)
        if not self._unscheduled:
            self.end_dues.append(due_ns)

    def out_of_time(self, kind: ErrorKind, message: str, due_ns: int, now_ns: int) -> None:
        """Count a hit that was never sent and whose time is over; the time it waited is a response time."""
        self.failed(kind, message, due_ns, now_ns)
        self._tally(now_ns - self.start_ns).response_time.record(np.array([now_ns - due_ns], np.int64))

    def aborted_unsent(self, dues: NDArray[np.int64], now_ns: int) -> None:
        """Count hits that were due but not sent when the attack was stopped; the time they waited is a response time.

        `dues` are nanoseconds after the start.
        """
        if dues.size:
            tally = self._tally(now_ns - self.start_ns)
            tally.counts.aborted += dues.size
            tally.counts.end_at = max(tally.counts.end_at, now_ns - self.start_ns)
            tally.response_time.record(now_ns - self.start_ns - dues)

    def flush(self) -> None:
        """Book everything appended so far."""
        if self.sents:
            sents = _drained(self.sents) - self.start_ns
            # Without a schedule a hit is due when it is sent, and `dues` and `end_dues` stay empty.
            lags = np.zeros_like(sents) if self._unscheduled else sents - (_drained(self.dues) - self.start_ns)
            for tally, part in self._by_second(sents):
                _book_sent(tally, sents[part], lags[part])
                if self._unscheduled:
                    tally.counts.planned += part.stop - part.start
        if self.ends:
            ends = _drained(self.ends) - self.start_ns
            latencies = ends - (_drained(self.end_sents) - self.start_ns)
            self._quickest_ns = int(latencies.min())
            response_times = None if self._unscheduled else ends - (_drained(self.end_dues) - self.start_ns)
            codes = self.codes.copy()
            self.codes.clear()
            for tally, part in self._by_second(ends):
                tally.counts.end_at = max(tally.counts.end_at, int(ends[part.stop - 1]))
                self._book_ends(
                    tally, codes[part], latencies[part], (latencies if response_times is None else response_times)[part]
                )
        if self.bytes_in or self.bytes_out:
            # Booked into the newest second that is known: their sum is exact, their second may be behind by one in
            # which nothing else happened, but never one that was handed over before a later one.
            counts = self._tally(max(self._tallies, default=self._newest) * SECOND).counts
            counts.bytes_in += self.bytes_in
            counts.bytes_out += self.bytes_out
            self.bytes_in = self.bytes_out = 0

    def take(self) -> tuple[Second, ...]:
        """Everything booked since the last call, one part a second, leaving nothing behind."""
        self.flush()
        self._newest = max(self._tallies, default=self._newest)
        seconds = tuple(tally.take(second, self.targets) for second, tally in sorted(self._tallies.items()))
        self._spare.extend(self._tallies.values())
        self._tallies.clear()
        return seconds

    def _book_ends(
        self, tally: _Tally, codes: list[int], latencies: NDArray[np.int64], response_times: NDArray[np.int64]
    ) -> None:
        """Book the ends of hits within one second."""
        numbers = [(read(code), number) for code, number in Counter(codes).items()]
        for end, number in numbers:
            self._count(tally.counts, end, number)
        # Nearly always all of them are answers, and of one target: then nothing has to be picked out.
        answers = None if all(end.is_answer for end, _ in numbers) else _are_answers(codes)
        tally.latency.record(latencies if answers is None else latencies[answers])
        tally.response_time.record(response_times)
        if not self.targets:
            return
        places: set[int] = set()
        for end, number in numbers:
            place = int(self._places[end.target])
            places.add(place)
            target = tally.target(place)
            target.counts.sent += number
            self._count(target.counts, end, number)
        of_hits = self._places[np.array(codes) // mark(1)] if len(places) > 1 else None
        for place in places:
            chosen = slice(None) if of_hits is None else of_hits == place
            answered = chosen if answers is None else answers & (of_hits == place if of_hits is not None else True)
            target = tally.target(place)
            target.latencies.append(latencies[answered])
            target.response_times.append(response_times[chosen])

    def _count(self, counts: Counts, end: End, number: int) -> None:
        """Count hits that ended alike."""
        if end.status == TIMED_OUT:
            counts.failed += number
            _count_error(counts, ErrorKind.TIMEOUT, number)
        elif end.status == ABORTED:
            counts.aborted += number
        else:
            counts.answered += number
            counts.status_codes[end.status] = counts.status_codes.get(end.status, 0) + number
            expected = self.expected_of.get(end.target, self.expected)
            is_wanted = 200 <= end.status < 400 if expected is None else end.status in expected
            if expected is not None and not is_wanted:
                _count_error(counts, ErrorKind.STATUS, number)
                self.messages.setdefault(ErrorKind.STATUS, f"the status was {end.status}, which is not expected")
            elif end.check_failed:
                _count_error(counts, ErrorKind.CHECK, number)
            elif is_wanted:
                counts.successes += number

    def _tally(self, at_ns: int) -> _Tally:
        second = max(0, at_ns) // SECOND
        tally = self._tallies.get(second)
        if tally is None:
            tally = self._tallies[second] = self._spare.pop() if self._spare else _Tally()
        return tally

    def _by_second(self, instants: NDArray[np.int64]) -> list[tuple[_Tally, slice]]:
        """The parts of an array of instants, in order of time, that fall into the same second."""
        first, last = int(instants[0]) // SECOND, int(instants[-1]) // SECOND
        if first == last:
            return [(self._tally(first * SECOND), slice(0, len(instants)))]
        bounds = np.searchsorted(instants, np.arange(first + 1, last + 1) * SECOND)
        edges = [0, *(int(bound) for bound in bounds), len(instants)]
        return [
            (self._tally((first + k) * SECOND), slice(edges[k], edges[k + 1]))
            for k in range(len(edges) - 1)
            if edges[k] < edges[k + 1]
        ]


def _drained(values: list[int]) -> NDArray[np.int64]:
    """The values as an array, leaving the list empty. Faster in all than appending to an `array.array`."""
    drained = np.fromiter(values, np.int64, len(values))
    values.clear()
    return drained


def _book_sent(tally: _Tally, sents: NDArray[np.int64], lags: NDArray[np.int64]) -> None:
    counts = tally.counts
    counts.sent += len(sents)
    first, last = int(sents[0]), int(sents[-1])
    counts.first_at = first if counts.first_at < 0 else min(counts.first_at, first)
    counts.last_at = max(counts.last_at, last)
    tally.lag.record(lags)


def _are_answers(codes: list[int]) -> NDArray[np.bool_]:
    return np.array([read(code).is_answer for code in codes])


def _count_error(counts: Counts, kind: ErrorKind, number: int) -> None:
    counts.errors[kind] = counts.errors.get(kind, 0) + number
