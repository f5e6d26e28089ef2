"""Reads timestamps by Go's time layouts, as Go's `time.Parse` does where the local zone is UTC.

That is: what a layout does not name is taken from the start of the year 0 in UTC; a number may lack its leading zero
where its element has none; a fraction may follow the seconds although the layout has none; names are read without
regard to case; a day of the week need not be that of the date; the abbreviation of a zone other than UTC says nothing
of its offset. Two oddities are not copied: a sign in the place of a digit, and a number out of range that a second
element of the same kind replaces.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from load_tester.domain.duration import SECOND
from test_types.calendar import MONTHS, WEEKDAYS, day_at, number_of
from test_types.layout import Piece, pieces_of

_Match = re.Match[str]


class UnreadableTimestamp(ValueError):
    """A text that does not fit its layout, or names an instant that does not exist; the message says where."""


@dataclass(slots=True)
class _Fields:
    """What was read of a timestamp so far; `None` for what decides nothing. Owned by `read_ns`."""

    year: int = 0
    month: int | None = None
    of_month: int | None = None
    of_year: int | None = None
    hour: int = 0
    minute: int = 0
    second: int = 0
    ns: int = 0
    half: str = ""
    is_utc: bool = False
    offset_s: int = 0


class _Step(NamedTuple):
    """How one piece of a layout is read."""

    pattern: re.Pattern[str]
    take: Callable[[_Fields, _Match], None]


def read_ns(layout: str, text: str) -> int:
    """The instant that a timestamp names, in nanoseconds since 1970-01-01 UTC.

    Raises:
        InvalidLayout: see `pieces_of`.
        UnreadableTimestamp: the text does not fit the layout, or there is no such instant.
    """
    fields, position = _Fields(), 0
    pieces = pieces_of(layout)
    for number, piece in enumerate(pieces):
        step = _step(piece, pieces[number + 1 :])
        match = step.pattern.match(text, position)
        if match is None:
            rest = text[position:]
            raise UnreadableTimestamp(f"{text!r} does not fit the layout {layout!r}: {rest!r} is no {piece.text!r}")
        try:
            step.take(fields, match)
        except ValueError as error:
            raise UnreadableTimestamp(f"{text!r} does not fit the layout {layout!r}: {error}") from None
        position = match.end()
    if position < len(text):
        raise UnreadableTimestamp(f"{text!r} does not fit the layout {layout!r}: {text[position:]!r} is too much")
    try:
        return _instant_ns(fields)
    except ValueError as error:
        raise UnreadableTimestamp(f"{text!r} names no instant: {error}") from None


def _instant_ns(fields: _Fields) -> int:
    hour = fields.hour
    if fields.half == "PM" and hour < 12:
        hour += 12
    elif fields.half == "AM" and hour == 12:
        hour = 0
    seconds = (_day_number(fields) * 24 + hour) * 3600 + fields.minute * 60 + fields.second
    return (seconds - (0 if fields.is_utc else fields.offset_s)) * SECOND + fields.ns


def _day_number(fields: _Fields) -> int:
    if fields.of_year is None:
        return number_of(fields.year, fields.month or 1, 1 if fields.of_month is None else fields.of_month)
    number = number_of(fields.year, 1, 1) + fields.of_year - 1
    day = day_at(number)
    if day.year != fields.year:
        raise ValueError("day of the year is out of range")
    if fields.month not in (None, day.month) or fields.of_month not in (None, day.of_month):
        raise ValueError("day of the year does not match the date")
    return number


def _step(piece: Piece, following: tuple[Piece, ...]) -> _Step:
    text = piece.text
    if not piece.is_element:
        # Any number of spaces stands for any number of them, or for none at the end.
        parts = [r"(?: +|\Z)" if part[0] == " " else re.escape(part) for part in re.findall(" +|[^ ]+", text)]
        return _Step(re.compile("".join(parts)), _take_nothing)
    if text[0] in ".,":
        return _fraction(text)
    if text in ("5", "05"):
        return _second(text, following)
    return _STEPS[text] if text in _STEPS else _offset(text)


def _number(pattern: str, name: str, low: int, high: int, unit: str) -> _Step:
    """A number between two limits, stored in the field of that name."""

    def take(fields: _Fields, match: _Match) -> None:
        value = int(match[0])
        if not low <= value <= high:
            raise ValueError(f"{unit} is out of range, {value}")
        setattr(fields, name, value)

    return _Step(re.compile(pattern), take)


def _name(names: tuple[str, ...], field: str | None) -> _Step:
    """One of some names; its number, from 1, is stored in the field of that name, if it decides anything."""
    numbers = {name.lower(): number for number, name in enumerate(names, 1)}

    def take(fields: _Fields, match: _Match) -> None:
        if field is not None:
            setattr(fields, field, numbers[match[0].lower()])

    return _Step(re.compile("|".join(names), re.ASCII | re.IGNORECASE), take)


def _take_nothing(_fields: _Fields, _match: _Match) -> None:
    """Literal text says nothing."""


def _take_short_year(fields: _Fields, match: _Match) -> None:
    year = int(match[0])
    fields.year = year + (1900 if year >= 69 else 2000)


def _take_half(fields: _Fields, match: _Match) -> None:
    fields.half = match[0].upper()


def _take_zone(fields: _Fields, match: _Match) -> None:
    fields.is_utc = fields.is_utc or match[0] == "UTC"


def _second(element: str, following: tuple[Piece, ...]) -> _Step:
    """Seconds; a fraction belongs to them unless it is what the layout names next."""
    after = next((piece.text for piece in following if piece.is_element), "")
    fraction = "" if after[:1] in (".", ",") and after else r"(?:[.,]([0-9]+))?"
    digits = "[0-9]{2}" if element == "05" else "[0-9]{1,2}"

    def take(fields: _Fields, match: _Match) -> None:
        fields.second = int(match[1])
        if fields.second > 59:
            raise ValueError(f"second is out of range, {fields.second}")
        if fraction and match[2]:
            fields.ns = _nanoseconds(match[2])

    return _Step(re.compile(f"({digits}){fraction}"), take)


def _fraction(element: str) -> _Step:
    """`.000`: as many digits as there are zeros; `.999`: any number of them, or no fraction at all."""
    digits = f"[.,]([0-9]{{{len(element) - 1}}})" if element[1] == "0" else r"(?:[.,]([0-9]+))?"

    def take(fields: _Fields, match: _Match) -> None:
        if match[1]:
            fields.ns = _nanoseconds(match[1])

    return _Step(re.compile(digits), take)


def _nanoseconds(digits: str) -> int:
    return int(digits[:9].ljust(9, "0"))


def _offset(element: str) -> _Step:
    """`-07:00` and the like; `Z07:00` and the like may also be a `Z`."""
    two = "([0-9]{2})"
    form = "([+-])" + element[1:].replace("07", two).replace("00", two)

    def take(fields: _Fields, match: _Match) -> None:
        if match[0] == "Z":
            fields.is_utc = True
            return
        sign, *numbers = match.groups()
        hours, minutes, seconds = (*map(int, numbers), 0, 0)[:3]
        if hours > 24 or minutes > 60 or seconds > 60:  # these are still offsets for Go
            raise ValueError(f"offset of the zone is out of range, {match[0]}")
        total = (hours * 60 + minutes) * 60 + seconds
        fields.offset_s = -total if sign == "-" else total

    return _Step(re.compile(f"Z|{form}" if element[0] == "Z" else form), take)


_HOURS_OFF: Final = r"[+-]0*(?:2[0-3]|1?[0-9])(?![0-9])"
_ZONE: Final = rf"UTC|ChST|MeST|GMT(?:{_HOURS_OFF})?|{_HOURS_OFF}|(?:[A-Z]{{4}}T|[A-Z]{{3}}T|WITA|[A-Z]{{3}})(?![A-Z])"

_STEPS: Final = {
    "2006": _number("[0-9]{4}", "year", 0, 9999, "year"),
    "06": _Step(re.compile("[0-9]{2}"), _take_short_year),
    "January": _name(MONTHS, "month"),
    "Jan": _name(tuple(name[:3] for name in MONTHS), "month"),
    "1": _number("[0-9]{1,2}", "month", 1, 12, "month"),
    "01": _number("[0-9]{2}", "month", 1, 12, "month"),
    "Monday": _name(WEEKDAYS, None),
    "Mon": _name(tuple(name[:3] for name in WEEKDAYS), None),
    "2": _number("[0-9]{1,2}", "of_month", 1, 31, "day"),
    "_2": _number(" ?[0-9]{1,2}", "of_month", 1, 31, "day"),
    "02": _number("[0-9]{2}", "of_month", 1, 31, "day"),
    "__2": _number(" {0,2}[0-9]{1,3}", "of_year", 1, 366, "day of the year"),
    "002": _number("[0-9]{3}", "of_year", 1, 366, "day of the year"),
    "15": _number("[0-9]{1,2}", "hour", 0, 23, "hour"),
    "3": _number("[0-9]{1,2}", "hour", 0, 12, "hour"),
    "03": _number("[0-9]{2}", "hour", 0, 12, "hour"),
    "4": _number("[0-9]{1,2}", "minute", 0, 59, "minute"),
    "04": _number("[0-9]{2}", "minute", 0, 59, "minute"),
    "PM": _Step(re.compile("AM|PM"), _take_half),
    "pm": _Step(re.compile("am|pm"), _take_half),
    "MST": _Step(re.compile(_ZONE), _take_zone),
}
