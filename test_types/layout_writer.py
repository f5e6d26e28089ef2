"""Timestamps by Go's time layouts, in UTC, made fast.

What Go's `time.Time.Format` writes for an instant in UTC. A layout is compiled once into blocks of elements that change
together: those of the day, of the minute, of the second and of the fraction. The texts of a block are looked up, so an
instant costs two divisions and a few look-ups whatever the layout: about half a microsecond.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from load_tester.domain.duration import SECOND
from test_types.calendar import MONTHS, WEEKDAYS, Day, day_at
from test_types.layout import Piece, pieces_of

Writer = Callable[[int], str]
"""Writes an instant, in nanoseconds since 1970-01-01 UTC; of any year, also before."""

Escape = Callable[[str], str]

DAY, MINUTE, OF_MINUTE, FRACTION = range(4)
"""What the elements of a block depend on: the day, the minute of the day, the second of the minute, and the rest."""

_DAY_S: Final = 86_400
_RESOLUTION_NS: Final = (_DAY_S * SECOND, 60 * SECOND, SECOND)
_DAYS_KEPT: Final = 16_384
_TABLE_DIGITS: Final = 3
"""Fractions with so many digits are looked up; longer ones are put together."""


class _Part(NamedTuple):
    """A piece that can be written from one number: that of its level. A literal, of level -1, needs none."""

    level: int
    write: Callable[[int], str]


def layout_writer(layout: str, escape: Escape = str) -> Writer:
    """What writes instants by a layout.

    `escape` is applied to the literal texts of the layout; elements are written in letters, digits and `+-.,: `.

    Raises:
        InvalidLayout: see `pieces_of`.
    """
    parts = [_part(piece, escape) for piece in pieces_of(layout)]
    end = len(parts)
    while end and parts[end - 1].level < 0:
        end -= 1
    tail = "".join(part.write(0) for part in parts[end:])
    blocks = _blocks(parts[:end])
    levels = [level for level, _ in blocks]
    if levels != sorted(set(levels)):
        return _general(blocks, tail)
    of = dict(blocks)
    return _ordered(
        of.get(DAY, _nothing), of.get(MINUTE, _nothing), of.get(OF_MINUTE, _nothing), of.get(FRACTION, _nothing), tail
    )


def resolution_ns(layout: str) -> int:
    """How far instants are apart, at least, so that their texts can differ: of a second's tenth, 100 000 000."""
    parts = [_part(piece, str) for piece in pieces_of(layout)]
    finest = max(part.level for part in parts)
    if finest < 0:
        return _RESOLUTION_NS[DAY]  # nothing but a zone
    if finest < FRACTION:
        return _RESOLUTION_NS[finest]
    digits = max(len(piece.text) - 1 for piece in pieces_of(layout) if _is_fraction(piece.text))
    return int(10 ** (9 - digits))


def _nothing(_number: int) -> str:
    return ""


def _ordered(day_text: Writer, minute_text: Writer, second_text: Writer, fraction_text: Writer, tail: str) -> Writer:
    """The order of almost all layouts, larger units first; what is missing has no text."""
    if fraction_text is _nothing:

        def write_seconds(unix_ns: int) -> str:
            day, second = divmod(unix_ns // SECOND, _DAY_S)
            return f"{day_text(day)}{minute_text(second // 60)}{second_text(second % 60)}{tail}"

        return write_seconds

    def write(unix_ns: int) -> str:
        seconds, fraction = divmod(unix_ns, SECOND)
        day, second = divmod(seconds, _DAY_S)
        return f"{day_text(day)}{minute_text(second // 60)}{second_text(second % 60)}{fraction_text(fraction)}{tail}"

    return write


def _general(blocks: list[tuple[int, Writer]], tail: str) -> Writer:
    """Any order."""

    def write(unix_ns: int) -> str:
        seconds, fraction = divmod(unix_ns, SECOND)
        day, second = divmod(seconds, _DAY_S)
        numbers = (day, second // 60, second % 60, fraction)
        return "".join([block_text(numbers[level]) for level, block_text in blocks]) + tail

    return write


def _blocks(parts: list[_Part]) -> list[tuple[int, Writer]]:
    """Neighbours of one level together; a literal goes with what stands before it, at the start with what follows."""
    level = next((part.level for part in parts if part.level >= 0), DAY)
    levelled = []
    for part in parts:
        level = part.level if part.level >= 0 else level
        levelled.append(_Part(level, part.write))
    return [
        (level, _looked_up(level, [part.write for part in group]))
        for level, group in groupby(levelled, lambda part: part.level)
    ]


def _looked_up(level: int, writes: list[Callable[[int], str]]) -> Writer:
    """The text of a block, from a table where its numbers are few."""

    def write(number: int) -> str:
        return "".join([write(number) for write in writes])

    if level == DAY:
        return lru_cache(_DAYS_KEPT)(write)
    if level == FRACTION:
        return write if len(writes) > 1 else writes[0]
    return tuple(map(write, range(1440 if level == MINUTE else 60))).__getitem__


def _part(piece: Piece, escape: Escape) -> _Part:
    text = piece.text
    if not piece.is_element:
        literal = escape(text)
        return _Part(-1, lambda _: literal)
    if text in _OF_DAY:
        write_day = _OF_DAY[text]
        return _Part(DAY, lambda number: write_day(day_at(number)))
    if text in _OF_MINUTE_OF_DAY:
        return _Part(MINUTE, _OF_MINUTE_OF_DAY[text])
    if text in _OF_SECOND:
        return _Part(OF_MINUTE, _OF_SECOND[text])
    if _is_fraction(text):
        return _Part(FRACTION, _fraction(text))
    zone = _zone(text)
    return _Part(-1, lambda _: zone)


def _is_fraction(text: str) -> bool:
    return text[0] in ".,"


def _fraction(element: str) -> Callable[[int], str]:
    """`.000`: as many digits as there are zeros; `.999`: without zeros at the end, and without a point before none."""
    separator, size = element[0], len(element)
    if element[1] == "9":
        return lambda ns: f"{separator}{ns:09}"[:size].rstrip("0").rstrip(separator)
    if size - 1 > _TABLE_DIGITS:
        return lambda ns: f"{separator}{ns:09}"[:size]
    unit = 10 ** (10 - size)
    table = tuple(f"{separator}{number:0{size - 1}}" for number in range(10 ** (size - 1)))
    return lambda ns: table[ns // unit]


def _zone(element: str) -> str:
    """UTC, as the element writes it."""
    if element == "MST":
        return "UTC"
    return "Z" if element[0] == "Z" else element.replace("-07", "+00")


def _year(year: int) -> str:
    return f"{year:04}" if year >= 0 else f"-{-year:04}"


def _hour12(minute: int) -> int:
    return minute // 60 % 12 or 12


_OF_DAY: Final[dict[str, Callable[[Day], str]]] = {
    "2006": lambda day: _year(day.year),
    "06": lambda day: f"{abs(day.year) % 100:02}",
    "January": lambda day: MONTHS[day.month - 1],
    "Jan": lambda day: MONTHS[day.month - 1][:3],
    "1": lambda day: str(day.month),
    "01": lambda day: f"{day.month:02}",
    "Monday": lambda day: WEEKDAYS[day.weekday],
    "Mon": lambda day: WEEKDAYS[day.weekday][:3],
    "2": lambda day: str(day.of_month),
    "_2": lambda day: f"{day.of_month:2}",
    "02": lambda day: f"{day.of_month:02}",
    "__2": lambda day: f"{day.of_year:3}",
    "002": lambda day: f"{day.of_year:03}",
}
_OF_MINUTE_OF_DAY: Final[dict[str, Callable[[int], str]]] = {
    "15": lambda minute: f"{minute // 60:02}",
    "3": lambda minute: str(_hour12(minute)),
    "03": lambda minute: f"{_hour12(minute):02}",
    "4": lambda minute: str(minute % 60),
    "04": lambda minute: f"{minute % 60:02}",
    "PM": lambda minute: "AM" if minute < 720 else "PM",
    "pm": lambda minute: "am" if minute < 720 else "pm",
}
_OF_SECOND: Final[dict[str, Callable[[int], str]]] = {
    "5": str,
    "05": lambda second: f"{second:02}",
}
