"""Alarms ring once, never before their instant; how late they are is a matter of measurement, not of tests."""

import asyncio
import time
from collections.abc import Callable

import pytest

from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.engine.clock import Alarm, LoopAlarm, TimerfdAlarm, make_alarm, monotonic_from_unix, monotonic_ns

pytestmark = pytest.mark.anyio

both = pytest.mark.parametrize("kind", [TimerfdAlarm, LoopAlarm])
AlarmKind = Callable[[Callable[[], None]], Alarm]


class Bell:
    """An alarm, and the instants at which it rang."""

    def __init__(self, kind: AlarmKind) -> None:
        self.rung: list[int] = []
        self._news = asyncio.Event()
        self.alarm = kind(self._ring)

    def _ring(self) -> None:
        self.rung.append(monotonic_ns())
        self._news.set()

    async def heard(self) -> int:
        """The instant at which it rings next."""
        async with asyncio.timeout(10):
            await self._news.wait()
        self._news.clear()
        return self.rung[-1]


async def after(ns: int, kind: AlarmKind) -> None:
    """Wait until another alarm of the same kind, set later and for later, has rung."""
    bell = Bell(kind)
    bell.alarm.set(monotonic_ns() + ns)
    await bell.heard()
    bell.alarm.close()


@both
@pytest.mark.parametrize("ahead_ns", [1, 1_000, 300_000, MILLISECOND, 1_499_999, 1_500_001, 7 * MILLISECOND])
async def test_an_alarm_rings_not_before_its_instant(kind: AlarmKind, ahead_ns: int) -> None:
    """Not even by a fraction of a millisecond, at any distance, time and again."""
    bell = Bell(kind)
    for _ in range(10):
        at = monotonic_ns() + ahead_ns
        bell.alarm.set(at)
        assert await bell.heard() >= at
    assert len(bell.rung) == 10
    bell.alarm.close()


@both
@pytest.mark.parametrize("at_ns", [-SECOND, 0, 1])
async def test_an_instant_that_has_passed_rings_at_once(kind: AlarmKind, at_ns: int) -> None:
    """Also one before the clock began."""
    bell = Bell(kind)
    bell.alarm.set(at_ns)
    await bell.heard()
    assert len(bell.rung) == 1
    bell.alarm.close()


@both
async def test_setting_an_alarm_again_replaces_its_instant(kind: AlarmKind) -> None:
    """It rings once, at the instant that was set last, be that later or sooner than the one before."""
    bell = Bell(kind)
    later = monotonic_ns() + 4 * MILLISECOND
    bell.alarm.set(monotonic_ns() + MILLISECOND)
    bell.alarm.set(later)
    assert await bell.heard() >= later
    bell.alarm.set(monotonic_ns() + 3600 * SECOND)
    bell.alarm.set(monotonic_ns() + MILLISECOND)
    await bell.heard()
    await after(2 * MILLISECOND, kind)
    assert len(bell.rung) == 2
    bell.alarm.close()


@both
async def test_an_alarm_may_be_set_again_while_it_rings(kind: AlarmKind) -> None:
    """That is how the schedule goes on from hit to hit."""
    instants: list[int] = []
    done = asyncio.Event()
    wanted = [monotonic_ns() + k * MILLISECOND for k in range(1, 6)]

    def ring() -> None:
        instants.append(monotonic_ns())
        if len(instants) < len(wanted):
            alarm.set(wanted[len(instants)])
        else:
            done.set()

    alarm = kind(ring)
    alarm.set(wanted[0])
    async with asyncio.timeout(10):
        await done.wait()
    assert all(rung >= at for rung, at in zip(instants, wanted, strict=True))
    alarm.close()


@both
async def test_an_alarm_that_is_armed_again_as_it_becomes_due_waits_for_the_new_instant(kind: AlarmKind) -> None:
    """What had been due already is forgotten, although the loop may have been told of it."""
    bell = Bell(kind)
    bell.alarm.set(1)
    at = monotonic_ns() + 2 * MILLISECOND
    bell.alarm.set(at)
    assert await bell.heard() >= at
    bell.alarm.close()


@both
async def test_a_closed_alarm_never_rings(kind: AlarmKind) -> None:
    """Not even when its instant has passed already; closing twice does nothing more."""
    passed, coming = Bell(kind), Bell(kind)
    passed.alarm.set(1)
    coming.alarm.set(monotonic_ns() + MILLISECOND)
    for bell in (passed, coming):
        bell.alarm.close()
        bell.alarm.close()
    await after(3 * MILLISECOND, kind)
    assert passed.rung == coming.rung == []


async def test_an_instant_of_the_calendar_is_found_on_the_clock() -> None:
    """As far ahead on one as on the other; the two readings lie within those around them."""
    before = monotonic_ns() - time.time_ns()
    unix_ns = time.time_ns() + SECOND
    at = monotonic_from_unix(unix_ns)
    after_ = monotonic_ns() - time.time_ns()
    step = 50 * MILLISECOND  # the calendar may be adjusted meanwhile
    assert before - step <= at - unix_ns <= after_ + step


async def test_linux_uses_timerfd() -> None:
    """The engine's alarms are the precise ones."""
    assert make_alarm is TimerfdAlarm
