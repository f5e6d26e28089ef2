"""Value providers: every one, what it makes, and what is refused."""

import json
import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any
from uuid import RFC_4122, UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import Duration
from load_tester.domain.project import MadeUpProjects
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.layout_reader import read_ns
from test_types.value_maker import Maker, Partition, maker
from test_types.values import ValueProvider, check_provider, most_bytes

NOW_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z


def provider(value_type: str, **config: Any) -> ValueProvider:
    """A provider as it is declared on the wire, checked."""
    data = {"valueType": value_type, "config": config}
    made: ValueProvider = msgspec.convert(data, ValueProvider, dec_hook=lambda kind, text: kind.parse(text))
    check_provider(made, "")
    return made


def made_by(value_type: str, seed: int = 1, **config: Any) -> Maker:
    """What makes the values of a provider."""
    return maker(provider(value_type, **config), Random(seed))


def nested(value_type: str, **config: Any) -> dict[str, Any]:
    """A provider inside of another one."""
    return {"valueType": value_type, "config": config}


def drawn(make: Maker, count: int = 1000) -> list[Any]:
    """The values of the first rows."""
    return [make.value(index, NOW_NS) for index in range(count)]


ROW_A = {"valueType": "const", "config": {"value": "A"}}
ABC: dict[str, Any] = {"alphabet": ["a", 'b "', "<é>"]}
JANUARY: dict[str, Any] = {"start": "2025-01-01", "end": "2025-01-31", "format": "2006-01-02"}
STEPS: dict[str, Any] = {"start": "2025-01-01T00:00:00Z", "step": "1h30m", "format": "2006-01-02T15:04:05Z07:00"}
EVERY = [
    ("const", {"value": {"a": [1, None, "<b>"]}}),
    ("const", {"value": None}),
    ("const", {"value": "it's \"x\""}),
    ("sequence", {}),
    ("partitionedSequence", {}),
    ("randomSet", ABC),
    ("sequenceSet", ABC),
    ("timestamp", {}),
    ("timestamp", {"format": '"2006"\\ <15:04:05.000>'}),
    ("randomTimestamp", JANUARY),
    ("sequentialTimestamp", STEPS),
    ("uuid", {}),
    ("randomInt", {"min": -5, "max": 5}),
    ("randomInt", {"min": -(2**63), "max": 2**63 - 1}),
    ("randomFloat", {"min": -0.5, "max": 2}),
    ("randomFloat", {"min": -1e300, "max": 1e300}),
    ("randomString", {"minSize": 0, "maxSize": 9}),
    ("randomArray", {"minSize": 0, "maxSize": 3, "valueProvider": nested("randomSet", **ABC)}),
    (
        "randomMap",
        {"minSize": 0, "maxSize": 3, "keyProvider": nested("randomSet", **ABC), "valueProvider": nested("sequence")},
    ),
    (
        "randomArray",
        {
            "minSize": 1,
            "maxSize": 2,
            "valueProvider": nested(
                "randomMap", minSize=1, maxSize=1, keyProvider=nested("uuid"), valueProvider=nested("const", value=1.5)
            ),
        },
    ),
]  # fmt: skip
every_provider = pytest.mark.parametrize(("value_type", "config"), EVERY)


@every_provider
def test_all_forms_of_a_value_are_the_same(value_type: str, config: dict[str, Any]) -> None:
    """From the same seed the value itself, its JSON and its text agree; the column is as long as asked for."""
    for index in range(50):
        value, text, written = (
            getattr(made_by(value_type, index, **config), form)(index, NOW_NS) for form in ("value", "text", "json")
        )
        assert json.loads(written) == value
        assert text == (value if isinstance(value, str) else written)
        assert not set("<>&") & set(written)
        column = made_by(value_type, index, **config).column(index, 3, NOW_NS)
        assert len(column) == 3
        assert {type(json.loads(cell)) for cell in column} == {type(value)}
        assert max(len(cell.encode()) for cell in (*column, written)) <= most_bytes(provider(value_type, **config))


@every_provider
def test_the_same_seed_makes_the_same_values(value_type: str, config: dict[str, Any]) -> None:
    """All randomness comes from the random generator that is handed in."""
    first, second = (list(made_by(value_type, 7, **config).column(0, 100, NOW_NS)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("value", [None, True, 5, -1.5, "x", [], {"a": {}}])
def test_a_constant_is_any_json(value: Any) -> None:
    """Whatever it is, it is sent."""
    assert drawn(made_by("const", value=value), 3) == [value] * 3


def test_a_sequence_is_the_number_of_the_row() -> None:
    """From 0, whatever was asked for before."""
    make = made_by("sequence")
    assert (make.value(7, 0), make.json(0, 0), make.column(41, 3, 0)) == (7, "0", ["41", "42", "43"])


@given(st.integers(1, 5), st.integers(0, 1000))
def test_partitions_share_the_numbers_without_rest(of: int, count: int) -> None:
    """All parts together have each number once."""
    declared = provider("partitionedSequence")
    parts = [maker(declared, Random(1), Partition(of, number)) for number in range(of)]
    cells = [int(cell) for part in parts for cell in part.column(0, count, 0)]
    assert sorted(cells) == list(range(of * count))
    assert parts[-1].value(3, 0) == of - 1 + 3 * of == int(parts[-1].text(3, 0))


def test_a_set_is_drawn_evenly() -> None:
    """Every text comes as often as the others."""
    for cells in (drawn(made_by("randomSet", **ABC), 3000), made_by("randomSet", **ABC).column(0, 3000, 0)):
        counts = Counter(cells)
        assert len(counts) == 3
        assert all(900 < count < 1100 for count in counts.values())


@given(st.integers(0, 100), st.integers(0, 20))
def test_a_sequence_set_takes_turns(first: int, count: int) -> None:
    """Row 0 has the first text, and after the last one comes the first."""
    make = made_by("sequenceSet", **ABC)
    expected = [ABC["alphabet"][index % 3] for index in range(first, first + count)]
    assert [make.text(index, 0) for index in range(first, first + count)] == expected
    assert [json.loads(cell) for cell in make.column(first, count, 0)] == expected


def test_a_timestamp_is_when_the_hit_is_due() -> None:
    """Written by the layout, in RFC 3339 without one; the next hit has its own."""
    assert made_by("timestamp").value(3, NOW_NS) == "2025-01-02T15:04:05Z"
    make = made_by("timestamp", format="15:04:05.000")
    assert [make.value(0, NOW_NS + later) for later in (0, 400_000, 600_000)] == [
        "15:04:05.123",
        *["15:04:05.123", "15:04:05.124"],
    ]


def test_random_timestamps_are_spread_from_start_to_end() -> None:
    """Both days are reached, and none beside."""
    seen = drawn(made_by("randomTimestamp", start="2025-01-01 00", end="2025-01-01 09", format="2006-01-02 15"), 5000)
    assert set(seen) <= {f"2025-01-01 0{hour}" for hour in range(10)}
    counts = Counter(seen)
    assert all(450 < counts[f"2025-01-01 0{hour}"] < 650 for hour in range(9))
    assert drawn(made_by("randomTimestamp", **{**JANUARY, "end": "2025-01-01"}), 5) == ["2025-01-01"] * 5


@given(st.integers(0, 10**12), st.integers(-(10**12), 10**12))
def test_sequential_timestamps_are_a_step_apart(index: int, step_ns: int) -> None:
    """Row i has the start and i steps, in any order of the calls."""
    layout = "2006-01-02T15:04:05.000000000"
    config: dict[str, Any] = {
        "start": "2025-01-01T00:00:00.000000000",
        "step": str(Duration(step_ns)),
        "format": layout,
    }
    rows = sorted({index % 1000, 0, 1})
    seen = [read_ns(layout, made_by("sequentialTimestamp", **config).value(row, 0)) for row in rows]
    assert [ns - read_ns(layout, config["start"]) for ns in seen] == [row * step_ns for row in rows]


def test_uuids_are_random_ones() -> None:
    """Version 4 with dashes, each another one."""
    seen = drawn(made_by("uuid"))
    assert len(set(seen)) == len(seen)
    assert {(str(UUID(text)), UUID(text).version, UUID(text).variant) for text in seen} == {
        (text, 4, RFC_4122) for text in seen
    }
    assert {text[19] for text in seen} == set("89ab")


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1), st.integers())
def test_integers_are_within_their_range(low: int, span: int, seed: int) -> None:
    """However wide it is."""
    high = min(low + span, 2**63 - 1)
    make = made_by("randomInt", seed, min=low, max=high)
    assert all(low <= value <= high for value in (*drawn(make, 20), *map(int, make.column(0, 20, 0))))


def test_both_ends_of_an_integer_range_are_included() -> None:
    """And each number is as likely as the others."""
    counts = Counter(drawn(made_by("randomInt", min=-1, max=2), 4000))
    assert sorted(counts) == [-1, 0, 1, 2]
    assert all(900 < count < 1100 for count in counts.values())
    assert set(drawn(made_by("randomInt", min=5, max=5), 9)) == {5}


def test_wide_integer_ranges_are_exact() -> None:
    """Odd numbers come as often as even ones, which a float could not do."""
    odd = sum(value % 2 for value in drawn(made_by("randomInt", min=-(2**63), max=2**63 - 1), 2000))
    assert 900 < odd < 1100


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300), st.integers())
def test_numbers_are_within_their_range(one: float, other: float, seed: int) -> None:
    """Also where rounding would carry them beyond it, and they are JSON."""
    low, high = sorted((one, other))
    make = made_by("randomFloat", seed, min=low, max=high)
    assert all(low <= value <= high for value in (*drawn(make, 20), *map(json.loads, make.column(0, 20, 0))))


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_the_greatest_draw_is_within_the_range(one: float, other: float) -> None:
    """What the generator relies on: rounding does not carry it beyond."""
    low, high = sorted((one, other))
    assert low + (1 - 2**-53) * (high - low) <= high


@given(st.integers(0, 40), st.integers(0, 40), st.integers())
def test_texts_are_as_long_as_they_may_be(least: int, more: int, seed: int) -> None:
    """`minSize` is the fewest characters and `maxSize` the most, letters and digits all of them."""
    for text in drawn(made_by("randomString", seed, minSize=least, maxSize=least + more), 20):
        assert least <= len(text) <= least + more
        assert re.fullmatch("[A-Za-z0-9]*", text)


def test_every_length_and_every_letter_of_a_text_is_equally_likely() -> None:
    """Also the first and the last length."""
    seen = drawn(made_by("randomString", minSize=2, maxSize=5), 8000)
    assert all(1800 < count < 2200 for count in Counter(map(len, seen)).values())
    letters = Counter("".join(seen))
    assert len(letters) == 62
    assert max(letters.values()) < 1.3 * min(letters.values())


@given(st.integers(0, 6), st.integers(0, 6), st.integers())
def test_lists_and_objects_are_as_large_as_they_may_be(least: int, more: int, seed: int) -> None:
    """The fewest members are never undercut: keys that come twice are replaced."""
    sizes = {"minSize": least, "maxSize": least + more}
    keys = nested("randomSet", alphabet=[str(number) for number in range(12)])
    for value_type, config in (("randomArray", {}), ("randomMap", {"keyProvider": keys})):
        make = made_by(value_type, seed, **sizes, **config, valueProvider=nested("randomInt", min=1, max=9))
        assert all(least <= len(value) <= least + more for value in drawn(make, 20))


def test_an_empty_list_is_a_list() -> None:
    """It is not `null`."""
    make = made_by("randomArray", minSize=0, maxSize=0, valueProvider=nested("uuid"))
    assert (make.value(0, 0), make.json(0, 0)) == ([], "[]")


def test_members_count_on_from_the_row() -> None:
    """What depends on the number of the row differs within a list and within the keys of an object."""
    sizes = {"minSize": 3, "maxSize": 3}
    assert made_by("randomArray", **sizes, valueProvider=nested("sequence")).json(7, 0) == "[7,8,9]"
    keys = nested("sequenceSet", alphabet=["x", "y", "z"])
    make = made_by("randomMap", **sizes, keyProvider=keys, valueProvider=nested("sequence"))
    assert make.json(7, 0) == '{"y":7,"z":8,"x":9}'


def test_an_object_has_no_more_members_than_there_are_keys() -> None:
    """Where the keys are fewer than `maxSize`, every number of them up to all is equally likely."""
    keys = nested("randomSet", alphabet=["x", "y", "x"])
    make = made_by("randomMap", minSize=1, maxSize=9, keyProvider=keys, valueProvider=nested("const", value=1))
    counts = Counter(map(len, drawn(make, 2000)))
    assert sorted(counts) == [1, 2]
    assert all(900 < count < 1100 for count in counts.values())


def test_keys_that_run_out_unexpectedly_do_not_hang() -> None:
    """Timestamps of one day have one text only: the object stays smaller."""
    keys = nested("timestamp", format="2006-01-02")
    make = made_by("randomMap", minSize=3, maxSize=3, keyProvider=keys, valueProvider=nested("sequence"))
    assert make.value(0, NOW_NS) == {"2025-01-02": 0}


@pytest.mark.parametrize(
    ("value_type", "config", "path", "words"),
    [
        ("randomInt", {"min": 2, "max": 1}, ".min", "min (2) is above max (1)"),
        ("randomFloat", {"min": 2.5, "max": 1}, ".min", "is above max"),
        ("randomString", {"minSize": 2, "maxSize": 1}, ".minSize", "is above maxSize"),
        ("timestamp", {"format": "%Y"}, ".format", "'%Y'"),
        ("sequentialTimestamp", {**STEPS, "format": "YYYY"}, ".format", "'YYYY'"),
        ("sequentialTimestamp", {**STEPS, "start": "2025-01-01"}, ".start", "does not fit"),
        ("randomTimestamp", {**JANUARY, "start": "2025-02-30"}, ".start", "names no instant"),
        ("randomTimestamp", {**JANUARY, "end": "x"}, ".end", "does not fit"),
        ("randomTimestamp", {**JANUARY, "start": "2025-02-01"}, ".start", "is after end"),
        (
            "randomArray",
            {"minSize": 0, "maxSize": 1, "valueProvider": nested("randomInt", min=1, max=0)},
            ".valueProvider.config.min",
            "is above max",
        ),
        (
            "randomMap",
            {"minSize": 0, "maxSize": 1, "keyProvider": nested("const", value=1), "valueProvider": nested("uuid")},
            ".keyProvider.config.value",
            "a key must be a text, not 1",
        ),
        (
            "randomMap",
            {"minSize": 4, "maxSize": 5, "keyProvider": nested("sequenceSet", **ABC), "valueProvider": nested("uuid")},
            ".minSize",
            "above the number of different keys (3)",
        ),
        (
            "randomMap",
            {
                "minSize": 63, "maxSize": 63, "valueProvider": nested("uuid"),
                "keyProvider": nested("randomString", minSize=1, maxSize=1),
            },
            ".minSize",
            "different keys (62)",
        ),
    ],
)  # fmt: skip
def test_what_no_value_could_be_made_of_is_refused(
    value_type: str, config: dict[str, Any], path: str, words: str
) -> None:
    """Before anything starts, with the path of the field."""
    with pytest.raises(InvalidParams) as caught:
        provider(value_type, **config)
    assert (caught.value.path, words in caught.value.message) == (f".config{path}", True)


@pytest.mark.parametrize(
    ("value_type", "config"),
    [
        ("randomSet", {"alphabet": []}),
        ("randomSet", {"alphabet": [1]}),
        ("randomInt", {"min": 1}),
        ("randomInt", {"min": "1", "max": 2}),
        ("randomInt", {"min": 0, "max": 2**63}),
        ("randomFloat", {"min": 0, "max": 1e301}),
        ("randomString", {"minSize": -1, "maxSize": 2}),
        ("const", {}),
        ("sequence", {"start": 1}),
        ("sequentialTimestamp", {**STEPS, "step": 5}),
        (
            "randomMap",
            {"minSize": 0, "maxSize": 1, "keyProvider": nested("sequence"), "valueProvider": nested("uuid")},
        ),
    ],
)  # fmt: skip
def test_a_declaration_of_the_wrong_shape_is_refused(value_type: str, config: dict[str, Any]) -> None:
    """Empty alphabets, missing fields, wrong types, what is out of range, and keys that are no texts."""
    with pytest.raises(msgspec.ValidationError):
        provider(value_type, **config)


def test_the_example_of_the_documentation_works() -> None:
    """A test type of somebody else's can have providers as parameters."""
    page = (Path(__file__).parents[2] / "docs" / "writing-test-types.md").read_text()
    names: dict[str, Any] = {"__name__": __name__}
    exec(page.partition("```python\n# my_tests/ticket.py\n")[2].partition("```")[0], names)
    ticket, context = names["TICKET"], BuildContext(Random(1), MadeUpProjects())
    bodies = [ticket.build(ticket.decode(params), context).request(4, NOW_NS).body for params in ({}, {"seat": ROW_A})]
    assert bodies == [b"4", b'"A"']
    with pytest.raises(InvalidParams, match="is above max"):
        ticket.decode({"seat": nested("randomInt", min=2, max=1)})


def test_providers_are_not_nested_without_end() -> None:
    """So that no payload is beyond all bounds."""
    inner = nested("uuid")
    for _ in range(6):
        inner = nested("randomArray", minSize=1, maxSize=1, valueProvider=inner)
    with pytest.raises(InvalidParams, match="more than 5 deep") as caught:
        provider(inner["valueType"], **inner["config"])
    assert caught.value.path == ".config.valueProvider" * 6
