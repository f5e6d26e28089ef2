"""Names of runs: in the order of time, and short enough to be typed."""

from collections.abc import Callable

from load_tester.domain.duration import SECOND
from load_tester.domain.instant import to_datetime

_FRACTIONS = 1 << 24


class RunIds:
    """Makes ids like `20261121-101530-3fa9c1`: the UTC second, and its fraction in units of 2⁻²⁴ s as six hex digits.

    Each is greater than the one before, also when the clock stands still or is set back.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._last = 0

    def new(self) -> str:
        """The next id."""
        self._last = max(self._last + 1, self._now_ns() * _FRACTIONS // SECOND)
        seconds, fraction = divmod(self._last, _FRACTIONS)
        return f"{to_datetime(seconds * SECOND):%Y%m%d-%H%M%S}-{fraction:06x}"
