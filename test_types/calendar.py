"""The Gregorian calendar as Go's `time` package counts it: without end in both directions, and with a year 0.

Python's own ends at the years 1 and 9999; it is used for one cycle of 400 years, after which dates and days of the week
repeat.
"""

from datetime import date
from typing import Final, NamedTuple

CYCLE_YEARS: Final = 400
CYCLE_DAYS: Final = 146_097
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal() - 1
"""Of 1970-01-01, counted from 0001-01-01."""

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Day(NamedTuple):
    """A day: `month` and `of_month` count from 1, so does `of_year`; `weekday` counts from 0, Monday."""

    year: int
    month: int
    of_month: int
    of_year: int
    weekday: int


def day_at(number: int) -> Day:
    """The day with a number, counted from 1970-01-01 UTC, which is 0."""
    cycles, rest = divmod(number + _EPOCH_DAY, CYCLE_DAYS)
    found = date.fromordinal(rest + 1)
    of_year = found.toordinal() - date(found.year, 1, 1).toordinal() + 1
    return Day(found.year + CYCLE_YEARS * cycles, found.month, found.day, of_year, found.weekday())


def number_of(year: int, month: int, of_month: int) -> int:
    """The number of a day.

    Raises:
        ValueError: there is no such day.
    """
    cycles = (year - 1) // CYCLE_YEARS
    return date(year - CYCLE_YEARS * cycles, month, of_month).toordinal() - 1 + cycles * CYCLE_DAYS - _EPOCH_DAY
