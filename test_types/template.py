"""Templates: texts with places for values, written `${name}`.

`${` stands in no JSON, no URL and no header by itself, which cannot be said of `{{`: half of all JSON ends in `}}`. It is
what JMeter and k6 scripts write, too. Before a `{`, two dollars stand for one that is meant as it is: `$${name}` is the
text `${name}`, and `$$${price}` is a dollar and a price. A dollar anywhere else is a dollar.
"""

import re
from typing import Final, NamedTuple

_OPENING: Final = re.compile(r"(\$+)\{")


class InvalidTemplate(ValueError):
    """A text that is no template; the message says what is wrong with it."""


class Placeholder(NamedTuple):
    """A place for a value; `inside` is what stands between the braces."""

    inside: str


Piece = str | Placeholder


def pieces_of(text: str) -> tuple[Piece, ...]:
    """Take a template apart: its literal texts, and the places between them.

    Raises:
        InvalidTemplate: a place has no end, or no name.
    """
    pieces: list[Piece] = []
    literal, position = "", 0
    while opening := _OPENING.search(text, position):
        dollars = len(opening[1])
        literal += text[position : opening.start()] + "$" * (dollars // 2)
        position = opening.end()
        if dollars % 2 == 0:
            literal += "{"
            continue
        inside, closing, _ = text[position:].partition("}")
        if not closing or not inside:
            start = text[opening.end() - 2 :][:20]
            what = "names no variable" if closing else "has no } behind it"
            raise InvalidTemplate(f"{start!r} {what}; write $${{ for a text that begins with ${{")
        pieces += [literal, Placeholder(inside)] if literal else [Placeholder(inside)]
        literal, position = "", position + len(inside) + 1
    literal += text[position:]
    return (*pieces, literal) if literal else tuple(pieces)
