"""Instants in RFC 3339, read and written with whole nanoseconds since 1970-01-01 UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from load_tester.domain.duration import MAX_NS, SECOND

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", flags=re.ASCII)


class InvalidInstant(ValueError):
    """A text that is not an RFC 3339 instant between 1970 and 2262."""


def parse_instant_ns(text: str) -> int:
    """Read an instant; up to nine digits of the second's fraction count.

    Raises:
        InvalidInstant: `text` is not RFC 3339, names no zone, or is before 1970 or beyond int64 nanoseconds.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise InvalidInstant(f"{text!r} is not an instant; write it like 2025-01-31T15:04:05Z")
    day, clock, fraction, zone = match[1], match[2], match[3] or "", match[4].upper()
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{zone}") - _EPOCH
    except (ValueError, OverflowError) as error:
        raise InvalidInstant(f"{text!r} is not an instant: {error}") from None
    ns = (whole // timedelta(seconds=1)) * SECOND + int(fraction.ljust(9, "0"))
    if not 0 <= ns <= MAX_NS:
        raise InvalidInstant(f"{text!r} is out of range: it must be between 1970 and 2262")
    return ns


def format_instant_ns(ns: int) -> str:
    """Write an instant as `2025-01-31T15:04:05.5Z`, with as many digits as it needs."""
    seconds, rest = divmod(ns, SECOND)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def to_datetime(ns: int) -> datetime:
    """The instant as a calendar time in UTC, cut off at whole microseconds."""
    return _EPOCH + timedelta(microseconds=ns // 1000)
