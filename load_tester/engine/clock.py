"""Time for the engine: a clock to read and an alarm to be woken by, both replaceable by virtual ones.

`load_tester.testing` ships the virtual ones. All instants are nanoseconds of the monotonic clock, except where a name
ends in `unix_ns`.
"""

import asyncio
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Final, Protocol

Clock = Callable[[], int]
"""Returns the present instant, in nanoseconds of a clock that never goes back."""

monotonic_ns: Clock = time.perf_counter_ns
"""CLOCK_MONOTONIC on Linux: the same clock as the kernel's timers, and the same for all processes of a machine."""


class Alarm(Protocol):
    """Calls back once at an instant; its maker hands over the callback."""

    def set(self, at_ns: int) -> None:
        """Call back at `at_ns` (or at once, if that has passed), instead of at any instant set before."""

    def close(self) -> None:
        """Never call back again."""


AlarmMaker = Callable[[Callable[[], None]], Alarm]
"""Makes an alarm that calls the given function."""


def monotonic_from_unix(unix_ns: int) -> int:
    """The instant of the monotonic clock that is `unix_ns` on the calendar, by reading both clocks now."""
    return unix_ns - time.time_ns() + time.perf_counter_ns()


class LoopAlarm:
    """An alarm on the event loop's own timers, which resolve 1 ms in uvloop: for systems without timerfd."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._callback = callback
        self._at_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at_ns: int) -> None:
        """Call back at `at_ns`, up to 2 ms late."""
        self.close()
        self._at_ns = at_ns
        self._wait()

    def close(self) -> None:
        """Never call back again."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        # The loop counts in milliseconds from the beginning of its iteration: rounded up, and checked when it rings.
        wait_ms = max(0, -(-(self._at_ns - monotonic_ns()) // 1_000_000))
        self._timer = self._loop.call_later(wait_ms / 1000, self._ring)

    def _ring(self) -> None:
        if monotonic_ns() < self._at_ns:
            self._wait()
        else:
            self._callback()


class _Timespec(ctypes.Structure):
    _fields_ = (("sec", ctypes.c_long), ("nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


_CLOCK_MONOTONIC: Final = 1
_TFD_TIMER_ABSTIME: Final = 1
_TFD_NONBLOCK: Final = os.O_NONBLOCK
_TFD_CLOEXEC: Final = os.O_CLOEXEC


class TimerfdAlarm:
    """An alarm on Linux's timerfd, armed with the absolute instant: late by tens of microseconds only.

    See timerfd_create(2); called through ctypes because the standard library has it from Python 3.13 on only.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._settime = libc.timerfd_settime
        self._fd: int = libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._fd < 0:
            errno = ctypes.get_errno()
            raise OSError(errno, f"timerfd_create: {os.strerror(errno)}")
        self._spec = _Itimerspec()
        self._value = self._spec.value
        self._spec_ref = ctypes.byref(self._spec)
        self._loop = asyncio.get_running_loop()
        self._callback = callback
        self._at_ns = 0
        self._is_set = False
        self._loop.add_reader(self._fd, self._ring)

    def set(self, at_ns: int) -> None:
        """Call back at `at_ns`."""
        self._at_ns = at_ns
        # An instant of 0 would disarm the timer, and negative ones are refused.
        self._value.sec, self._value.nsec = divmod(max(1, at_ns), 1_000_000_000)
        self._settime(self._fd, _TFD_TIMER_ABSTIME, self._spec_ref, None)
        self._is_set = True

    def close(self) -> None:
        """Never call back again."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _ring(self) -> None:
        if monotonic_ns() < self._at_ns:
            return  # set again between the wake-up and this call, which has made the descriptor unreadable
        self._is_set = False
        self._callback()
        # Setting the timer again has made the descriptor unreadable; only otherwise must it be read for that.
        if not self._is_set and self._fd >= 0:
            with contextlib.suppress(BlockingIOError):
                os.read(self._fd, 8)


make_alarm: AlarmMaker = TimerfdAlarm if sys.platform == "linux" else LoopAlarm
