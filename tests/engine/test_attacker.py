"""The schedule on virtual time: what is sent when, and how every hit is accounted for."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.metrics import Counts, Figures, Metrics, Second
from load_tester.domain.pacer import ConstantPacer, Share
from load_tester.domain.request import Request
from load_tester.engine.assignment import Assignment, Payloads, Timing
from load_tester.engine.attacker import SPARE, Attacker
from load_tester.engine.http import round_maker
from load_tester.engine.magazine import READY_BYTES
from load_tester.engine.pool import NEAR_DIALS
from load_tester.engine.virtual import OK, VirtualTarget, VirtualTime

START = 2_000 * SECOND
EPOCH = 1_700_000_000 * SECOND
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Answer = Callable[[int, bytes], tuple[bytes, int] | None]


def after(latency_ns: int, response: bytes = OK) -> Answer:
    """A target that answers every request alike, `latency_ns` after it came."""
    return lambda now, _: (response, now + latency_ns)


@dataclass
class Scene:
    """An attacker, its target, and what it has reported."""

    time: VirtualTime
    target: VirtualTarget
    attacker: Attacker
    done: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    parts: list[Second] = field(default_factory=list)
    requests: list[tuple[int, int]] = field(default_factory=list)

    def run(self, until_ns: int) -> None:
        """Go on until `until_ns` after the start."""
        self.time.run(START + until_ns)

    def metrics(self) -> Metrics:
        """Everything reported so far, added up."""
        self.attacker.book()
        self.parts.extend(self.attacker.recorder.take())
        metrics = Metrics()
        for part in self.parts:
            metrics.add(part)
        return metrics

    def figures(self) -> Figures:
        """The figures so far."""
        return self.metrics().figures()

    def seconds(self) -> dict[int, Counts]:
        """The counts of each second so far."""
        self.metrics()
        counts: dict[int, Counts] = {}
        for part in self.parts:
            counts.setdefault(part.second, Counts()).add(part.counts)
        return counts

    def sent_at(self) -> list[int]:
        """When requests reached the target, in nanoseconds from the start."""
        return [at - START for at, _ in self.target.received]


def scene(  # the knobs of the scenes below
    answer: Answer,
    *,
    rate: int = 1_000,
    duration_ns: int = SECOND,
    timeout_ns: int = 30 * SECOND,
    connections: int = 100,
    connect_ns: int = 0,
    share: Share = Share(0, 1),  # noqa: B008  # immutable
    make_request: Callable[[int, int], Request] | None = None,
    step_ns: int = 0,
    ahead: bool = True,
) -> Scene:
    """An attacker that has been told to start at START; a rate of 0 is unlimited."""
    time = VirtualTime(START - SECOND)
    target = VirtualTarget(time, answer, connect_ns)
    stage: list[Scene] = []

    def request(seq: int, now_ns: int) -> Request:
        stage[0].requests.append((seq, now_ns))
        return make_request(seq, now_ns) if make_request else Request("GET", f"/{seq}")

    def fail(message: str) -> None:
        stage[0].failures.append(message)
        attacker.stop()
        attacker.abort()

    attacker = Attacker(
        Assignment(ConstantPacer(rate, SECOND) if rate else None, share, duration_ns, timeout_ns, connections),
        Payloads(request, round_maker("target", ""), step_ns, ahead),
        Timing(time.clock, time.alarm),
        make_dialer=target.dialer,
        on_done=lambda: stage[0].done.append(time.now_ns - START),
        on_failure=fail,
    )
    stage.append(Scene(time, target, attacker))
    attacker.start(START, EPOCH)
    return stage[0]


def adds_up(figures: Figures) -> bool:
    """Whether every planned hit has ended in exactly one way."""
    return figures.planned == figures.answered + figures.failed + figures.aborted + figures.lost


def test_every_hit_is_sent_when_it_is_due_and_none_more() -> None:
    """Ten seconds at 1 000/s are 10 000 requests, number n at exactly n milliseconds."""
    s = scene(after(300_000), duration_ns=10 * SECOND)
    s.run(11 * SECOND)
    assert s.sent_at() == [n * MILLISECOND for n in range(10_000)]
    assert [seq for seq, _ in s.requests] == list(range(10_000))
    figures = s.figures()
    assert (figures.planned, figures.sent, figures.answered, figures.success) == (10_000, 10_000, 10_000, 1.0)
    assert figures.lag.max == 0
    assert figures.response_time.max == figures.latency.max == 300_000
    assert s.done == [9_999 * MILLISECOND + 300_000]
    assert [(c.planned, c.sent) for _, c in sorted(s.seconds().items())] == [(1_000, 1_000)] * 10


@settings(max_examples=30)
@given(st.integers(1, 3_000), st.integers(1, 4), st.integers(1, 2 * SECOND))
def test_shares_of_any_attack_together_are_the_attack(rate: int, workers: int, duration_ns: int) -> None:
    """However many workers split an attack, together they send every hit once, each when it is due."""
    pacer = ConstantPacer(rate, SECOND)
    sent: list[tuple[int, int]] = []
    for k in range(workers):
        s = scene(after(1_000), rate=rate, duration_ns=duration_ns, share=Share(k, workers), connections=1_000)
        s.run(duration_ns + SECOND)
        assert len(s.done) == 1
        sent += zip(s.sent_at(), [seq for seq, _ in s.requests], strict=True)
    expected = [(pacer.due(n), n) for n in range(pacer.hits(duration_ns))]
    # The quantum of waking may put a hit off by its length, never bring it forward.
    assert [seq for _, seq in sorted(sent, key=lambda hit: hit[1])] == [n for _, n in expected]
    late = [at - pacer.due(seq) for at, seq in sent]
    assert 0 <= min(late, default=0) <= max(late, default=0) <= 50_000


def test_payloads_take_the_instant_their_hit_was_due_for_now() -> None:
    """The time in a payload follows the schedule, not the delays of the machine: the same plan gives the same bytes."""
    s = scene(after(1_000), rate=4, connect_ns=7 * MILLISECOND)
    s.run(2 * SECOND)
    assert s.requests == [(n, EPOCH + n * 250 * MILLISECOND) for n in range(4)]


def test_a_stall_of_the_target_is_seen_in_full() -> None:
    """1 000/s for 10 s on 50 connections, no answers from 2 s to 3 s: response times tell of the stall, to the end."""
    service = 200_000

    def answer(now: int, _: bytes) -> tuple[bytes, int]:
        at = now - START
        return OK, START + 3 * SECOND if 2 * SECOND <= at < 3 * SECOND else now + service

    s = scene(answer, duration_ns=10 * SECOND, connections=50)
    s.run(12 * SECOND)
    figures = s.figures()
    assert (figures.planned, figures.sent, figures.answered) == (10_000, 10_000, 10_000)
    # 50 hits are sent into the stall; when it ends at 3 s, 950 have waited for up to 950 ms, and the 50 connections
    # work the queue off at 50 hits every 200 µs. In all, 1 000 of 10 000 hits took from 1 s down to some ms.
    assert figures.response_time.max == pytest.approx(SECOND, rel=0.002)
    assert figures.response_time.p99 == pytest.approx(900 * MILLISECOND, rel=0.02)
    assert figures.response_time.p95 == pytest.approx(500 * MILLISECOND, rel=0.02)
    assert figures.response_time.p50 <= 201_000
    # Measured from when they were sent, only the 50 that were in flight look slow: the omission we do not make.
    assert figures.latency.p99 <= 201_000
    assert figures.waited == pytest.approx(950, abs=5)


def test_hits_wait_in_order_and_none_is_dropped() -> None:
    """With one connection and a slow target, hits are sent one after another in the order in which they were due."""
    s = scene(after(10 * MILLISECOND), rate=1_000, duration_ns=100 * MILLISECOND, connections=1)
    s.run(2 * SECOND)
    assert [seq for seq, _ in s.requests] == list(range(100))
    assert s.sent_at() == [n * 10 * MILLISECOND for n in range(100)]
    assert s.figures().answered == 100
    assert s.figures().waited == 99


def test_a_hit_whose_time_is_over_while_it_waits_fails_as_queued() -> None:
    """One connection that never answers: its hit times out, those behind it never get one, all are accounted for."""
    s = scene(lambda _now, _request: None, rate=10, duration_ns=SECOND, timeout_ns=250 * MILLISECOND, connections=1)
    s.run(5 * SECOND)
    figures = s.figures()
    assert figures.planned == 10
    assert figures.errors.keys() <= {"timeout", "queued"}
    assert sum(figures.errors.values()) == figures.failed == 10
    assert adds_up(figures)
    assert figures.response_time.min >= 250 * MILLISECOND
    assert figures.latency.max == 0
    assert len(s.done) == 1


def test_a_silent_target_times_every_hit_out_on_time() -> None:
    """The timeout counts from when the hit was due, to the nanosecond of the virtual clock."""
    s = scene(lambda _now, _request: None, rate=100, duration_ns=SECOND, timeout_ns=300 * MILLISECOND)
    s.run(5 * SECOND)
    figures = s.figures()
    assert figures.errors == {"timeout": 100}
    assert (figures.response_time.min, figures.response_time.max) == (300 * MILLISECOND, 300 * MILLISECOND)
    assert s.done == [990 * MILLISECOND + 300 * MILLISECOND]


def test_a_refused_connection_fails_the_hit_that_asked_for_it() -> None:
    """A dead target: every hit fails with the reason, none is sent, none is lost."""
    s = scene(after(0), rate=100)
    s.target.refuses = "nobody there"
    s.run(2 * SECOND)
    figures = s.figures()
    assert (figures.planned, figures.sent, figures.failed, figures.errors) == (100, 0, 100, {"refused": 100})
    assert s.attacker.recorder.messages == {"refused": "nobody there"}
    assert figures.rate == pytest.approx(100 / 0.99)
    assert figures.response_time.max == 0


def test_connections_that_cannot_be_opened_in_time_fail_as_connect() -> None:
    """A target that swallows connection attempts: the hits end when their time is over, as a failure to connect."""
    s = scene(after(0), rate=100, connect_ns=60 * SECOND, timeout_ns=SECOND)
    s.run(5 * SECOND)
    figures = s.figures()
    assert figures.errors == {"connect": 100}
    assert figures.response_time.min == SECOND


def test_a_target_that_closes_after_each_answer_costs_connections_not_hits() -> None:
    """`Connection: close` opens a new connection for every hit and loses none."""
    s = scene(after(100_000, LAST), rate=200)
    s.run(2 * SECOND)
    figures = s.figures()
    assert (figures.answered, figures.connections_opened, figures.failed) == (200, 200, 0)


def test_connections_are_used_last_in_first_out() -> None:
    """A target that keeps up is attacked over one connection, however many there may be."""
    s = scene(after(100_000), rate=1_000)
    s.run(2 * SECOND)
    assert s.target.opened == 1


def test_connections_never_exceed_their_number() -> None:
    """A slow target at a high rate gets exactly as many connections as are allowed."""
    s = scene(after(SECOND), rate=1_000, connections=7)
    s.run(SECOND - MILLISECOND)
    assert s.target.opened == 7
    assert s.attacker.in_flight == 7
    assert s.attacker.open == 7
    assert s.attacker.waiting == 1_000 - 7


def test_hits_that_were_held_up_here_do_not_each_get_a_connection() -> None:
    """A worker that did not run for half a second sends what is due over a few connections, not over a thousand."""
    s = scene(after(100_000), rate=2_000, connections=1_000, connect_ns=300_000)
    s.time.call_at(START + 10 * MILLISECOND, lambda: setattr(s.time, "now_ns", START + SECOND // 2))
    s.run(2 * SECOND)
    figures = s.figures()
    assert figures.answered == 2_000
    assert figures.connections_opened < 200
    assert figures.waited == 0, "there was room for more connections all the time"


def test_a_far_target_gets_a_connection_for_every_hit_that_is_due() -> None:
    """With 100 ms a round trip, 4 000/s need 800 connections: each is opened within 20 ms of when its hit is due."""
    s = scene(after(100 * MILLISECOND), rate=4_000, connections=1_000, connect_ns=100 * MILLISECOND)
    s.run(SECOND)
    assert s.figures().lag.max <= 120 * MILLISECOND
    assert 400 <= s.attacker.open <= 900


def test_a_near_target_is_not_flooded_with_connections_at_the_start() -> None:
    """At 50 000/s ten hits come due while one connection is opened; a few connections are enough for all."""
    s = scene(after(50_000), rate=50_000, connections=1_000, connect_ns=200_000)
    s.run(2 * SECOND)
    assert s.figures().answered == 50_000
    assert s.figures().connections_opened <= 16


def test_error_statuses_are_answers_and_not_successes() -> None:
    """A 503 is a whole response: answered, counted by its code, with its latency, and not a success."""
    s = scene(after(100_000, UNAVAILABLE), rate=10)
    s.run(2 * SECOND)
    figures = s.figures()
    assert (figures.answered, figures.failed, figures.success, figures.status_codes) == (10, 0, 0.0, {"503": 10})
    assert figures.latency.p50 == 100_000


@given(st.integers(0, 1_200), st.integers(0, 400))
@settings(max_examples=40)
def test_after_a_stop_nothing_is_sent_and_all_that_was_due_is_accounted_for(stop_ms: int, latency_ms: int) -> None:
    """Stopped at any time, with any number of hits waiting and in flight, the books balance."""
    s = scene(after(latency_ms * MILLISECOND), rate=1_000, connections=5)
    stop_ns = stop_ms * MILLISECOND + 1
    s.run(stop_ns)
    in_flight = s.attacker.stop()
    sent = len(s.target.received)
    assert in_flight <= 5
    s.run(stop_ns + 200 * MILLISECOND)
    s.attacker.abort()
    s.run(10 * SECOND)
    assert len(s.target.received) == sent
    figures = s.figures()
    assert adds_up(figures)
    assert figures.planned == min(1_000, stop_ms + 1)
    assert figures.sent == sent
    assert len(s.done) == 1
    assert s.attacker.stop() == 0


def test_hits_that_a_stop_aborts_count_with_the_time_they_had_waited() -> None:
    """A stalled target and an impatient user: the waiting is in the response times, as a lower bound."""
    s = scene(lambda _now, _request: None, rate=1_000, duration_ns=60 * SECOND, connections=10)
    s.run(2 * SECOND)
    s.attacker.stop()
    s.run(3 * SECOND)
    s.attacker.abort()
    figures = s.figures()
    assert (figures.planned, figures.aborted, figures.answered) == (2_001, 2_001, 0)
    assert figures.response_time.p50 == pytest.approx(SECOND, rel=0.01)
    assert figures.response_time.max == pytest.approx(3 * SECOND, rel=0.002)


def test_a_payload_that_cannot_be_made_fails_the_attack_and_says_which() -> None:
    """The generator's own message reaches the user; the hit is aborted, the rest is not sent."""

    def make(seq: int, _: int) -> Request:
        if seq == 50:
            raise ValueError("no more projects")
        return Request("GET", "/")

    s = scene(after(100_000), rate=100, make_request=make)
    s.run(2 * SECOND)
    assert s.failures == ["the payload of hit 50 could not be made: ValueError: no more projects"]
    figures = s.figures()
    assert (figures.planned, figures.sent, figures.answered, figures.aborted) == (51, 50, 50, 1)
    assert len(s.done) == 1


@given(st.integers(0, 300), st.sampled_from([100, 20_000]), st.booleans())
@settings(max_examples=20)
def test_payloads_made_ahead_are_those_of_their_hits(fails_at: int, rate: int, gives_up: bool) -> None:
    """However many are made at once, hit n is sent with payload n, also behind hits that were never sent."""

    def make(seq: int, _: int) -> Request:
        if seq == fails_at:
            raise ValueError("no more")
        return Request("GET", f"/{seq}")

    answer = (lambda _now, _request: None) if gives_up else after(200_000)
    s = scene(answer, rate=rate, duration_ns=200 * SECOND // rate, timeout_ns=SECOND, connections=3, make_request=make)
    s.run(210 * SECOND // rate + 5 * SECOND)
    sent = [int(request.split()[1][1:]) for _, request in s.target.received]
    assert sent == sorted(set(sent))
    assert not any(seq >= fails_at for seq in sent)
    if fails_at >= 200:
        assert s.failures == []
        assert gives_up or sent == list(range(200))
    elif not gives_up:
        assert sent == list(range(fails_at))
        assert s.failures == [f"the payload of hit {fails_at} could not be made: ValueError: no more"]
    assert len(s.done) == 1
    assert adds_up(s.figures())


def test_payloads_of_hits_that_wait_are_made_while_they_wait() -> None:
    """When a stall ends, the queue is sent without making anything first, each hit with the payload of its due time."""
    stalled_until = START + SECOND
    s = scene(lambda now, _: (OK, max(now, stalled_until)), duration_ns=SECOND, connections=2)
    s.run(SECOND - 1)
    assert len(s.target.received) == 2
    assert s.requests == [(seq, EPOCH + seq * MILLISECOND) for seq in range(1_000)]
    s.run(2 * SECOND)
    sent = [int(request.split()[1][1:]) for _, request in s.target.received]
    assert sent == list(range(1_000))
    assert len(s.requests) == 1_000


def test_a_queue_of_large_payloads_is_not_kept_in_memory() -> None:
    """What is made for hits that wait stays below a few MB, however many they are."""
    body = b"x" * 1024 * 1024
    s = scene(
        lambda now, _: (OK, max(now, START + SECOND)),
        connections=1,
        make_request=lambda seq, _: Request("POST", f"/{seq}", (), body),
    )
    s.run(SECOND - 1)
    most = 1 + 16 + READY_BYTES // len(body)  # the one in flight, the last few made at once, and what is kept
    assert READY_BYTES // len(body) < len(s.requests) <= most
    s.run(2 * SECOND)
    assert s.figures().answered == 1_000


def test_a_test_type_that_learns_from_responses_is_asked_only_when_its_request_is_needed() -> None:
    """With an observer, a request is made after the responses before it were seen, at any rate."""
    s = scene(after(10_000), rate=50_000, duration_ns=SECOND // 100, connections=1, ahead=False)
    s.run(SECOND // 200)
    assert len(s.requests) == len(s.target.received)


def test_a_request_that_cannot_be_written_fails_the_attack_too() -> None:
    """A path with a line break would smuggle a header; it is refused, not sent."""
    s = scene(after(0), rate=10, make_request=lambda _seq, _now: Request("GET", "/a\r\nX: y"))
    s.run(2 * SECOND)
    assert "must be percent-encoded" in s.failures[0]
    assert s.target.received == []


def test_an_unlimited_rate_keeps_every_connection_busy() -> None:
    """Three connections and 10 ms an answer are 300 hits a second; each is sent as soon as the one before has ended."""
    s = scene(after(10 * MILLISECOND), rate=0, connections=3)
    s.run(2 * SECOND)
    figures = s.figures()
    assert figures.planned == figures.sent == figures.answered == 300
    assert figures.lag.max == 0
    assert figures.latency.p50 == pytest.approx(10 * MILLISECOND, rel=0.001)
    assert s.target.opened == 3
    assert len(s.done) == 1
    assert adds_up(figures)


def test_an_unlimited_rate_against_a_dead_target_does_not_spin() -> None:
    """Refused connections are tried again ten times a second each, and every try counts as a failed hit."""
    s = scene(after(0), rate=0, connections=2)
    s.target.refuses = "nobody there"
    s.run(2 * SECOND)
    figures = s.figures()
    assert figures.planned == figures.failed == 20
    assert len(s.done) == 1


def test_with_a_step_payloads_of_an_unlimited_attack_are_the_same_every_time() -> None:
    """Nothing but its number decides what a payload takes for now, so a seed gives the same bytes."""
    s = scene(after(MILLISECOND), rate=0, connections=2, connect_ns=300_000, step_ns=1_000)
    s.run(2 * SECOND)
    assert s.requests[:3] == [(0, EPOCH), (1, EPOCH + 1_000), (2, EPOCH + 2_000)]


def test_a_share_without_hits_is_done_at_once() -> None:
    """More workers than hits: the ones with nothing to do do not wait for the end of the attack."""
    s = scene(after(0), rate=1, share=Share(3, 4))
    s.run(2 * SECOND)
    assert len(s.done) == 1
    assert s.figures().planned == 0


def test_a_start_in_the_past_sends_what_is_overdue_with_its_lag() -> None:
    """A worker that takes over late catches up; the delay shows as lag and is not hidden."""
    s = scene(after(100_000), rate=1_000)
    s.time.now_ns = START + 100 * MILLISECOND
    s.run(2 * SECOND)
    figures = s.figures()
    assert figures.sent == 1_000
    assert figures.lag.max == pytest.approx(100 * MILLISECOND, rel=0.002)


def test_a_million_waiting_hits_take_no_memory() -> None:
    """A queue is two numbers: a target that hangs at a high rate does not fill the generator's memory."""
    s = scene(lambda _now, _request: None, rate=1_000_000, duration_ns=2 * SECOND, connections=1)
    s.run(SECOND)
    s.attacker.book()
    assert s.attacker.waiting > 900_000
    assert s.attacker.recorder.pending < 10


def late_by(s: Scene, late_ns: int, due_ns: int) -> None:
    """The machine holds the worker up: what was to happen at that instant happens so much later."""

    def hold() -> None:
        s.time.now_ns += late_ns

    s.time.call_at(START + due_ns - 1, hold)


@pytest.mark.parametrize("held_up", [0, 1, 2])
@pytest.mark.parametrize("late_ns", [0, 600_000, 5 * MILLISECOND])
def test_a_hit_that_is_noticed_late_is_not_made_later(held_up: int, late_ns: int) -> None:
    """Where all open connections are busy and more may be opened, a late worker opens one as soon as it has looked."""
    s = scene(after(6 * SECOND), rate=1, duration_ns=3 * SECOND)
    late_by(s, late_ns, held_up * SECOND)
    s.run(20 * SECOND)
    figures = s.figures()
    assert (figures.answered, figures.waited, s.target.opened) == (3, 0, 3)
    assert figures.lag.max <= late_ns + 2 * MILLISECOND


def test_a_late_worker_opens_no_connections_before_it_has_read_what_is_there() -> None:
    """After a hiccup of 2 ms, the connection that is open has sent what came due in it before another is opened."""
    s = scene(after(20_000), rate=1_000, duration_ns=SECOND, connect_ns=50_000)
    late_by(s, 2 * MILLISECOND, SECOND // 2)
    s.run(3 * SECOND)
    assert (s.figures().answered, s.target.opened) == (1_000, 1)


def test_a_worker_that_was_held_up_does_not_open_a_connection_for_each_hit_that_waits() -> None:
    """200 hits wait after 20 ms at 10 000/s; a target that answers in 0.1 ms is asked by a few connections only."""
    s = scene(after(100_000), rate=10_000, duration_ns=SECOND, connect_ns=50_000)
    late_by(s, 20 * MILLISECOND, SECOND // 2)
    s.run(3 * SECOND)
    figures = s.figures()
    assert figures.answered == 10_000
    assert s.target.opened <= 2 * NEAR_DIALS + SPARE
    assert figures.lag.max <= 21 * MILLISECOND


def test_a_slow_target_gets_as_many_connections_as_its_answers_take() -> None:
    """At 5 000/s and 4 ms an answer 20 are needed, and opened at once, although the target is near."""
    s = scene(after(4 * MILLISECOND), rate=5_000, duration_ns=SECOND, connect_ns=50_000)
    s.run(3 * SECOND)
    assert 20 <= s.target.opened <= 60
    assert s.figures().lag.max <= 2 * MILLISECOND


def test_answers_that_are_quick_do_not_hide_those_that_are_slow() -> None:
    """Where every other answer takes 100 ms, connections are opened for those although the rest take 0.1 ms."""

    def answer(now: int, request: bytes) -> tuple[bytes, int]:
        return OK, now + (100_000 if int(request.split()[1][1:]) % 2 else 100 * MILLISECOND)

    s = scene(answer, rate=2_000, duration_ns=2 * SECOND, connections=1_000, connect_ns=50_000)
    s.run(4 * SECOND)
    figures = s.figures()
    assert figures.answered == 4_000
    assert figures.lag.max <= 3 * MILLISECOND
    assert 100 <= s.target.opened <= 300
