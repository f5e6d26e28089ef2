"""Rows of values: what is read, what is refused, and who gets which."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.pacer import ALL_HITS, Share
from test_types.rows import MAX_ROWS, InvalidRows, RowFormat, chooser, columns_of


@pytest.mark.parametrize(
    ("content", "form", "columns"),
    [
        (b"a\n1", "csv", {"a": ["1"]}),
        (b"a,b\r\n1,2\r\n3,4\r\n", "csv", {"a": ["1", "3"], "b": ["2", "4"]}),
        (b"\xef\xbb\xbfa,b c\n\n1,\n\n", "csv", {"a": ["1"], "b c": [""]}),
        (b'a,b\n"x, ""y""","z\nz"\n', "csv", {"a": ['x, "y"'], "b": ["z\nz"]}),
        ("a\n\u00e9".encode(), "csv", {"a": ["\u00e9"]}),
        (b'{"a": 1, "b": null}\n\n{"b": [2], "a": "x"}\n', "jsonLines", {"a": [1, "x"], "b": [None, [2]]}),
    ],
)
def test_a_file_has_these_columns(content: bytes, form: RowFormat, columns: dict[str, list[Any]]) -> None:
    """The first line names them; values of CSV are texts, those of JSON are what they are."""
    assert columns_of(content, form) == columns


@pytest.mark.parametrize(
    ("content", "form", "message"),
    [
        (b"", "csv", "line 1 names no columns"),
        (b"\n\n", "csv", "line 1 names no columns"),
        (b"a,b\n", "csv", "there are no rows"),
        (b"a,b\n1,2\n3\n", "csv", "line 3 has 1 values, but line 1 names 2 columns"),
        (b'a,b\n"1\n1",2\n3,4,5\n', "csv", "line 4 has 3 values, but line 1 names 2 columns"),
        (b"a,\n1,2\n", "csv", "line 1 has no name for column 2"),
        (b"a,a\n1,2\n", "csv", "two columns are named 'a'"),
        (b"a}\n1\n", "csv", "the column 'a}' has a brace in its name, so no template can name it"),
        (b'a\n"1\n', "csv", "line 2 is not CSV: unexpected end of data"),
        (b'a\n"1"2\n', "csv", "line 2 is not CSV: ',' expected after '\"'"),
        (b"a\n1\n\xff\n", "csv", "line 3 is not UTF-8"),
        (b"a\n" + b"1\n" * (MAX_ROWS + 1), "csv", f"there are more than {MAX_ROWS} rows"),
        (b"", "jsonLines", "line 1 names no columns"),
        (b"{}\n", "jsonLines", "line 1 names no columns"),
        (b'{"a": 1}\n{"b": 1}\n', "jsonLines", "line 2 has the members b, but line 1 has a"),
        (b'{"a": 1}\n{}\n', "jsonLines", "line 2 has the members none, but line 1 has a"),
        (b'{"a": 1}\n[1]\n', "jsonLines", "line 2 is no JSON object: Expected `object`, got `array`"),
        (b'{"a": 1}\n{"a": NaN}\n', "jsonLines", "line 2 is no JSON object: JSON is malformed"),
        (b'{"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "jsonLines", "line 1 is no JSON object"),
    ],
)
def test_a_file_that_holds_no_rows_is_refused(content: bytes, form: RowFormat, message: str) -> None:
    """The message names the line."""
    with pytest.raises(InvalidRows) as refusal:
        columns_of(content, form)
    assert str(refusal.value).startswith(message)


@given(st.integers(1, 50), st.integers(1, 7), st.integers(1, 200))
def test_in_sequence_rows_come_in_turn_over_all_workers(count: int, workers: int, hits: int) -> None:
    """Hit n gets row n mod rows, whoever sends it."""
    shares = [Share(first, workers) for first in range(workers)]
    choosers = [chooser("sequential", count, share, Random(1)) for share in shares]
    assert [choosers[seq % workers](seq, 0) for seq in range(hits)] == [seq % count for seq in range(hits)]


@given(st.integers(1, 7), st.integers(0, 40), st.data())
def test_rows_of_one_worker_are_used_by_no_other(workers: int, more: int, data: st.DataObject) -> None:
    """Each worker uses all of its rows, and equally often; together they use all; a successor goes on."""
    count = workers + more
    used = []
    for first in range(workers):
        choose = chooser("uniquePerWorker", count, Share(first, workers), Random(1))
        own = [choose(first + workers * number, 0) for number in range(2 * count)]
        turn = len(set(own))
        assert own == (own[:turn] * (2 * count))[: 2 * count]
        used += own[:turn]
        taken_over = data.draw(st.integers(0, 2 * count - 1))
        successor = chooser("uniquePerWorker", count, Share(first + workers * taken_over, workers), Random(2))
        assert successor(first + workers * taken_over, 0) == own[taken_over]
    assert sorted(used) == list(range(count))


def test_there_must_be_a_row_for_each_worker() -> None:
    """A worker without rows could send nothing."""
    with pytest.raises(InvalidRows, match="there are 2 rows, too few for 3 workers"):
        chooser("uniquePerWorker", 2, Share(2, 3), Random(1))


def test_any_row_may_come_and_stays_for_the_hit() -> None:
    """Each of them is equally likely, and asked again about a hit, the answer is the same."""
    choose = chooser("random", 5, ALL_HITS, Random(1))
    chosen = []
    for seq in range(5_000):
        chosen.append(choose(seq, 0))
        assert choose(seq, 0) == chosen[-1]
    counts = [chosen.count(row) for row in range(5)]
    assert sum((count - 1_000) ** 2 / 1_000 for count in counts) < 18.5  # chi-square, 4 degrees of freedom, 0.1 %
