"""JSON from outside."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.strict_json import InvalidJson, read_items, read_json

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_read_as_it_was_written(value: object) -> None:
    """What any JSON writer writes is read as the same value."""
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        (b'{"a": 1, "a": 1}', "$.a", "given twice"),
        (b'[{"b": {"a": 1, "a": 2}}]', "$[0].b.a", "given twice"),
        (b"[NaN]", "$", "NaN is not a number"),
        (b"-Infinity", "$", "-Infinity is not a number"),
        (b'{"a": [1e999]}', "$.a[0]", "too large"),
        (b'{"a": "\\ud800"}', "$.a", "surrogate"),
        (b'{"\\ud800": 1}', "$", "surrogate"),
        (b"9" * 5000, "$", "too many digits"),
        (b"[" * 200_000, "$", "nested too deeply"),
        (b'{"a": 1} x', "$", "Extra data at line 1, column 10"),
        (b"\xef\xbb\xbf{}", "$", "not JSON"),
    ],
)
def test_what_is_not_one_clear_value_is_refused(body: bytes, path: str, words: str) -> None:
    """What a lenient reader would change or overlook is an error with a path."""
    with pytest.raises(InvalidJson) as caught:
        read_json(body)
    assert (caught.value.path, words in caught.value.message) == (path, True), caught.value.message


@given(st.lists(VALUES), st.sampled_from([None, 1]))
def test_the_items_of_an_array_are_read_one_by_one(values: list[object], indent: int | None) -> None:
    """Each is what was written; what is no array has no items."""
    items = read_items(b" \n" + json.dumps(values, indent=indent).encode())
    assert items is not None
    assert [read_json(item) for item in items] == values
    assert read_items(json.dumps({"a": values}).encode()) is None


@pytest.mark.parametrize("item", [b'{"a": 1, "a": 1}', b"NaN", b'"\\ud800"', b"9" * 5000, b"1e999"])
def test_an_item_that_is_wrong_does_not_spoil_the_others(item: bytes) -> None:
    """It is handed over as it is, for whoever reads it to refuse."""
    assert read_items(b"[1, %s,2]" % item) == [b"1", item, b"2"]


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"[1,]", "not JSON"), (b"[1] x", "Extra data"), (b"[\xff]", "not UTF-8"), (b"[" * 200_000, "nested too deeply")],
)
def test_an_array_that_is_not_json_has_no_items(body: bytes, words: str) -> None:
    """It is refused as a whole."""
    with pytest.raises(InvalidJson, match=words):
        read_items(body)
