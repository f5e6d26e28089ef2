"""JSON from outside."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.strict_json import InvalidJson, read_json

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
