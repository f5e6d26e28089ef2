"""Finding things in a JSON text."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.json_place import Place, begin, items, members

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
INDENTS = st.sampled_from([None, 0, 3])


def test_places_count_from_one() -> None:
    """The first character is in line 1, column 1; what comes behind a line's end is in the next line."""
    assert [str(Place.at("ab\nc", offset)) for offset in range(5)] == ["1:1", "1:2", "1:3", "2:1", "2:2"]


@given(st.lists(VALUES), INDENTS)
def test_every_item_of_an_array_is_found(values: list[Any], indent: int | None) -> None:
    """What begins at the offsets are the items, in order."""
    text = " \n" + json.dumps(values, indent=indent)
    decoder = json.JSONDecoder()
    assert [decoder.raw_decode(text, at)[0] for at in items(text, begin(text))] == values


@given(st.lists(st.tuples(st.text(), VALUES)), INDENTS)
def test_every_member_of_an_object_is_found(pairs: list[tuple[str, Any]], indent: int | None) -> None:
    """Also when its key has been there before; key and value stand where it is said."""
    inside = [f"{json.dumps(key)}: {json.dumps(value, indent=indent)}" for key, value in pairs]
    text = "{" + " ,\n".join(inside) + " }"
    found = list(members(text, 0))
    assert [(member.key, member.value) for member in found] == pairs
    for member in found:
        assert text.startswith(json.dumps(member.key), member.key_at)
        assert text.startswith(json.dumps(member.value, indent=indent), member.value_at)
