"""Paths to one place in JSON."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_types.json_path import InvalidJsonPath, NoSuchPlace, path_of, steps_of, value_at

steps = st.lists(st.integers(-5, 5) | st.text(max_size=5), max_size=5).map(tuple)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", ()),
        ("a", ("a",)),
        ("$.a", ("a",)),
        ("a.b_2.c-d", ("a", "b_2", "c-d")),
        ("$.items[0].id", ("items", 0, "id")),
        ("[0][-1]", (0, -1)),
        ("$['a name'].b[\"it's\"]", ("a name", "b", "it's")),
        (r"$['it\'s \\ it']", (r"it's \ it",)),
        ("$['']", ("",)),
        ("\u00e9t\u00e9", ("\u00e9t\u00e9",)),
    ],
)
def test_a_path_has_these_steps(path: str, found: tuple[str | int, ...]) -> None:
    """Names and indexes; the dollar may be left out."""
    assert steps_of(path) == found


@pytest.mark.parametrize(
    "path",
    [
        "$a",
        ".a",
        "a.",
        "a..b",
        "$..a",
        "a[*]",
        "a.*",
        "a[1:2]",
        "a[?(@.b)]",
        "a[01]",
        "a['b]",
        "a[b]",
        "a b",
        "a[-0x]",
        "$['\\n']",
    ],
)
def test_what_is_no_path_to_one_place_is_refused(path: str) -> None:
    """Wildcards, slices and filters may find several; the message says from where on it is not understood."""
    with pytest.raises(InvalidJsonPath, match="is not understood from"):
        steps_of(path)


@given(steps)
def test_a_path_that_is_written_is_read_as_it_was(found: tuple[str | int, ...]) -> None:
    """Whatever the names are."""
    assert steps_of(path_of(found)) == found


DOCUMENT: Any = {"a": [{"b": None}, 2], "0": "zero"}


@pytest.mark.parametrize(
    ("path", "value"), [("$", DOCUMENT), ("a[0].b", None), ("a[-1]", 2), ("$['0']", "zero"), ("a", DOCUMENT["a"])]
)
def test_the_value_is_what_is_there(path: str, value: Any) -> None:
    """Also when that is null."""
    assert value_at(steps_of(path), DOCUMENT) == value


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("b", "$.b"),
        ("a[2]", "$.a[2]"),
        ("a[-3]", "$.a[-3]"),
        ("a.b.c", "$.a.b"),
        ("a[0].b.c", "$.a[0].b.c"),
        ("[0]", "$[0]"),
    ],
)
def test_a_place_that_is_not_there_is_named(path: str, missing: str) -> None:
    """As far as the path goes."""
    with pytest.raises(NoSuchPlace) as refusal:
        value_at(steps_of(path), DOCUMENT)
    assert str(refusal.value) == f"there is no {missing}"
