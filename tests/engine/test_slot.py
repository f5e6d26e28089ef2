"""Slots under an attacker, on virtual time: the schedule, the figures and every way in which a record can end."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import MICROSECOND, MILLISECOND, SECOND
from load_tester.domain.metrics import ErrorKind, Figures, Metrics
from load_tester.domain.pacer import ConstantPacer, Share
from load_tester.domain.request import Record
from load_tester.engine.assignment import Assignment, Payloads, Timing
from load_tester.engine.attacker import Attacker
from load_tester.engine.end_code import mark
from load_tester.engine.slot import DeliveryError
from load_tester.engine.transport import Round
from load_tester.engine.virtual import VirtualCluster, VirtualTime

START = 1_000_000_000_000
TOO_LARGE = DeliveryError("MSG_SIZE_TOO_LARGE", "Broker: Message size too large")
BROKEN = DeliveryError("_TRANSPORT", "Local: Broker transport failure")

Answer = Callable[[int, Record], tuple[DeliveryError | None, int] | None]


def after(ns: int, error: DeliveryError | None = None) -> Answer:
    """Every record is acknowledged, or fails like this, so long after it was handed over."""
    return lambda now, _: (error, now + ns)


class Scene:
    """An attacker of a virtual cluster that has been told to start at START; a rate of 0 is unlimited."""

    def __init__(
        self,
        answer: Answer,
        rate: int = 1_000,
        duration_ns: int = SECOND,
        timeout_ns: int = 30 * SECOND,
        slots: int = 100,
        hand_over_ns: int = 0,
        *,
        known: bool = True,
    ) -> None:
        self.time = VirtualTime(START - SECOND)
        self.cluster = VirtualCluster(self.time, answer, hand_over_ns, known=known)
        self.ends: list[int] = []
        self._metrics = Metrics()
        self.attacker = Attacker(
            Assignment(ConstantPacer(rate, SECOND) if rate else None, Share(0, 1), duration_ns, timeout_ns, slots),
            Payloads(lambda seq, _: Record("t", b"%d" % seq, target=seq % 2), encoded, targets=("even", "odd")),
            Timing(self.time.clock, self.time.alarm),
            make_dialer=self.cluster.dialer,
            on_done=lambda: self.ends.append(self.time.now_ns - START),
            on_failure=pytest.fail,
        )
        self.attacker.start(START, 0)

    def run(self, until_ns: int) -> None:
        """Go on until so long after the start."""
        self.time.run(START + until_ns)

    def at(self, ns: int, event: Callable[[], None]) -> None:
        """Do something so long after the start."""
        self.time.call_at(START + ns, event)

    def figures(self) -> Figures:
        """The figures so far."""
        self.attacker.book()
        for second in self.attacker.recorder.take():
            self._metrics.add(second)
        return self._metrics.figures()


def encoded(record: Record) -> Round:
    """A record as the transport writes it."""
    return Round(record, False, len(record.value), mark(record.target))


def adds_up(figures: Figures) -> bool:
    """Whether every planned hit has ended in exactly one way."""
    return figures.planned == figures.answered + figures.failed + figures.aborted + figures.lost


def test_records_are_handed_over_when_they_are_due_and_timed_until_they_are_acknowledged() -> None:
    """The schedule is that of HTTP; an acknowledgement is status 200, and quick brokers need one slot only."""
    scene = Scene(after(700 * MICROSECOND))
    scene.run(2 * SECOND)
    figures = scene.figures()
    assert [(at - START, record.value) for at, record in scene.cluster.received[:3]] == [
        (n * MILLISECOND, b"%d" % n) for n in range(3)
    ]
    assert (figures.planned, figures.sent, figures.answered, figures.status_codes) == (1000, 1000, 1000, {"200": 1000})
    assert (figures.latency.min, figures.latency.max) == (700 * MICROSECOND, 700 * MICROSECOND)
    assert figures.connections_opened == 1
    assert figures.bytes_out == sum(len(str(n)) for n in range(1000))
    assert {name: target.answered for name, target in figures.targets.items()} == {"even": 500, "odd": 500}


@pytest.mark.parametrize("rate", [1_000, 0])
def test_the_way_of_a_report_to_the_loop_is_no_latency(rate: int) -> None:
    """Reports that wait 3 ms for the loop tell of the instant at which they came."""
    scene = Scene(after(MILLISECOND), rate=rate, slots=1 if rate == 0 else 100, hand_over_ns=3 * MILLISECOND)
    scene.run(2 * SECOND)
    figures = scene.figures()
    assert figures.latency.max == MILLISECOND
    assert figures.answered == figures.planned == (1_000 if rate else 250)


def test_records_in_flight_are_limited() -> None:
    """No more are handed over than there are slots; hits wait in line, with the instant at which they were due."""
    scene = Scene(after(10 * MILLISECOND), duration_ns=SECOND // 10, slots=3)
    scene.run(SECOND // 20)
    assert scene.attacker.in_flight == 3
    scene.run(2 * SECOND)
    figures = scene.figures()
    assert (figures.answered, figures.connections_opened) == (100, 3)
    assert figures.waited > 90
    assert figures.latency.max == 10 * MILLISECOND
    assert figures.response_time.max > 200 * MILLISECOND


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TOO_LARGE, "rejected"),
        (DeliveryError("TOPIC_AUTHORIZATION_FAILED", "Broker: Topic authorization failed"), "rejected"),
        (BROKEN, "reset"),
        (DeliveryError("_MSG_TIMED_OUT", "Local: Message timed out"), "timeout"),
        (DeliveryError("REQUEST_TIMED_OUT", "Broker: Request timed out"), "timeout"),
    ],
)
def test_a_record_that_is_not_acknowledged_fails_with_the_reason(error: DeliveryError, kind: str) -> None:
    """It counts as sent and as failed, by its kind; the next one has a slot again."""
    scene = Scene(lambda now, record: (error if record.value == b"7" else None, now + MICROSECOND), rate=100)
    scene.run(2 * SECOND)
    figures = scene.figures()
    assert (figures.answered, figures.failed, figures.errors, figures.sent) == (99, 1, {kind: 1}, 100)
    assert scene.attacker.recorder.messages == {kind: error.message}
    assert figures.connections_opened == 2
    assert figures.targets["odd"].errors == {kind: 1}


def test_a_late_report_is_not_counted_a_second_time() -> None:
    """Given up after 50 ms, reported after 60: the hit is a timeout, and the report is not taken for another hit's."""
    scene = Scene(after(60 * MILLISECOND), rate=100, timeout_ns=50 * MILLISECOND)
    scene.run(5 * SECOND)
    figures = scene.figures()
    assert (figures.planned, figures.errors, figures.answered) == (100, {"timeout": 100}, 0)
    assert figures.response_time.max == 50 * MILLISECOND
    assert scene.ends == [990 * MILLISECOND + 50 * MILLISECOND]


@given(st.integers(0, 1_200), st.integers(0, 400), st.integers(0, 300), st.integers(0, 4_000))
def test_whenever_it_is_stopped_every_hit_has_one_end(
    stop_ms: int, latency_ms: int, grace_ms: int, hand_over_us: int
) -> None:
    """Nothing is sent after the stop; what is not acknowledged within the grace is aborted, whatever comes later."""
    scene = Scene(after(latency_ms * MILLISECOND), slots=5, hand_over_ns=hand_over_us * MICROSECOND)
    stop_ns = stop_ms * MILLISECOND + 1
    scene.run(stop_ns)
    assert scene.attacker.stop() <= 5
    sent = len(scene.cluster.received)
    scene.run(stop_ns + grace_ms * MILLISECOND)
    scene.attacker.abort()
    scene.run(10 * SECOND)
    figures = scene.figures()
    assert len(scene.cluster.received) == sent == figures.sent
    assert figures.planned == min(1_000, stop_ms + 1)
    assert adds_up(figures)
    assert len(scene.ends) == 1


def test_hits_fail_with_the_reason_while_the_cluster_is_gone_and_go_on_when_it_is_back() -> None:
    """What is in flight may still be heard of; what is due meanwhile is refused at once; then all is as before."""
    scene = Scene(after(5 * MILLISECOND), rate=100)
    scene.at(300 * MILLISECOND + 1, lambda: scene.cluster.slots.down(ErrorKind.REFUSED, "nobody there"))
    scene.at(600 * MILLISECOND + 1, scene.cluster.slots.up)
    scene.run(2 * SECOND)
    figures = scene.figures()
    assert (figures.answered, figures.errors, figures.sent) == (70, {"refused": 30}, 70)
    assert scene.attacker.recorder.messages == {"refused": "nobody there"}
    assert adds_up(figures)


def test_an_idle_slot_is_not_used_while_the_cluster_is_gone() -> None:
    """A record handed over then would only wait for its time to be over."""
    scene = Scene(after(0), rate=100)
    scene.at(500 * MILLISECOND + 1, lambda: scene.cluster.slots.down(ErrorKind.CONNECT, "all are down"))
    scene.run(2 * SECOND)
    assert len(scene.cluster.received) == 51
    assert scene.figures().errors == {"connect": 49}


def test_an_unlimited_rate_does_not_spin_while_the_cluster_is_gone() -> None:
    """Slots are asked for ten times a second each, and every time counts as a failed hit."""
    scene = Scene(after(MILLISECOND), rate=0, slots=2)
    scene.at(1, lambda: scene.cluster.slots.down(ErrorKind.REFUSED, "nobody there"))
    scene.run(2 * SECOND)
    figures = scene.figures()
    assert figures.failed == pytest.approx(20, abs=4)
    assert adds_up(figures)


def test_an_unlimited_rate_keeps_every_slot_busy_also_when_all_records_are_rejected() -> None:
    """A rejected record frees its place for the next one."""
    scene = Scene(after(10 * MILLISECOND, TOO_LARGE), rate=0, slots=3)
    scene.run(2 * SECOND)
    figures = scene.figures()
    assert figures.errors == {"rejected": 300}
    assert math.isclose(figures.rate, 300, rel_tol=0.02)
    assert adds_up(figures)


def test_hits_wait_until_it_is_known_whether_the_cluster_can_be_reached() -> None:
    """Before the first word of it nothing is sent and nothing fails; then what was due is sent at once."""
    scene = Scene(after(0), rate=100, known=False)
    scene.run(100 * MILLISECOND)
    assert (scene.cluster.received, scene.figures().failed, scene.attacker.waiting) == ([], 0, 11)
    scene.cluster.slots.up()
    scene.run(2 * SECOND)
    figures = scene.figures()
    assert (figures.answered, figures.lag.max) == (100, 100 * MILLISECOND)


def test_hits_of_which_the_time_is_over_before_anything_is_known_fail_to_connect() -> None:
    """Brokers that swallow connections: the hits end on time, and the attack with the last of them."""
    scene = Scene(after(0), rate=100, timeout_ns=SECOND, known=False)
    scene.run(5 * SECOND)
    assert scene.figures().errors == {"connect": 100}
    assert scene.ends == [990 * MILLISECOND + SECOND]


def test_a_stop_gives_up_what_waits_for_a_first_word() -> None:
    """No slot is made for an attack that has ended."""
    scene = Scene(after(0), rate=100, known=False)
    scene.run(100 * MILLISECOND)
    scene.attacker.stop()
    scene.cluster.slots.up()
    scene.run(SECOND)
    assert (scene.figures().aborted, scene.figures().connections_opened, scene.cluster.received) == (11, 0, [])
