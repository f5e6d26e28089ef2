"""How scripts hold durations: as decimal numbers, a type of the interpreter that scripts have no other use for.

The interpreter compares, hashes and sorts decimals by itself. But it takes a whole decimal for equal to the same
integer, and where it writes one into a text or a message, it writes a number. So the number is not that of nanoseconds:
it is moved to where every duration has 20 digits in front of the point, and has a fraction of its own. Therefore no
duration is equal to an integer (none is equal to a float, as the interpreter does not compare floats with decimals), no
float is ever written like one, and `spelled` can tell durations from everything else in a text.

Truth is the one thing that a decimal cannot have then, as only zero is false: `load_starter.rewrite` sees to that.
"""

import re
from decimal import Decimal
from typing import Final

from load_tester.domain.duration import MAX_NS, MIN_NS, Duration, format_ns

MARK: Final = ".61803399"
"""What is behind the point of every duration; arbitrary digits, of which the last is not 0."""

_ORIGIN: Final = 2 * 10**19  # so far from zero that its distance to any int64 has 20 digits, too
_HELD: Final = re.compile(rf"(?<![0-9.])[12][0-9]{{19}}{re.escape(MARK)}(?![0-9])")


def in_script(duration: Duration) -> Decimal:
    """The form in which the interpreter holds a duration."""
    return Decimal(f"{_ORIGIN + duration.ns}{MARK}")


def from_script(value: Decimal) -> Duration:
    """The duration which the interpreter holds as `value`."""
    return Duration(int(value) - _ORIGIN)


def spelled(text: str) -> str:
    """A text of the interpreter with its durations in Go's form."""
    return _HELD.sub(_spelled, text) if MARK in text else text


def _spelled(match: re.Match[str]) -> str:
    ns = int(match[0].removesuffix(MARK)) - _ORIGIN
    return format_ns(ns) if MIN_NS <= ns <= MAX_NS else match[0]
