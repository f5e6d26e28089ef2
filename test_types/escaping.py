"""How the values of templates are written where they stand, so that each arrives as what it was.

A value cannot end what it stands in: not a segment of a path, not a text of JSON, not a line of a header.
"""

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import quote

import msgspec

_IN_URLS: Final = "!$%&'()*+,-./:;=?@[]_~"
"""What may stand in a path and its query (RFC 3986 §3.3, §3.4), besides letters and digits; `%` begins an octet that has
been encoded already."""

CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What cannot stand in the value of a header (RFC 9110 §5.5)."""


class Place(Enum):
    """Where a value stands."""

    URL = auto()
    """In a path or a query, where the value is a part of its own: everything but unreserved characters is encoded."""
    RAW_URL = auto()
    """There, too, but the value may be several parts: encoded is only what can stand in no URL."""
    HEADER = auto()
    """In the value of a header."""
    TEXT = auto()
    """In a text that has no rules."""
    JSON_TEXT = auto()
    """Between the quotes of a JSON text."""
    JSON_VALUE = auto()
    """Instead of a JSON value."""


def percent_encoded(text: str) -> str:
    """All but the unreserved characters of RFC 3986 §2.3, as octets of UTF-8."""
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


def in_url(text: str) -> str:
    """Only what can stand neither in a path nor in a query, as octets of UTF-8; octets encoded already stay."""
    return quote(text, safe=_IN_URLS)


def in_header(text: str) -> str:
    """UTF-8, as characters of Latin-1, which the engine sends as octets; line breaks and other controls as spaces.

    That is what the RFC has recipients do with them.
    """
    if text.isascii() and text.isprintable():
        return text
    return CONTROLS.sub(" ", text).encode().decode("latin-1")


def in_json_text(text: str) -> str:
    """Without the quotes around it."""
    return msgspec.json.encode(text).decode()[1:-1]


def as_it_is(text: str) -> str:
    """The text."""
    return text


def text_of(value: Any) -> str:
    """A JSON value as a text: a text is itself, anything else what JSON writes."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


ESCAPES: Final[dict[Place, Callable[[str], str]]] = {
    Place.URL: percent_encoded,
    Place.RAW_URL: in_url,
    Place.HEADER: in_header,
    Place.TEXT: as_it_is,
    Place.JSON_TEXT: in_json_text,
}


def written(value: Any, place: Place) -> str:
    """A JSON value as it is written in that place."""
    if place is Place.JSON_VALUE:
        return msgspec.json.encode(value).decode()
    return ESCAPES[place](text_of(value))
