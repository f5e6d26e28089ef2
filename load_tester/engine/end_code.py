"""How a hit ended, as one number: the hot path appends it to a list, and booking counts equal ones at once.

It is the status of the response (or one of those below, which no response has), plus `CHECK_FAILED` if the test type
found something wrong with it, plus the mark of the target that the hit is counted as.
"""

from typing import Final, NamedTuple

TIMED_OUT: Final = 1
"""Stands for the status of a hit whose response had not come in time."""
ABORTED: Final = 2
"""Stands for the status of a hit that was aborted by a stop while it was in flight."""
CHECK_FAILED: Final = 10_000
_TARGET: Final = 100_000
_LEAST_STATUS: Final = 100


class End(NamedTuple):
    """What an end code says; `target` is a place in the targeter's `targets`."""

    target: int
    check_failed: bool
    status: int

    @property
    def is_answer(self) -> bool:
        """Whether there was a response."""
        return self.status >= _LEAST_STATUS


def mark(target: int) -> int:
    """What is added to the status of hits that are counted as this target."""
    return target * _TARGET


def read(code: int) -> End:
    """What the number says."""
    target, rest = divmod(code, _TARGET)
    check_failed, status = divmod(rest, CHECK_FAILED)
    return End(target, bool(check_failed), status)
