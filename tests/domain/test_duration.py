"""Durations: Go's syntax both ways, and arithmetic that obeys its laws."""

import copy
import operator
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from load_tester.domain.duration import (
    HOUR,
    MAX_NS,
    MICROSECOND,
    MILLISECOND,
    MIN_NS,
    MINUTE,
    NANOSECOND,
    SECOND,
    Duration,
    InvalidDuration,
    format_ns,
    parse_ns,
)

int64 = st.integers(MIN_NS, MAX_NS)
durations = int64.map(Duration)
moderate = st.integers(-(2**40), 2**40).map(Duration)
UNIT_NS = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}


@pytest.mark.parametrize(
    ("text", "ns", "canonical"),
    [
        ("0", 0, "0s"),
        ("+0", 0, "0s"),
        ("-0", 0, "0s"),
        ("0s", 0, "0s"),
        ("0h", 0, "0s"),
        ("00s", 0, "0s"),
        ("5s", 5 * SECOND, "5s"),
        ("+5s", 5 * SECOND, "5s"),
        ("-5s", -5 * SECOND, "-5s"),
        ("30s", 30 * SECOND, "30s"),
        ("1478s", 1478 * SECOND, "24m38s"),
        ("2m", 2 * MINUTE, "2m0s"),
        ("1h", HOUR, "1h0m0s"),
        ("1.5h", 90 * MINUTE, "1h30m0s"),
        ("-1.5h", -90 * MINUTE, "-1h30m0s"),
        ("2h45m", 165 * MINUTE, "2h45m0s"),
        ("1m30s", 90 * SECOND, "1m30s"),
        ("30s1m", 90 * SECOND, "1m30s"),
        ("1s1s1s", 3 * SECOND, "3s"),
        ("1us", 1_000, "1µs"),
        ("1\u00b5s", 1_000, "1µs"),
        ("1\u03bcs", 1_000, "1µs"),
        ("300ms", 300 * MILLISECOND, "300ms"),
        ("1.2345678ms", 1_234_567, "1.234567ms"),
        ("2.2ms", 2_200_000, "2.2ms"),
        ("3.3s", 3_300_000_000, "3.3s"),
        ("4m5.001s", 245_001_000_000, "4m5.001s"),
        ("5h6m7.001s", 18_367_001_000_000, "5h6m7.001s"),
        ("8m0.000000001s", 480_000_000_001, "8m0.000000001s"),
        (".5s", 500 * MILLISECOND, "500ms"),
        ("5.s", 5 * SECOND, "5s"),
        ("-.5s", -500 * MILLISECOND, "-500ms"),
        ("1.0s", SECOND, "1s"),
        ("1.004s", 1_004 * MILLISECOND, "1.004s"),
        ("100.00100s", 100_001 * MILLISECOND, "1m40.001s"),
        ("10.5s4m", 250_500 * MILLISECOND, "4m10.5s"),
        ("-2m3.4s", -123_400 * MILLISECOND, "-2m3.4s"),
        ("1h2m3s4ms5us6ns", 3_723_004_005_006, "1h2m3.004005006s"),
        ("39h9m14.425s", 140_954_425 * MILLISECOND, "39h9m14.425s"),
        ("52763797000ns", 52_763_797_000, "52.763797s"),
        ("0.100000000000000000000h", 6 * MINUTE, "6m0s"),
        ("0.0000000009s", 0, "0s"),
        ("9007199254740993ns", 2**53 + 1, "2501h59m59.254740993s"),
        ("9223372036854775807ns", MAX_NS, "2562047h47m16.854775807s"),
        ("-9223372036854775808ns", MIN_NS, "-2562047h47m16.854775808s"),
        ("-9223372036854775.808us", MIN_NS, "-2562047h47m16.854775808s"),
        ("-9223372036s854775808ns", MIN_NS, "-2562047h47m16.854775808s"),
        ("000000000000000000000000000001s", SECOND, "1s"),
    ],
)
def test_durations_read_and_print_as_in_go(text: str, ns: int, canonical: str) -> None:
    """What Go's ParseDuration accepts is read to the nanosecond, and printed as Go's Duration prints itself."""
    assert parse_ns(text) == ns
    assert format_ns(ns) == str(Duration.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a duration"),
        ("-", "not a duration"),
        ("+", "not a duration"),
        ("s", "not a duration"),
        (".", "not a duration"),
        (".s", "not a duration"),
        ("-.", "not a duration"),
        ("+.s", "not a duration"),
        ("--5s", "not a duration"),
        ("1s-1s", "not a duration"),
        (" 1s", "not a duration"),
        ("1s ", "not a duration"),
        ("five", "not a duration"),
        ("\u0661s", "not a duration"),
        ("\uff11s", "not a duration"),
        ("\x00", "not a duration"),
        ("5", "lacks a unit"),
        ("00", "lacks a unit"),
        ("1.5", "lacks a unit"),
        ("1h30", "lacks a unit"),
        ("1 s", "lacks a unit"),
        ("1..5s", "lacks a unit"),
        ("1_000s", "lacks a unit"),
        ("1d", "unknown unit 'd'"),
        ("1e3s", "unknown unit 'e'"),
        ("1S", "unknown unit 'S'"),
        ("1sec", "unknown unit 'sec'"),
        ("1Ms", "unknown unit 'Ms'"),
        ("9223372036854775808ns", "out of range"),
        ("-9223372036854775809ns", "out of range"),
        ("9223372036854775.808us", "out of range"),
        ("9223372036s854775808ns", "out of range"),
        ("3000000h", "out of range"),
        ("9" * 30 + "ns", "out of range"),
    ],
)
def test_what_go_refuses_is_refused(text: str, message: str) -> None:
    """A text that is no Go duration is refused, and the message says what is wrong with it."""
    with pytest.raises(InvalidDuration, match=message):
        parse_ns(text)


def test_many_digits_are_read() -> None:
    """Hundreds of decimals or leading zeros are unusual, but right."""
    assert parse_ns("1." + "3" * 900 + "s") == 1_333_333_333
    assert parse_ns("0" * 900 + "1.5s") == 1_500_000_000


@pytest.mark.parametrize("text", ["9" * 10_000 + "s", "0." + "3" * 10_000 + "s", "1h" * 10_000, "x" * 10_000])
def test_enormous_texts_are_refused(text: str) -> None:
    """Thousands of characters are no duration, whatever they say, and the message does not repeat them."""
    with pytest.raises(InvalidDuration, match="not a duration") as refused:
        parse_ns(text)
    assert len(str(refused.value)) < 200


@given(int64)
def test_what_is_printed_reads_the_same(ns: int) -> None:
    """Every duration survives being printed and read again, and prints the same afterwards."""
    assert parse_ns(format_ns(ns)) == ns
    assert format_ns(parse_ns(format_ns(ns))) == format_ns(ns)


@given(
    st.sampled_from(["", "-", "+"]), st.lists(st.tuples(st.decimals(0, 1000, places=3), st.sampled_from([*UNIT_NS])))
)
def test_terms_add_up(sign: str, terms: list[tuple[Any, str]]) -> None:
    """A duration is the sum of its terms, whatever their units and order, each cut off at whole nanoseconds."""
    assume(terms)
    text = sign + "".join(f"{number}{unit}" for number, unit in terms)
    total = sum(int(Fraction(number) * UNIT_NS[unit]) for number, unit in terms)
    assert parse_ns(text) == (-total if sign == "-" else total)


@given(st.text(alphabet="0123456789.+-nuµmsh ", max_size=12) | st.text(max_size=8))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """Whatever is read lies within int64; everything else is refused with one kind of error."""
    try:
        ns = parse_ns(text)
    except InvalidDuration:
        return
    assert MIN_NS <= ns <= MAX_NS


@given(durations, durations)
def test_addition_is_that_of_nanoseconds(a: Duration, b: Duration) -> None:
    """Sums and differences are exact, and those outside of int64 are errors rather than something else."""
    for combine in (operator.add, operator.sub):
        expected = combine(a.ns, b.ns)
        if MIN_NS <= expected <= MAX_NS:
            assert combine(a, b) == Duration(expected)
        else:
            with pytest.raises(InvalidDuration, match="out of range"):
                combine(a, b)


@given(moderate, moderate, moderate, st.integers(-1000, 1000))
def test_durations_obey_the_laws_of_a_vector_space(a: Duration, b: Duration, c: Duration, n: int) -> None:
    """Addition commutes and associates, zero and opposites exist, and integer factors distribute."""
    zero = Duration(0)
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + zero == a == +a
    assert a - a == zero
    assert a - b == a + -b
    assert (a + b) * n == a * n + b * n == n * (a + b)
    assert abs(a) == (a if a >= zero else -a)


@given(durations, st.integers(-(2**70), 2**70).filter(bool))
def test_division_by_an_integer_cuts_off_toward_zero(a: Duration, n: int) -> None:
    """`d / n` is exact integer division as Go has it: truncated; `d // n` is floored, as Python has it."""
    assume((a.ns, n) != (MIN_NS, -1))
    exact = Fraction(a.ns, n)
    assert (a / n).ns == int(exact)
    assert (a // n).ns == a.ns // n


@given(durations, durations)
def test_division_with_remainder_fits_together(a: Duration, b: Duration) -> None:
    """`a == b * (a // b) + a % b`, with a remainder of the sign of `b`, and `a / b` is their ratio."""
    assume(b)
    assert a.ns == b.ns * (a // b) + (a % b).ns
    assert abs((a % b).ns) < abs(b.ns)
    assert (a % b).ns * b.ns >= 0
    assert a / b == a.ns / b.ns


@given(moderate, st.floats(-1000, 1000))
def test_a_float_factor_cuts_off_toward_zero(a: Duration, factor: float) -> None:
    """Products and quotients with a float are those of the nanoseconds, cut off at whole ones."""
    assert (a * factor).ns == (factor * a).ns == int(a.ns * factor)
    if abs(factor) > 1e-3:
        assert (a / factor).ns == int(a.ns / factor)
        assert (a // factor).ns == int(a.ns // factor)


@given(durations, durations)
def test_durations_order_and_hash_like_their_nanoseconds(a: Duration, b: Duration) -> None:
    """Comparisons are those of the nanoseconds, equal durations hash equal, and only zero is false."""
    assert (a < b, a <= b, a > b, a >= b, a == b, a != b) == (
        a.ns < b.ns, a.ns <= b.ns, a.ns > b.ns, a.ns >= b.ns, a.ns == b.ns, a.ns != b.ns,
    )  # fmt: skip
    assert hash(a) == hash(Duration(a.ns))
    assert bool(a) == (a.ns != 0)
    assert {a: 1}[Duration(a.ns)] == 1


WRONG: list[tuple[str, Callable[[Any], object]]] = [
    ("d + 1", lambda d: d + 1),
    ("1 + d", lambda d: 1 + d),
    ("d - 1", lambda d: d - 1),
    ("1 - d", lambda d: 1 - d),
    ("d * d", lambda d: d * d),
    ("d * True", lambda d: d * True),
    ("d * '2'", lambda d: d * "2"),
    ("1 / d", lambda d: 1 / d),
    ("1 // d", lambda d: 1 // d),
    ("d / True", lambda d: d / True),
    ("d / '2'", lambda d: d / "2"),
    ("d // None", lambda d: d // None),
    ("d % 2", lambda d: d % 2),
    ("d < 1", lambda d: d < 1),
    ("d <= 1", lambda d: d <= 1),
    ("d > 1", lambda d: d > 1),
    ("d >= 1", lambda d: d >= 1),
]


@pytest.mark.parametrize(("what", "operation"), WRONG, ids=[what for what, _ in WRONG])
def test_units_do_not_mix(what: str, operation: Callable[[Any], object]) -> None:
    """An operation that makes no sense with units is a type error."""
    with pytest.raises(TypeError):
        operation(Duration(SECOND))
    assert what


def test_a_duration_is_not_its_number() -> None:
    """A duration equals no number, also not its own nanoseconds, and does not stand in for one in a dict."""
    duration: object = Duration(5)
    assert duration != 5
    assert 5 not in {duration: "five"}


@pytest.mark.parametrize("zero", [0, 0.0, Duration(0)])
def test_division_by_zero_is_an_error(zero: Any) -> None:
    """Dividing by nothing is an error in every form of division."""
    with pytest.raises(ZeroDivisionError):
        Duration(SECOND) / zero
    with pytest.raises(ZeroDivisionError):
        Duration(SECOND) // zero


@pytest.mark.parametrize(
    "factor",
    [float("inf"), float("-inf"), float("nan"), 1e300, 2**64, 10**5_000, -(10**5_000)],
    ids=["inf", "-inf", "nan", "1e300", "2^64", "10^5000", "-10^5000"],
)
def test_products_out_of_range_are_refused(factor: float) -> None:
    """A product that no int64 holds is an error that says so in a line, however large the factor."""
    with pytest.raises(InvalidDuration, match="out of range") as refused:
        Duration(SECOND) * factor
    assert len(str(refused.value)) < 200


def test_the_edges_of_the_range() -> None:
    """Int64 is the range: its ends are durations, one beyond is not, and the lowest has no opposite."""
    assert Duration(MAX_NS).ns == MAX_NS
    for ns in (MAX_NS + 1, MIN_NS - 1):
        with pytest.raises(InvalidDuration, match="out of range"):
            Duration(ns)
    with pytest.raises(InvalidDuration, match="out of range"):
        -Duration(MIN_NS)


def test_a_duration_cannot_be_changed() -> None:
    """Durations are values: they refuse assignment, and copies and pickles are equal to the original."""
    duration: Any = Duration.parse("1m30s")
    with pytest.raises(AttributeError, match="cannot be changed"):
        duration.ns = 1
    assert copy.deepcopy(duration) == duration
    assert pickle.loads(pickle.dumps(duration)) == duration


def test_a_duration_shows_itself() -> None:
    """The representation can be read, and seconds are there for display."""
    duration = Duration.parse("1m30.5s")
    assert repr(duration) == "Duration('1m30.5s')"
    assert duration.seconds == 90.5
