"""Templates are filled as they were written, and a variable has one value in a request."""

from base64 import b64decode
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_types import values
from test_types.escaping import Place
from test_types.renderer import Base64, Parts, Scope, Slot, slots_of
from test_types.values import IntConfig, StringConfig
from test_types.variable import Column, Provided, Variables, built_in

PLACES = tuple(Place)
parts_of_texts = st.lists(
    st.text("a%s{$", max_size=4) | st.builds(Slot, st.sampled_from(["number", "letter"]), st.sampled_from(PLACES)),
    max_size=6,
).map(tuple)


def variables(random: Random) -> Variables:
    """A number and a letter, each of a few."""
    return {
        "number": Provided(values.RandomInt(config=IntConfig(min=0, max=10**6)), random),
        "letter": Provided(values.RandomString(config=StringConfig(min_size=5, max_size=5)), random),
    }


def filled(parts: Parts, values_of: dict[str, str]) -> str:
    """The template with these values; a letter as JSON value has its quotes."""
    texts = []
    for part in parts:
        text = values_of[part.name] if isinstance(part, Slot) else str(part)
        texts.append(f'"{text}"' if part == ("letter", Place.JSON_VALUE) else text)
    return "".join(texts)


@given(parts_of_texts, st.integers(0, 2**32))
def test_texts_stay_and_places_are_filled(parts: Parts, seed: int) -> None:
    """In all of the templates of one request with the same values, each in the form for its place."""
    names: Parts = (Slot("number", Place.TEXT), " ", Slot("letter", Place.TEXT))
    scope = Scope(variables(Random(seed)), [parts, names])
    render, render_names = scope.renderer(parts), scope.renderer(names)
    for seq in range(3):
        text = render(seq, 0)
        number, letter = render_names(seq, 0).split(" ")
        assert text == filled(parts, {"number": number, "letter": letter})


def test_base64_is_of_what_its_parts_come_to() -> None:
    """Also of a variable that stands elsewhere, too."""
    parts: Parts = ("Basic ", Base64(("user:", Slot("letter", Place.TEXT))), " ", Slot("letter", Place.TEXT))
    scope = Scope(variables(Random(1)), [parts])
    _, encoded, letter = scope.renderer(parts)(0, 0).split(" ")
    assert b64decode(encoded).decode() == f"user:{letter}"
    assert [slot.name for slot in slots_of(parts)] == ["letter", "letter"]


def test_a_scope_knows_how_large_its_values_are() -> None:
    """And whether there are any."""
    text: Parts = ("x", Slot("letter", Place.TEXT), Slot("letter", Place.URL))
    scope = Scope(variables(Random(1)), [text, ("y",)])
    assert (scope.is_static, scope.most_bytes) == (False, 2 * 7)  # a text may have quotes
    assert Scope({}, [("y",)]).is_static
    assert Column(["a", "\u00e9\u00e9", [1]], lambda _seq, _now_ns: 0).most_bytes == 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seq", "7"),
        ("now", "2025-01-02T15:04:05.123Z"),
        ("now.date", "2025-01-02"),
        ("now.s", "1735830245"),
        ("now.ms", "1735830245123"),
        ("now.us", "1735830245123456"),
        ("now.ns", "1735830245123456789"),
    ],
)
def test_what_is_built_in_says_what_it_is_named(name: str, text: str) -> None:
    """Of the hit, and of when it is due."""
    made = built_in(Random(1))[name].made(Place.TEXT, once=True)
    assert made(7, 1_735_830_245_123_456_789) == text
