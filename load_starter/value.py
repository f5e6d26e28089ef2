"""How scripts hold durations: as decimal numbers, a type of the interpreter that scripts have no other use for.

The interpreter compares, hashes and sorts decimals by itself, and zero is false. But it takes a whole decimal for equal
to the same integer; so the number is that of nanoseconds and a half, away from zero, and never whole unless it is zero.
"""

from decimal import Decimal
from typing import Final

from load_tester.domain.duration import Duration

_HALF: Final = Decimal("0.5")


def in_script(duration: Duration) -> Decimal:
    """The form in which the interpreter holds a duration."""
    if not duration.ns:
        return Decimal(0)
    return Decimal(duration.ns) + _HALF.copy_sign(Decimal(duration.ns))


def from_script(value: Decimal) -> Duration:
    """The duration which the interpreter holds as `value`."""
    return Duration(int(value))
