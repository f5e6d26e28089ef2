"""The span tree of a transaction."""

import json
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from test_types.spans import STATUSES, span_writer

TRACE, ROOT = "a" * 32, "b" * 16
KEYS = {"timestamp", "start_timestamp", "op", "span_id", "parent_span_id", "trace_id", "status"}


def spans(count: int, start_us: int, end_us: int, seed: int = 1, operations: tuple[str, ...] = ("db",)) -> Any:
    """The spans of one transaction, with their times in microseconds."""
    made = json.loads(f"[{span_writer(Random(seed), operations)(count, TRACE, ROOT, start_us, end_us)}]")
    for span in made:
        span["start"], span["end"] = round(span["start_timestamp"] * 1e6), round(span["timestamp"] * 1e6)
    return made


@given(st.integers(0, 80), st.integers(0, 2**32), st.integers(0, 2 * 10**15), st.integers(0, 10**12))
def test_a_tree_is_complete_and_each_span_lies_within_its_parent(
    count: int, seed: int, start_us: int, width_us: int
) -> None:
    """Exactly `count` spans with ids of their own; parents come before children and have one to three of them.

    The children tile the parent's time, the last part first, and no part is longer than another by more than the
    rounding to microseconds.
    """
    made = spans(count, start_us, start_us + width_us, seed)
    assert len(made) == count
    known = {ROOT: (start_us, start_us + width_us)}
    children: dict[str, list[Any]] = {}
    for span in made:
        assert set(span) - {"start", "end"} == KEYS
        assert span["parent_span_id"] in known
        assert span["span_id"] not in known
        assert span["trace_id"] == TRACE
        known[span["span_id"]] = (span["start"], span["end"])
        children.setdefault(span["parent_span_id"], []).append(span)
    for parent, family in children.items():
        assert 1 <= len(family) <= 3
        start, end = known[parent]
        assert (family[-1]["start"], family[0]["end"]) == (start, end)
        assert all(later["start"] == earlier["end"] for later, earlier in pairwise(family))
        widths = [span["end"] - span["start"] for span in family]
        assert max(widths) - min(widths) <= 1


@given(st.integers(1, 80), st.integers(0, 2**32))
def test_a_tree_grows_breadth_first(count: int, seed: int) -> None:
    """Parents appear in the order in which they were made themselves, without a gap: only the last have no children."""
    made = spans(count, 0, 10**9, seed)
    order = [ROOT, *(span["span_id"] for span in made)]
    positions = [order.index(span["parent_span_id"]) for span in made]
    assert positions == sorted(positions)
    assert set(positions) == set(range(max(positions) + 1))


def test_one_two_and_three_children_are_equally_likely() -> None:
    """The number of children of a parent is uniform."""
    families = Counter(Counter(span["parent_span_id"] for span in spans(9000, 0, 10**15)).values())
    assert set(families) == {1, 2, 3}
    assert max(families.values()) < 1.1 * min(families.values())


def test_nearly_all_spans_are_ok_and_the_others_have_any_status() -> None:
    """`ok` has a probability of 100/101 and a share of the rest, which is spread over all statuses."""
    random = Random(1)
    write = span_writer(random, ())
    counts = Counter(
        span["status"] for _ in range(50) for span in json.loads(f"[{write(4000, TRACE, ROOT, 0, 10**15)}]")
    )
    assert set(counts) == set(STATUSES)
    expected_others = 200_000 / 101 * 17 / 18
    assert 0.9 * expected_others < 200_000 - counts["ok"] < 1.1 * expected_others


def test_operations_are_those_listed() -> None:
    """Each listed operation comes up, escaped as JSON, twice as often when it is listed twice; without any, no key."""
    counts = Counter(span["op"] for span in spans(3000, 0, 1000, operations=('d"b', "é", "é")))
    assert set(counts) == {'d"b', "é"}
    assert 1.8 < counts["é"] / counts['d"b'] < 2.2
    assert all("op" not in span for span in spans(30, 0, 1000, operations=()))
