"""Where things stand in a JSON text, so that a mistake in a file can be shown by line and column.

The walkers take a text that is known to be JSON: they skip values with the decoder and find what is between them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Self

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_MAX_DIGITS: Final = 4000


def _whole(text: str) -> int | float:
    """A whole number; Python refuses to read very long ones exactly."""
    return int(text) if len(text) <= _MAX_DIGITS else float(text)


_DECODER: Final = json.JSONDecoder(parse_int=_whole)


class Place(NamedTuple):
    """A character of a text; `line` and `column` count from 1."""

    line: int
    column: int

    @classmethod
    def at(cls, text: str, offset: int) -> Self:
        """The place of the character number `offset`, from 0."""
        return cls(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class Member(NamedTuple):
    """A member of an object, with the offsets at which key and value begin."""

    key: str
    key_at: int
    value: Any
    value_at: int


def begin(text: str, offset: int = 0) -> int:
    """The offset of what comes next, behind blanks."""
    blanks = _BLANKS.match(text, offset)
    assert blanks is not None, "it matches nothing, too"
    return blanks.end()


def items(text: str, offset: int) -> Iterator[int]:
    """The offsets of the items of the array that begins at `offset`."""
    for at, _ in spans(text, offset):
        yield at


def spans(text: str, offset: int) -> Iterator[tuple[int, int]]:
    """Where the items of the array that begins at `offset` begin and end."""
    at = begin(text, offset + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _behind(text, end, ",")


def check_json(text: str) -> None:
    """See whether a text is JSON; numbers that are none in JSON, like `NaN`, and keys that are given twice are fine.

    Raises:
        json.JSONDecodeError: it is not.
        RecursionError: it is nested too deeply.
    """
    _DECODER.decode(text)


def members(text: str, offset: int) -> Iterator[Member]:
    """The members of the object that begins at `offset`, also those whose key has been there before."""
    at = begin(text, offset + 1)
    while text[at] != "}":
        key, end = _DECODER.raw_decode(text, at)
        value_at = _behind(text, end, ":")
        value, end = _DECODER.raw_decode(text, value_at)
        yield Member(key, at, value, value_at)
        at = _behind(text, end, ",")


def _behind(text: str, end: int, separator: str) -> int:
    """The offset of what comes after a value that ends at `end`, and after the separator if that is there."""
    at = begin(text, end)
    return begin(text, at + 1) if text[at] == separator else at
