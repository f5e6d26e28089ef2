"""Go's time layouts, written and read: judged by tables that Go itself has made, and by laws.

`go/format.tsv` holds what Go's `time.Unix(seconds, nanoseconds).UTC().Format(layout)` writes, `go/parse.tsv` what its
`time.Parse(layout, text)` reads, with UTC as the local zone; `refused` stands for an error.
"""

import csv
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_types.layout import InvalidLayout, pieces_of
from test_types.layout_reader import UnreadableTimestamp, read_ns
from test_types.layout_writer import layout_writer, resolution_ns

SECOND = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_0, YEAR_10000 = -62_167_219_200, 253_402_300_800
instants = st.integers(YEAR_0 * SECOND, YEAR_10000 * SECOND - 1)


def table(name: str) -> list[list[str]]:
    """The rows of a table that Go has made, without their heading."""
    with (Path(__file__).parent / "go" / name).open(newline="") as lines:
        return list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


FORMATTED = {layout: list(rows) for layout, rows in groupby(table("format.tsv"), lambda row: row[0])}


@pytest.mark.parametrize("layout", FORMATTED)
def test_an_instant_is_written_as_go_writes_it(layout: str) -> None:
    """All elements, the layouts that Go has names for, and mixtures; from the year 0 to 9999."""
    write = layout_writer(layout)
    for _, seconds, nanoseconds, text in FORMATTED[layout]:
        assert write(int(seconds) * SECOND + int(nanoseconds)) == text


@pytest.mark.parametrize(("layout", "text", "seconds", "nanoseconds"), table("parse.tsv"))
def test_a_timestamp_is_read_as_go_reads_it(layout: str, text: str, seconds: str, nanoseconds: str) -> None:
    """The same instant, or the same refusal."""
    if seconds == "refused":
        with pytest.raises(UnreadableTimestamp, match=r"does not fit the layout|names no instant"):
            read_ns(layout, text)
    else:
        assert read_ns(layout, text) == int(seconds) * SECOND + int(nanoseconds)


@given(instants)
def test_an_instant_comes_back_from_its_text(unix_ns: int) -> None:
    """Where a layout has all of an instant, reading is the inverse of writing."""
    for layout in (
        "2006-01-02T15:04:05.999999999Z07:00",
        "Monday, 2 January 2006, 3:04:05.000000000 PM MST",
        "20060102150405,000000000",
        "05.000000000 04 15 __2 2006",
    ):
        assert read_ns(layout, layout_writer(layout)(unix_ns)) == unix_ns


@given(instants.filter(lambda ns: ns >= -62_135_596_800 * SECOND))
def test_dates_are_those_of_the_calendar(unix_ns: int) -> None:
    """Python's calendar agrees with every part of a date and of a time of day."""
    moment = EPOCH + timedelta(seconds=unix_ns // SECOND)
    written = layout_writer("2006-01-02T15:04:05 Mon January 002 03PM")(unix_ns)
    assert written == f"{moment.isoformat()[:19]} {moment:%a %B %j %I%p}"


@given(st.integers(-(10**22), 10**22))
def test_years_have_no_end(unix_ns: int) -> None:
    """A sequence of timestamps may leave the years of the calendar; days of the week go on."""
    cycles, rest = divmod(unix_ns, 146_097 * 86_400 * SECOND)
    write = layout_writer("01-02T15:04:05.000000000 Mon")
    assert write(unix_ns) == write(rest)
    assert int(layout_writer("2006")(unix_ns)) == int(layout_writer("2006")(rest)) + 400 * cycles


@given(instants, st.sampled_from(sorted(FORMATTED)))
def test_instants_closer_than_the_resolution_share_their_text(unix_ns: int, layout: str) -> None:
    """So a text can be kept for as long as it is the same."""
    unit, write = resolution_ns(layout), layout_writer(layout)
    assert write(unix_ns) == write(unix_ns // unit * unit)


@pytest.mark.parametrize(
    ("layout", "unit"),
    [
        ("2006", 86_400 * SECOND),
        ("MST", 86_400 * SECOND),
        ("2006 15h", 60 * SECOND),
        ("3:04PM", 60 * SECOND),
        ("05", SECOND),
        ("5.0", SECOND // 10),
        (",000 05.999999", 1000),
        ("05.999999999", 1),
    ],
)
def test_the_resolution_is_that_of_the_finest_element(layout: str, unit: int) -> None:
    """It is told in nanoseconds."""
    assert resolution_ns(layout) == unit


def test_literal_texts_can_be_escaped() -> None:
    """Elements are left as they are."""
    assert layout_writer('"2006"x01"', lambda text: text.replace('"', "''"))(0) == "''1970''x01''"


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("", "has no element"),
        ("now", "has no element"),
        ("Janet", "has no element"),
        ("%Y-%m-%d", "'%Y'"),
        ("2006-01-02 %-H", "'%-H'"),
        ("YYYY-MM-DD", "'YYYY'"),
        ("yyyy-MM-dd'T'HH:mm:ss", "'yyyy'"),
        ("YYYYMMDDTHHmmssZ", "'YYYYMMDDTHHmmssZ'"),
        ("2006-01-02 hh:mm", "'hh'"),
        ("Y-m-d", "has no element"),
        ("{date}", "has no element"),
        ("2024-02-23", "both '2' and '02'"),
        ("2019-12-31", "'2019', only a part"),
        ("1999-12-31", "'1999', only a part"),
        ("2006-01-02T15:04:05.123Z", "both '1' and '01'"),
        ("RFC3339", "'3339', only a part"),
        ("2006-01-02 15:04:05.0000000000", "more than 9 digits"),
    ],
)
def test_what_is_no_layout_of_go_is_refused(layout: str, words: str) -> None:
    """Other notations, examples and slips are told from layouts, and the message says what gives them away."""
    with pytest.raises(InvalidLayout) as caught:
        pieces_of(layout)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "layout",
    [
        "2006-01-02T00:00:00Z",
        "2006 (70% sure)",
        "day 2 of the summer class",
        "2006/01/02/2006-01-02",
        "T15Z",
        "15h04m05s",
        "Week of Monday 2",
        "2006-01-02 Jan",
        "3PM (15:04)",
    ],
)
def test_literal_text_is_no_reason_to_refuse(layout: str) -> None:
    """Words, percent signs, constant zeros and repetitions are what somebody may want."""
    pieces = pieces_of(layout)
    assert "".join(piece.text for piece in pieces) == layout


def test_what_does_not_fit_is_named() -> None:
    """The message has the part of the text that does not fit, and what was expected there."""
    with pytest.raises(UnreadableTimestamp, match="'1-31' is no '01'"):
        read_ns("2006-01-02", "2025-1-31")
