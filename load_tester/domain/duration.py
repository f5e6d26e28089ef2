"""Durations in integer nanoseconds, read and written in Go's syntax.

The syntax is that of Go's `time.ParseDuration` and `time.Duration.String`: `"300ms"`, `"-1.5h"`, `"2h45m"`; units
`ns`, `us` (or `µs`), `ms`, `s`, `m`, `h`; `"0"` needs no unit. The range is that of Go's int64 nanoseconds,
about ±292 years.
"""

import re
from typing import Final, Self, TypeGuard, overload

NANOSECOND: Final = 1
MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

MAX_NS: Final = 2**63 - 1
MIN_NS: Final = -(2**63)

# Go accepts both spellings of the micro sign: U+00B5 and the Greek letter U+03BC.
_UNITS: Final = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "\u00b5s": MICROSECOND,
    "\u03bcs": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_LONGEST: Final = 1000  # characters; beyond 4300 digits Python refuses to read a number at all
# The number is not in the message: it may have thousands of digits, which Python does not even print.
_OUT_OF_RANGE: Final = "a duration is out of range (at most about 292 years)"
_TERM = re.compile(r"([0-9]*)(?:\.([0-9]*))?([a-z\u00b5\u03bc]*)", re.IGNORECASE | re.ASCII)


class InvalidDuration(ValueError):
    """A text that is not a Go duration, or a duration outside of int64 nanoseconds."""


class Duration:
    """A span of time: an exact number of nanoseconds, within int64.

    Durations add, subtract, compare, hash and divide like numbers with a unit: `d + d`, `d - d`, `d * n`, `n * d`,
    `d / n` (truncated to whole nanoseconds, toward zero, as Go does), `d / d` (a float), `d // d` and `d % d`
    (floored, as Python does), `d // n`. Anything else (`d + 1`, `d * d`, `1 / d`) is a `TypeError`. A result
    outside of int64 nanoseconds raises `InvalidDuration`; a division by zero raises `ZeroDivisionError`.
    """

    __slots__ = ("ns",)

    ns: int

    def __init__(self, ns: int) -> None:
        if not MIN_NS <= ns <= MAX_NS:
            raise InvalidDuration(_OUT_OF_RANGE)
        object.__setattr__(self, "ns", ns)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a duration cannot be changed ({name})")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a duration in Go's syntax.

        Raises:
            InvalidDuration: `text` has no unit, an unknown unit, or is out of range.
        """
        return cls(parse_ns(text))

    @property
    def seconds(self) -> float:
        """The duration in seconds, for display and for arithmetic that need not be exact."""
        return self.ns / SECOND

    def __str__(self) -> str:
        return format_ns(self.ns)

    def __repr__(self) -> str:
        return f"Duration({format_ns(self.ns)!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[int]]:
        return type(self), (self.ns,)

    def __hash__(self) -> int:
        return hash((Duration, self.ns))

    def __eq__(self, other: object) -> bool:
        return self.ns == other.ns if isinstance(other, Duration) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self.ns < other.ns if isinstance(other, Duration) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.ns <= other.ns if isinstance(other, Duration) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.ns > other.ns if isinstance(other, Duration) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.ns >= other.ns if isinstance(other, Duration) else NotImplemented

    def __bool__(self) -> bool:
        return self.ns != 0

    def __neg__(self) -> "Duration":
        return Duration(-self.ns)

    def __pos__(self) -> "Duration":
        return self

    def __abs__(self) -> "Duration":
        return Duration(abs(self.ns))

    def __add__(self, other: object) -> "Duration":
        return Duration(self.ns + other.ns) if isinstance(other, Duration) else NotImplemented

    def __sub__(self, other: object) -> "Duration":
        return Duration(self.ns - other.ns) if isinstance(other, Duration) else NotImplemented

    def __mul__(self, factor: object) -> "Duration":
        if not _is_number(factor):
            return NotImplemented
        return Duration(self.ns * factor if isinstance(factor, int) else _truncated(self.ns * factor))

    __rmul__ = __mul__

    @overload
    def __truediv__(self, other: "Duration") -> float: ...
    @overload
    def __truediv__(self, other: float) -> "Duration": ...
    def __truediv__(self, other: object) -> "Duration | float":
        if isinstance(other, Duration):
            return self.ns / other.ns
        if not _is_number(other):
            return NotImplemented
        if isinstance(other, int):
            quotient = abs(self.ns) // abs(other)
            return Duration(quotient if (self.ns < 0) == (other < 0) else -quotient)
        return Duration(_truncated(self.ns / other))

    @overload
    def __floordiv__(self, other: "Duration") -> int: ...
    @overload
    def __floordiv__(self, other: float) -> "Duration": ...
    def __floordiv__(self, other: object) -> "Duration | int":
        if isinstance(other, Duration):
            return self.ns // other.ns
        if not _is_number(other):
            return NotImplemented
        return Duration(_truncated(self.ns // other))

    def __mod__(self, other: object) -> "Duration":
        return Duration(self.ns % other.ns) if isinstance(other, Duration) else NotImplemented


def parse_ns(text: str) -> int:
    """Read a duration in Go's syntax as nanoseconds; a fraction below one nanosecond is cut off.

    Raises:
        InvalidDuration: `text` has no unit, an unknown unit, or is out of range.
    """
    unsigned = text[1:] if text[:1] in ("-", "+") else text
    if unsigned == "0":
        return 0
    if not unsigned:
        raise InvalidDuration(f"{text!r} is not a duration; write it like 300ms, 1.5h or 2h45m")
    if len(unsigned) > _LONGEST:
        raise InvalidDuration(f"a text of {len(text)} characters is not a duration; write it like 300ms, 1.5h or 2h45m")
    total = 0
    position = 0
    while position < len(unsigned):
        match = _TERM.match(unsigned, position)
        assert match is not None, "every part of the pattern may be empty"
        whole, fraction, unit = match[1], match[2] or "", match[3]
        if not whole and not fraction:
            raise InvalidDuration(f"{text!r} is not a duration; write it like 300ms, 1.5h or 2h45m")
        if not unit:
            raise InvalidDuration(f"{text!r} lacks a unit; use one of ns, us, ms, s, m, h, like {whole or 0}s")
        if unit not in _UNITS:
            raise InvalidDuration(f"{text!r} has the unknown unit {unit!r}; use one of ns, us, ms, s, m, h")
        scale = _UNITS[unit]
        total += int(whole or "0") * scale
        if fraction:
            total += int(fraction) * scale // 10 ** len(fraction)
        position = match.end()
    total = -total if text[0] == "-" else total
    if not MIN_NS <= total <= MAX_NS:
        raise InvalidDuration(f"{text!r} is out of range (at most about 292 years)")
    return total


def format_ns(ns: int) -> str:
    """Write nanoseconds in Go's canonical form: `1m0s`, `1.5s`, `2ms`, `1µs`, `0s`."""
    if ns == 0:
        return "0s"
    sign, rest = ("-", -ns) if ns < 0 else ("", ns)
    if rest < SECOND:
        for scale, unit in ((MILLISECOND, "ms"), (MICROSECOND, "\u00b5s"), (NANOSECOND, "ns")):
            if rest >= scale:
                return f"{sign}{_decimal(rest, scale)}{unit}"
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    text = f"{_decimal(rest, SECOND)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(ns: int, scale: int) -> str:
    whole, rest = divmod(ns, scale)
    fraction = str(rest).rjust(len(str(scale)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _truncated(ns: float) -> int:
    try:
        return int(ns)
    except (OverflowError, ValueError):
        raise InvalidDuration(_OUT_OF_RANGE) from None
