"""What tests of this program, and of programs around it, can use instead of the real thing."""

import time
from collections.abc import Callable
from typing import Annotated, Final

import anyio
import anyio.lowlevel
import msgspec
import numpy as np

from load_tester.domain.attack import Ending, Order, Outcome, Update
from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.histogram import Histogram, HistogramDelta
from load_tester.domain.metrics import Counts, Second
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from load_tester.engine.interface import AttackRefused


class PlainParams(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Parameters of `PLAIN`; `error` makes its builder raise that."""

    path: str = "/"
    num_projects: Annotated[int, msgspec.Meta(ge=1)] = 1
    error: str = ""


def _build_plain(params: PlainParams, context: BuildContext) -> Targeter:
    context.projects.check(params.num_projects)
    if params.error:
        raise InvalidParams(params.error, ".error")
    request = Request("GET", params.path)
    return Targeter(lambda _seq, _now_ns: request)


PLAIN: Final = TestType(name="plain", summary="Gets one path.", params=PlainParams, build=_build_plain)
"""A test type that needs nothing."""


def second_of(second: int, counts: Counts, latency_ns: int = MILLISECOND) -> Second:
    """A part of a second with those counts, in which every answer took `latency_ns` and every hit was sent on time.

    Left out of `counts`, `successes`, `status_codes` (200) and the instants are made to fit: answers are successes.
    """
    counts.successes = counts.successes or counts.answered
    if counts.answered and not counts.status_codes:
        counts.status_codes = {200: counts.answered}
    if counts.first_at < 0 and counts.planned:
        counts.first_at = counts.last_at = second * SECOND
    if counts.end_at < 0 and counts.answered:
        counts.end_at = second * SECOND + latency_ns
    return Second(second, counts, _times(latency_ns, counts.answered), _times(latency_ns, counts.answered),
                  _times(0, counts.sent))  # fmt: skip


def answered_second(second: int, hits: int, latency_ns: int = MILLISECOND) -> Second:
    """A second in which `hits` hits were planned, sent and answered with status 200 after `latency_ns` each."""
    return second_of(second, Counts(planned=hits, sent=hits, answered=hits), latency_ns)


def _times(ns: int, count: int) -> HistogramDelta:
    histogram = Histogram()
    histogram.record(np.full(count, ns, np.int64))
    return histogram.delta()


class FakeAttack:
    """An attack that sends nothing: the test says what happens. Made by `FakeEngine`.

    `graces` holds the grace of each call of `stop`, `stops` is their number. Set `in_flight` to what a stop is to find.
    `drains` is whether a stop ends the attack by itself, its hits in flight aborted; otherwise the test calls `finish`.
    """

    def __init__(self, order: Order, on_update: Callable[[Update], None], started_ns: int, *, drains: bool) -> None:
        self.order = order
        self.started_ns = started_ns
        self.workers = order.workers or 1
        self.graces: list[int] = []
        self.in_flight = 0
        self.drains = drains
        self.outcome: Outcome | None = None
        self._on_update = on_update
        self._elapsed_ns = 0
        self._ended = anyio.Event()

    @property
    def stops(self) -> int:
        """How often it was asked to stop."""
        return len(self.graces)

    async def stop(self, grace_ns: int) -> int:
        """Note the call; end the attack if it drains."""
        self.graces.append(grace_ns)
        in_flight = self.in_flight
        if self.drains and self.outcome is None:
            if in_flight:
                self.in_flight = 0
                self.emit(second_of(self._elapsed_ns // SECOND, Counts(aborted=in_flight)))
            self.finish(Ending.STOPPED)
        return in_flight

    async def wait(self) -> Outcome:
        """Wait for `finish`."""
        await self._ended.wait()
        assert self.outcome is not None, "finish sets the outcome first"
        return self.outcome

    def emit(self, *seconds: Second, elapsed_ns: int | None = None, saturated_ns: int = 0) -> None:
        """Report parts of seconds, at `elapsed_ns` from the start (else at the end of the latest of them)."""
        ends = [(second.second + 1) * SECOND for second in seconds]
        self._elapsed_ns = max([self._elapsed_ns, *ends]) if elapsed_ns is None else elapsed_ns
        self._on_update(
            Update(
                elapsed_ns=self._elapsed_ns,
                seconds=seconds,
                in_flight=self.in_flight,
                workers=self.workers,
                saturated_ns=saturated_ns,
            )
        )

    def finish(
        self,
        ending: Ending = Ending.FINISHED,
        error: str | None = None,
        incidents: tuple[str, ...] = (),
        messages: dict[str, str] | None = None,
    ) -> None:
        """End the attack."""
        self.outcome = Outcome(ending=ending, error=error, incidents=incidents, messages=messages or {})
        self._ended.set()

    def fail(self, error: str) -> None:
        """End the attack as failed."""
        self.finish(Ending.FAILED, error)


class FakeEngine:
    """An engine whose attacks send nothing. It meets `load_tester.engine.interface.Engine`.

    `attacks` are all it has started, oldest first. Set `refusal` to have further starts refused with that message.
    `drains` is passed on to the attacks.
    """

    def __init__(self, *, drains: bool = True, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.attacks: list[FakeAttack] = []
        self.refusal: str | None = None
        self.drains = drains
        self.is_closed = False
        self._now_ns = now_ns

    @property
    def alive(self) -> list[FakeAttack]:
        """The attacks that have not ended."""
        return [attack for attack in self.attacks if attack.outcome is None]

    async def start(self, order: Order, on_update: Callable[[Update], None]) -> FakeAttack:
        """Start an attack that does nothing until it is told to."""
        await anyio.lowlevel.checkpoint()
        if self.refusal is not None:
            raise AttackRefused(self.refusal)
        attack = FakeAttack(order, on_update, self._now_ns(), drains=self.drains)
        self.attacks.append(attack)
        return attack

    async def close(self) -> None:
        """Stop what runs."""
        for attack in self.alive:
            await attack.stop(0)
        self.is_closed = True
