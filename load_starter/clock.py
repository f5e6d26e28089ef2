"""Time, as execution needs it: handed in, so that tests need not wait."""

from datetime import UTC, datetime
from typing import Protocol

import anyio


class Clock(Protocol):
    """Where execution takes its time from."""

    def monotonic(self) -> float:
        """Seconds from any beginning; never goes back."""

    def now(self) -> datetime:
        """The calendar, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The true time."""

    def monotonic(self) -> float:
        """Seconds of the event loop."""
        return anyio.current_time()

    def now(self) -> datetime:
        """The calendar, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)
