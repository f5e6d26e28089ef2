"""Go's time layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` written as timestamps are to be.

A layout is taken apart as the documentation of Go's `time` package describes it. Go itself refuses no layout: what it
does not know is literal text. So a layout written for another tool (`%Y-%m-%d`, `YYYY-MM-DD`, an example such as
`2024-01-31`) would send nonsense; `pieces_of` refuses those, by rules that leave alone what anybody would want.
"""

import re
from typing import Final, NamedTuple

MAX_LAYOUT: Final = 200
"""Characters of a layout."""
MAX_FRACTION: Final = 9
"""Digits of a second: nanoseconds. Go takes more, and then reads them wrongly."""

_ELEMENT: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST"
    r"|0[1-6]|002|15|1|2006|2|_2(?!006)|__2|3|4|5|PM|pm"
    r"|[-Z]07(?:0000|:00:00|00|:00|)"
    r"|[.,](?:0+|9+)(?![0-9])"
)
_STRFTIME: Final = re.compile(r"%[-_0^#:]*[A-Za-z]")
_LETTERS: Final = re.compile(r"[A-Za-z]+")
# Words like YYYY or DDTHH: nothing but letters of units, each at least twice, and what ISO 8601 puts between them.
_DOUBLED: Final = re.compile(r"[TZ]*(?:([YyMDdHhmsS])\1+[TZ]*)+")
_DIGITS: Final = re.compile(r"[0-9]+")
_SAME: Final = (("1", "01"), ("2", "02", "_2"), ("002", "__2"), ("3", "03"), ("4", "04"), ("5", "05"))
"""Ways of writing the same number; a layout with two of one row is an example, or a slip."""
_HINT: Final = "a layout is written with Go's reference time, like 2006-01-02T15:04:05Z07:00"


class InvalidLayout(ValueError):
    """A text that is not meant as a Go time layout; the message says what gives it away."""


class Piece(NamedTuple):
    """A part of a layout: an element like `2006`, or literal text."""

    text: str
    is_element: bool


def pieces_of(layout: str) -> tuple[Piece, ...]:
    """Take a layout apart.

    Raises:
        InvalidLayout: it has no element; it has what looks like an element of another notation (`%Y`, `YYYY`); it has
            more digits of a second than there are; digits that are elements stand next to digits that are none; or a
            number is written in two ways. The last two are signs of an example timestamp, since almost any digit of
            one is an element by chance.
    """
    pieces = _split(layout)
    elements = {piece.text for piece in pieces if piece.is_element}
    if found := _foreign(layout, pieces):
        raise InvalidLayout(f"{layout!r} has {found!r}, which is no element of a layout; {_HINT}")
    if not elements:
        raise InvalidLayout(f"{layout!r} has no element; {_HINT}")
    if found := _half_digits(pieces, layout):
        raise InvalidLayout(f"{layout!r} has {found!r}, only a part of which are elements of a layout; {_HINT}")
    if any(element[0] in ".," and len(element) - 1 > MAX_FRACTION for element in elements):
        raise InvalidLayout(f"{layout!r} has a fraction of more than {MAX_FRACTION} digits")
    for ways in _SAME:
        if len(twice := [way for way in ways if way in elements]) > 1:
            raise InvalidLayout(f"{layout!r} has both {twice[0]!r} and {twice[1]!r}, which are the same; {_HINT}")
    return pieces


def _split(layout: str) -> tuple[Piece, ...]:
    pieces, position = [], 0
    for found in _ELEMENT.finditer(layout):
        if found.start() > position:
            pieces.append(Piece(layout[position : found.start()], is_element=False))
        pieces.append(Piece(found[0], is_element=True))
        position = found.end()
    if position < len(layout):
        pieces.append(Piece(layout[position:], is_element=False))
    return tuple(pieces)


def _foreign(layout: str, pieces: tuple[Piece, ...]) -> str:
    """What looks like an element of another notation; empty when nothing does."""
    if found := _STRFTIME.search(layout):
        return found[0]
    words = (word for piece in pieces if not piece.is_element for word in _LETTERS.findall(piece.text))
    return next((word for word in words if _DOUBLED.fullmatch(word)), "")


def _half_digits(pieces: tuple[Piece, ...], layout: str) -> str:
    """Digits in a row that are neither all elements nor all literal; empty when there are none."""
    of_element = "".join(("e" if piece.is_element else "l") * len(piece.text) for piece in pieces)
    rows = (found for found in _DIGITS.finditer(layout) if len(set(of_element[found.start() : found.end()])) > 1)
    return next((found[0] for found in rows), "")
