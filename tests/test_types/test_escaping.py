"""Values arrive as what they are, wherever they stand."""

import re
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_types.escaping import Place, in_header, in_json_text, in_url, percent_encoded, written

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@given(texts)
def test_a_part_of_a_path_is_one_part(text: str) -> None:
    """It is decoded to itself, and has nothing that could end it."""
    encoded = percent_encoded(text)
    assert unquote(encoded) == text
    assert re.fullmatch(r"[A-Za-z0-9._~%-]*", encoded)


@given(texts)
def test_a_raw_part_of_a_url_stays_in_the_request_line(text: str) -> None:
    """Only what can stand in no URL is encoded, so what was encoded before stays, also the second time."""
    encoded = in_url(text)
    assert re.fullmatch(r"[!$%&'()*+,\-./:;=?@\[\]_~A-Za-z0-9]*", encoded)
    assert in_url(encoded) == encoded
    assert unquote(encoded) == unquote(text)


@given(texts)
def test_a_value_cannot_end_the_line_of_a_header(text: str) -> None:
    """Line breaks and other controls become spaces; the rest is UTF-8, octet by octet."""
    octets = in_header(text).encode("latin-1")
    assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", octets)
    assert octets.decode() == re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", " ", text)


@given(texts, values)
def test_json_is_read_as_the_value(text: str, value: object) -> None:
    """As a value, and within the quotes of a text."""
    assert msgspec.json.decode(f'"{in_json_text(text)}"') == text
    assert msgspec.json.decode(written(value, Place.JSON_VALUE)) == value


@pytest.mark.parametrize(
    ("value", "place", "text"),
    [
        ("a/b c", Place.URL, "a%2Fb%20c"),
        ("/a b?c=d%20e#f", Place.RAW_URL, "/a%20b?c=d%20e%23f"),
        ("a\r\nX: y", Place.HEADER, "a  X: y"),
        ("\u20ac", Place.HEADER, "\u00e2\u0082\u00ac"),
        ("a\tb", Place.HEADER, "a\tb"),
        ('"\n', Place.TEXT, '"\n'),
        ('"\n', Place.JSON_TEXT, '\\"\\n'),
        ('"', Place.JSON_VALUE, '"\\""'),
        (7, Place.JSON_VALUE, "7"),
        (7, Place.URL, "7"),
        (True, Place.TEXT, "true"),
        (None, Place.TEXT, "null"),
        ([1, "a"], Place.URL, "%5B1%2C%22a%22%5D"),
        ({"a": 1}, Place.JSON_TEXT, '{\\"a\\":1}'),
    ],
)
def test_a_value_is_written_so(value: object, place: Place, text: str) -> None:
    """What is no text is written as JSON."""
    assert written(value, place) == text
