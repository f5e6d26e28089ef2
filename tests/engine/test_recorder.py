"""The recorder books in bulk; these tests book the same events one by one, and the figures must be the same."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import SECOND
from load_tester.domain.histogram import Histogram
from load_tester.domain.metrics import Counts, ErrorKind, Metrics, Second
from load_tester.engine.end_code import ABORTED, CHECK_FAILED, TIMED_OUT, mark
from load_tester.engine.recorder import Recorder

START = 10**15
"""The instant of the clock at which the attacks begin."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 999, 10**6, 3 * 10**8, SECOND - 1, SECOND, 2 * SECOND + 5]),
        st.one_of(
            st.tuples(st.just("send"), st.integers(0, SECOND)),
            st.tuples(st.just("end"), st.sampled_from([200, 204, 302, 404, 503, TIMED_OUT, ABORTED])),
            st.tuples(st.just("fail"), st.sampled_from([ErrorKind.RESET, ErrorKind.CLOSED])),
            st.tuples(st.just("unsent"), st.integers(0, SECOND)),
            st.tuples(st.just("out_of_time"), st.integers(0, 2 * SECOND)),
            st.tuples(st.just("aborted_unsent"), st.lists(st.integers(0, SECOND), max_size=3)),
            st.tuples(st.just("opened"), st.none()),
            st.tuples(st.just("closed"), st.none()),
            st.tuples(st.just("waited"), st.integers(1, 5)),
            st.tuples(st.just("planned"), st.integers(1, 5)),
            st.tuples(st.just("flush"), st.none()),
            st.tuples(st.just("take"), st.none()),
        ),
    ),
    max_size=60,
)
"""What happens, each with how long after the step before it."""


@dataclass
class Books:
    """One second, booked event by event: the counts, and every single time."""

    counts: Counts = field(default_factory=Counts)
    latency: list[int] = field(default_factory=list)
    response_time: list[int] = field(default_factory=list)
    lag: list[int] = field(default_factory=list)

    def began(self, at: int) -> None:
        """A hit was sent, or was due and could not be."""
        counts = self.counts
        counts.first_at = at if counts.first_at < 0 else min(at, counts.first_at)
        counts.last_at = max(at, counts.last_at)

    def failed(self, kind: ErrorKind, at: int) -> None:
        """A hit ended without a response."""
        self.counts.failed += 1
        self.counts.errors[kind] = self.counts.errors.get(kind, 0) + 1
        self.counts.end_at = max(at, self.counts.end_at)


class Oracle:
    """Books every event when it happens, in the second in which it happens; instants are those from the start."""

    def __init__(self) -> None:
        self.seconds: defaultdict[int, Books] = defaultdict(Books)

    def at(self, ns: int) -> Books:
        """The books of the second of an instant."""
        return self.seconds[ns // SECOND]

    def sent(self, due: int, now: int) -> None:
        """A hit was sent."""
        books = self.at(now)
        books.counts.sent += 1
        books.lag.append(now - due)
        books.began(now)

    def ended(self, due: int, sent: int, now: int, status: int) -> None:
        """A hit that had been sent ended: with a response, out of time, or aborted."""
        books = self.at(now)
        books.response_time.append(now - due)
        books.counts.end_at = max(now, books.counts.end_at)
        if status == TIMED_OUT:
            books.failed(ErrorKind.TIMEOUT, now)
        elif status == ABORTED:
            books.counts.aborted += 1
        else:
            books.latency.append(now - sent)
            books.counts.answered += 1
            books.counts.successes += 200 <= status < 400
            books.counts.status_codes[status] = books.counts.status_codes.get(status, 0) + 1

    def unsent(self, kind: ErrorKind, due: int, now: int) -> None:
        """A hit failed that had never been sent."""
        self.at(now).failed(kind, now)
        self.at(now).counts.unsent += 1
        self.at(now).began(due)


def histogram_of(values: list[int]) -> Histogram:
    """A histogram that was filled value by value."""
    histogram = Histogram()
    for value in values:
        histogram.record(np.array([value], np.int64))
    return histogram


def same(parts: list[Second], oracle: Oracle) -> None:
    """The parts of each second, merged, are what the oracle has booked."""
    merged: dict[int, Second] = {}
    for part in parts:
        merged[part.second] = merged[part.second].merge(part) if part.second in merged else part
    assert sorted(merged) == sorted(oracle.seconds)
    for number, second in merged.items():
        books = oracle.seconds[number]
        assert second.counts == books.counts
        assert second.latency == histogram_of(books.latency).delta()
        assert second.response_time == histogram_of(books.response_time).delta()
        assert second.lag == histogram_of(books.lag).delta()


class Scene:
    """Plays the same steps to a recorder and to the oracle."""

    def __init__(self) -> None:
        self.recorder = Recorder(START)
        self.oracle = Oracle()
        self.parts: list[Second] = []
        self.in_flight: list[tuple[int, int]] = []
        self.now = 0

    def play(self, steps: list[tuple[int, tuple[str, Any]]]) -> None:
        """Play the steps, then take what is left."""
        for wait, (action, argument) in steps:
            self.now += wait
            if action in {"flush", "take"}:
                self.parts += self.recorder.take() if action == "take" else ()
                self.recorder.flush()
            elif action in {"end", "fail"}:
                if self.in_flight:
                    getattr(self, action)(argument, *self.in_flight.pop(0))
            else:
                getattr(self, action)(argument)
        self.parts += self.recorder.take()

    def due(self, ago: int) -> int:
        """An instant so long ago, but within the attack."""
        return max(0, self.now - ago)

    def send(self, lag: int) -> None:
        """A hit is sent."""
        due = self.due(lag)
        self.recorder.dues.append(START + due)
        self.recorder.sents.append(START + self.now)
        self.oracle.sent(due, self.now)
        self.in_flight.append((due, self.now))

    def end(self, status: int, due: int, sent: int) -> None:
        """The oldest hit in flight ends."""
        self.recorder.end_dues.append(START + due)
        self.recorder.end_sents.append(START + sent)
        self.recorder.ends.append(START + self.now)
        self.recorder.codes.append(status)
        self.oracle.ended(due, sent, self.now, status)

    def fail(self, kind: ErrorKind, due: int, sent: int) -> None:
        """The oldest hit in flight fails."""
        self.recorder.failed(kind, "why", START + due, START + self.now, mark=0)
        self.oracle.at(self.now).failed(kind, self.now)

    def unsent(self, ago: int) -> None:
        """A hit fails for want of a connection."""
        self.recorder.failed(ErrorKind.REFUSED, "why", START + self.due(ago), START + self.now)
        self.oracle.unsent(ErrorKind.REFUSED, self.due(ago), self.now)

    def out_of_time(self, ago: int) -> None:
        """A hit's time is over before it is sent."""
        self.recorder.out_of_time(ErrorKind.QUEUED, "why", START + self.due(ago), START + self.now)
        self.oracle.unsent(ErrorKind.QUEUED, self.due(ago), self.now)
        self.oracle.at(self.now).response_time.append(self.now - self.due(ago))

    def aborted_unsent(self, waits: list[int]) -> None:
        """A stop aborts hits that were due."""
        dues = [self.due(ago) for ago in waits]
        self.recorder.aborted_unsent(np.array(dues, np.int64), START + self.now)
        for due in dues:
            books = self.oracle.at(self.now)
            books.counts.aborted += 1
            books.counts.end_at = max(self.now, books.counts.end_at)
            books.response_time.append(self.now - due)

    def opened(self, _: None) -> None:
        """A connection is opened."""
        self.recorder.opened(START + self.now)
        self.oracle.at(self.now).counts.opened += 1

    def closed(self, _: None) -> None:
        """A connection is closed."""
        self.recorder.closed(START + self.now)
        self.oracle.at(self.now).counts.closed += 1

    def waited(self, count: int) -> None:
        """Hits find all connections busy."""
        self.recorder.waited(START + self.now, count)
        self.oracle.at(self.now).counts.waited += count

    def nothing(self, _: None) -> None:
        """Time passes."""

    def planned(self, count: int) -> None:
        """Hits become due."""
        self.recorder.planned(self.now, count)
        self.oracle.at(self.now).counts.planned += count


@given(STEPS)
def test_booking_in_bulk_is_booking_one_by_one(steps: list[tuple[int, tuple[str, Any]]]) -> None:
    """Whenever it is flushed and taken, and however events straddle seconds, counts and histograms are the same."""
    scene = Scene()
    scene.play(steps)
    same(scene.parts, scene.oracle)


@given(STEPS)
def test_nothing_is_left_behind_by_taking(steps: list[tuple[int, tuple[str, Any]]]) -> None:
    """What was taken is not there any more, and the totals do not depend on when it was taken."""
    once, often = Scene(), Scene()
    once.play([(wait, what if what[0] not in {"flush", "take"} else ("nothing", None)) for wait, what in steps])
    often.play(steps)
    assert once.recorder.take() == often.recorder.take() == ()
    totals = [Metrics(), Metrics()]
    for metrics, scene in zip(totals, (once, often), strict=True):
        for part in scene.parts:
            metrics.add(part)
    assert totals[0].figures() == totals[1].figures()


@given(st.lists(st.tuples(st.integers(0, 2 * SECOND), st.integers(0, SECOND), st.booleans()), max_size=40))
def test_without_a_schedule_a_hit_is_due_when_it_is_sent(hits: list[tuple[int, int, bool]]) -> None:
    """It is planned in the second in which it is sent, has no lag, and responds in its latency."""
    recorder, oracle, now = Recorder(START, unscheduled=True), Oracle(), 0
    parts: list[Second] = []
    for wait, latency, is_taken in hits:
        now += wait
        recorder.sents.append(START + now)
        oracle.sent(now, now)
        oracle.at(now).counts.planned += 1
        recorder.end_sents.append(START + now)
        now += latency
        recorder.ends.append(START + now)
        recorder.codes.append(200)
        oracle.ended(now - latency, now - latency, now, 200)
        parts += recorder.take() if is_taken else ()
    same([*parts, *recorder.take()], oracle)


@given(st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(0, 100), st.booleans(), st.booleans())))
def test_bytes_are_never_booked_into_a_second_that_is_over(steps: list[tuple[int, int, bool, bool]]) -> None:
    """Their sum is exact, and a second that was handed over before a later one does not change any more."""
    recorder, now, total, newest, received = Recorder(START), 0, 0, 0, 0
    for wait, size, something_happens, is_taken in [*steps, (0, 0, False, True)]:
        now += wait
        if something_happens:
            recorder.opened(START + now)
        recorder.bytes_in += size
        total += size
        if is_taken:
            for part in recorder.take():
                received += part.counts.bytes_in
                assert part.second >= newest or not part.counts.bytes_in
                newest = max(newest, part.second)
    assert received == total


def test_the_first_message_of_each_kind_is_kept() -> None:
    """Later ones of the same kind say the same at more length."""
    recorder = Recorder(START)
    for kind, message in ((ErrorKind.RESET, "a"), (ErrorKind.RESET, "b"), (ErrorKind.REFUSED, "c")):
        recorder.failed(kind, message, START, START, mark=0)
    assert recorder.messages == {"reset": "a", "refused": "c"}


@pytest.mark.parametrize(("status", "latencies"), [(200, 1), (404, 1), (TIMED_OUT, 0), (ABORTED, 0)])
def test_latency_covers_answers_only_and_response_time_also_those_who_waited_in_vain(
    status: int, latencies: int
) -> None:
    """Leaving out the hits that timed out or were aborted would make the target look better than it is."""
    recorder = Recorder(START)
    recorder.dues.append(START)
    recorder.sents.append(START + 5)
    recorder.end_dues.append(START)
    recorder.end_sents.append(START + 5)
    recorder.ends.append(START + 5_000_005)
    recorder.codes.append(status)
    assert recorder.pending == 2
    (second,) = recorder.take()
    assert recorder.pending == 0
    assert (second.latency.total, second.response_time.total, second.lag.total) == (latencies, 1, 1)
    assert second.response_time.max == 5_000_005
    assert second.latency.max == 5_000_000 * latencies


def ended(recorder: Recorder, at: int, code: int, latency: int = 1_000_000) -> None:
    """A hit that was due and sent at the same instant, and ended."""
    recorder.end_dues.append(START + at - latency)
    recorder.end_sents.append(START + at - latency)
    recorder.ends.append(START + at)
    recorder.codes.append(code)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.booleans(),
            st.sampled_from([200, 302, 404, 503, TIMED_OUT, ABORTED]),
            st.integers(1, 10**9),
            st.booleans(),
        ),
        max_size=40,
    ),
    st.sampled_from([None, frozenset({200, 404})]),
)
def test_targets_are_told_apart_and_add_up(
    hits: list[tuple[int, bool, int, int, bool]], expected: frozenset[int] | None
) -> None:
    """Each target has the figures that a recorder of its hits alone would have; together they are those of all."""
    names = ("a", "b", "c", "d")
    together = Recorder(START, names, expected)
    alone = {name: Recorder(START, (), expected) for name in names}
    at = 0
    parts: list[Second] = []
    for target, check_failed, status, latency, is_taken in hits:
        at += latency
        failed = CHECK_FAILED if check_failed and status >= 100 else 0
        ended(together, at, mark(target) + failed + status, latency)
        ended(alone[names[target]], at, failed + status, latency)
        parts += together.take() if is_taken else ()
    parts += together.take()
    merged: dict[int, Second] = {}
    for part in parts:
        merged[part.second] = merged[part.second].merge(part) if part.second in merged else part
    totals = {name: alone[name].take() for name in names}
    for name in names:
        assert [second.targets[name].latency for second in merged.values() if name in second.targets] == [
            second.latency for second in totals[name]
        ]
        for second in totals[name]:
            target_part = merged[second.second].targets[name]
            assert target_part.response_time == second.response_time
            counts, own = target_part.counts, second.counts
            assert (counts.answered, counts.failed, counts.aborted) == (own.answered, own.failed, own.aborted)
            assert (counts.successes, counts.errors, counts.status_codes) == (
                own.successes,
                own.errors,
                own.status_codes,
            )
            assert counts.sent == own.answered + own.failed + own.aborted
    for second in merged.values():
        assert second.counts.successes == sum(part.counts.successes for part in second.targets.values())
        assert second.counts.answered == sum(part.counts.answered for part in second.targets.values())


def test_a_hit_that_fails_is_of_its_target() -> None:
    """One that was sent; of one that was not, nobody knows what it would have been."""
    recorder = Recorder(START, ("a", "b"))
    recorder.failed(ErrorKind.RESET, "why", START, START + 5, mark=mark(1))
    recorder.failed(ErrorKind.REFUSED, "why", START, START + 5)
    (second,) = recorder.take()
    assert second.targets.keys() == {"b"}
    assert second.targets["b"].counts == Counts(sent=1, failed=1, errors={"reset": 1})
    assert second.counts.errors == {"reset": 1, "refused": 1}


@pytest.mark.parametrize(
    ("expected", "code", "successes", "errors"),
    [
        (None, 200, 1, {}),
        (None, 302, 1, {}),
        (None, 404, 0, {}),
        (None, 200 + CHECK_FAILED, 0, {"check": 1}),
        (frozenset({404}), 404, 1, {}),
        (frozenset({404}), 200, 0, {"status": 1}),
        (frozenset({404}), 200 + CHECK_FAILED, 0, {"status": 1}),
        (frozenset({404}), 404 + CHECK_FAILED, 0, {"check": 1}),
    ],
)
def test_what_is_not_as_expected_is_an_answer_but_no_success(
    expected: frozenset[int] | None, code: int, successes: int, errors: dict[str, int]
) -> None:
    """Answers stay answers, with their times; what the test type expects decides whether they are successes."""
    recorder = Recorder(START, (), expected)
    ended(recorder, 1_000_000, code)
    (second,) = recorder.take()
    assert (second.counts.answered, second.counts.successes, second.counts.errors) == (1, successes, errors)
    assert second.latency.total == second.response_time.total == 1
    assert ("status" in recorder.messages) == ("status" in errors)


def test_a_target_may_expect_other_statuses_than_the_rest() -> None:
    """What is expected of it takes the place of what is expected of all."""
    recorder = Recorder(START, ("a", "b"), frozenset({200}), {1: frozenset({404})})
    for target, status in ((0, 200), (0, 404), (1, 200), (1, 404), (1, 404)):
        ended(recorder, 1_000_000, mark(target) + status)
    (second,) = recorder.take()
    assert (second.counts.successes, second.counts.errors) == (3, {"status": 2})
    assert {name: (part.counts.successes, part.counts.errors) for name, part in second.targets.items()} == {
        "a": (1, {"status": 1}),
        "b": (2, {"status": 1}),
    }


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 10**6)), min_size=1, max_size=30))
def test_targets_of_one_name_are_counted_together(hits: list[tuple[int, int]]) -> None:
    """Their figures are those that one target with all of their hits would have."""
    several, one = Recorder(START, ("a", "b", "a", "a")), Recorder(START, ("a", "b"))
    for at, (target, latency) in enumerate(hits, 1):
        ended(several, at * 10**6, mark(target) + 200, latency)
        ended(one, at * 10**6, mark(target % 2 if target < 3 else 0) + 200, latency)
    several.failed(ErrorKind.RESET, "why", START, START + 5, mark=mark(3))
    one.failed(ErrorKind.RESET, "why", START, START + 5, mark=mark(0))
    assert several.take() == one.take()
