"""Durations in scripts behave like `Duration`, whose definition they share."""

import math
import operator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from load_starter.testing import error_of, plan_of, value_of
from load_starter.trouble import ScriptError
from load_starter.value import from_script, in_script, spelled
from load_tester.domain.duration import Duration, InvalidDuration

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
REFUSED = (TypeError, ZeroDivisionError, InvalidDuration, OverflowError)

durations = st.one_of(
    st.integers(-(10**6), 10**6), st.integers(-(2**63), 2**63 - 1), st.sampled_from((0, 10**9, 60 * 10**9))
).map(Duration)
numbers = st.one_of(
    st.integers(-20, 20),
    st.integers(-(2**70), 2**70),
    st.sampled_from((math.inf, -math.inf, math.nan)),
    st.floats(allow_nan=False, allow_infinity=False, width=32).filter(
        lambda number: abs(number) >= 1e-20 or not number
    ),
)


def source(value: Duration | float) -> str:
    """How a script writes the value."""
    if isinstance(value, Duration):
        return f'duration("{value}")'
    return f"({value!r})" if math.isfinite(value) else f'float("{value!r}")'


def in_json(value: Any) -> Any:
    """The value as it arrives in a command."""
    return str(value) if isinstance(value, Duration) else value


@settings(max_examples=300, deadline=None)
@given(left=st.one_of(durations, numbers), sign=st.sampled_from(sorted(BINARY)), right=st.one_of(durations, numbers))
def test_every_operator_does_in_a_script_what_it_does_with_durations(
    left: Duration | float, sign: str, right: Duration | float
) -> None:
    """A script and `Duration` come to the same value, or both refuse."""
    assume(isinstance(left, Duration) or isinstance(right, Duration))
    expression = f"{source(left)} {sign} {source(right)}"
    try:
        expected = in_json(BINARY[sign](left, right))
    except REFUSED:
        with pytest.raises(ScriptError, match=r"^plan\.star:2: "):
            value_of(expression)
        return
    assume(not isinstance(expected, float) or math.isfinite(expected))
    actual = value_of(expression)
    assert (type(expected), expected) == (type(actual), actual)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(durations, min_size=1, max_size=6))
def test_collections_of_durations_sort_and_compare_by_their_length(values: list[Duration]) -> None:
    """`sorted`, `min`, `max`, `in`, dict keys, truth, `abs` and `str` agree with `Duration`."""
    texts = ", ".join(source(value) for value in values)
    before = f"values = [{texts}]\nfirst = {source(values[0])}"
    result = value_of(
        "[sorted(values), min(values), max(values), first in values, len({v: 1 for v in values}), bool(first),"
        " [str(v) for v in values], sorted(values, reverse=True)[0]]",
        before,
    )
    assert result == [
        [str(value) for value in sorted(values)],
        str(min(values)),
        str(max(values)),
        True,
        len(set(values)),
        bool(values[0]),
        [str(value) for value in values],
        str(max(values)),
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('duration("2h4m")', "2h4m0s"),
        ("Day", "24h0m0s"),
        ("Hour + Minute + Second + Millisecond + Microsecond + Nanosecond", "1h1m1.001001001s"),
        ("-Second", "-1s"),
        ("+Second", "1s"),
        ("-(-Second)", "1s"),
        ("- Second + Minute", "59s"),
        ("abs(-Minute)", "1m0s"),
        ("3 * Second", "3s"),
        ("Second * 1.5", "1.5s"),
        ("-7 * Nanosecond / 2", "-3ns"),
        ("Second / 3", "333.333333ms"),
        ("Minute / Second", 60.0),
        ("Hour // (7 * Minute)", 8),
        ("Hour % (7 * Minute)", "4m0s"),
        ("Second == 1000000000", False),
        ("Second == duration('1s')", True),
        ("Second != duration('1s')", False),
        ("[Nanosecond == 1, 1 == Nanosecond, Nanosecond in [1], 1 in [Nanosecond], [Nanosecond] == [1]]", [False] * 5),
        ("[Nanosecond * 0 == 0, 0 == Nanosecond * 0, Nanosecond * 0 != 0]", [False, False, True]),
        ("[ZERO in [0], 0 in [ZERO], ZERO in (0.0,), [ZERO] == [0], [0] == [ZERO], (ZERO,) == (0,)]", [False] * 6),
        ("[{0: 1}.get(ZERO), {ZERO: 1}.get(0), {'a': ZERO} == {'a': 0}]", [None, None, False]),
        ("[ZERO == 0 * Day, [ZERO] == [Minute - Minute], ZERO in [-ZERO], {ZERO: 1}[Hour * 0]]", [True, True, True, 1]),
        ("{Second: 'a', 1000000000: 'b'}[duration('1000ms')]", "a"),
        ("'yes' if Second - Second else 'no'", "no"),
        ("Second and Minute", "1m0s"),
        ("not Nanosecond", False),
        ("duration(Minute)", "1m0s"),
        ("type(Second)", "duration"),
        ("'%s is %s' % (Minute, 60)", "1m0s is 60"),
        ("'%s' % Minute", "1m0s"),
        ("'%s' % [Minute, {'a': Second}]", '[1m0s, {"a": 1s}]'),
        ("'{0} {a} {0!r}'.format(Minute, a=Second)", "1m0s 1s 1m0s"),
        ("getattr('{}', 'format')(Second)", "1s"),
        ("'%r %s' % ((Second, -Nanosecond), {'a': Day})", '(1s, -1ns) {"a": 24h0m0s}'),
        ("str(boxed(Second, 50))", "[" * 50 + "1s" + "]" * 50),
        ("'%s' % boxed(Second, 50)", "[" * 50 + "1s" + "]" * 50),
        ("str([0 * Second, duration('-2562047h47m16.854775808s')])", "[0s, -2562047h47m16.854775808s]"),
        ("[dir(Second), hasattr(Second, 'scale'), getattr(Second, 'scale', 1)]", [[], False, 1]),
        ("repr((Second,))", "(1s,)"),
        ("str({Second: [Minute]})", "{1s: [1m0s]}"),
        ("sum_([Second, Minute])", "1m1s"),
        ("[d * 2 for d in (Second, Minute) if d > Second]", ["2m0s"]),
        ("(lambda d, factor=2 * 3: d * factor)(Second)", "6s"),
    ],
)
def test_examples_come_to_their_values(expression: str, value: Any) -> None:
    """What people write in scripts has the values that they expect."""
    before = """
ZERO = 0 * Second
def sum_(values):
    total = ZERO
    for value in values:
        total += value
    return total
def boxed(value, depth):
    for _ in range(depth):
        value = [value]
    return value
"""
    assert (type(value), value_of(expression, before)) == (type(value), value)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("Second + 1", "duration + int is not possible: give the number a unit, like 5 * Second"),
        ("1.5 - Second", "float - duration is not possible: give the number a unit, like 5 * Second"),
        ("Second * Second", "duration * duration is not possible: a duration can only be multiplied by a number"),
        ("1 / Second", "int / duration is not possible: a number cannot be divided by a duration"),
        ("Second % 2", "duration % int is not possible: the remainder of a duration needs a duration"),
        ("Second < 2", "duration < int is not possible: a duration can only be compared with a duration"),
        ("2 >= Second", "int >= duration is not possible: a duration can only be compared with a duration"),
        ("'a' + Second", "string + duration is not possible: durations are added to durations"),
        ("Second * [1]", "duration * list is not possible"),
        ("Second + True", "duration + bool is not possible"),
        ("Second - None", "duration - NoneType is not possible"),
        ("Second + len", "duration + function is not possible"),
        ("max(Second, 3)", "duration < int is not possible"),
        ("sorted([1, Second])", "duration < int is not possible"),
        ("Second / 0", "division by zero: 1s / 0"),
        ("Second // 0.0", "division by zero: 1s // 0.0"),
        ("Second % (Second - Second)", "division by zero: 1s % 0s"),
        ("Day * 1000000", "is out of range"),
        ("-duration('-2562047h47m16.854775808s')", "is out of range"),
        ("Second & 3", "Operation `&` not supported for types `duration` and `int`"),
        ("Second.seconds", "Object of type `duration` has no attribute `seconds`"),
        ("Second.scale()", "Object of type `duration` has no attribute `scale`"),
        ("getattr(Second, 'round_dp')(2)", "Object of type `duration` has no attribute `round_dp`"),
        ("{Second: 1}[90 * Minute]", "Key `1h30m0s` was not found"),
        ("{Second: 1}.pop(-Minute)", "Key `-1m0s` not found in dictionary `{1s: 1}`"),
        ("[Second, 0 * Second].index((Minute, 1.5))", "Element '(1m0s, 1.5)' not found in '[1s, 0s]'"),
        ("'%d' % Second", "Operation `format(%d)` not supported on type `duration`"),
        ("sorted([1, 2], key=lambda n: Second if n == 1 else n)", "duration < int is not possible"),
        ("max(1, 2, key=lambda n: Second if n == 2 else n)", "duration < int is not possible"),
        ("int(Second)", "actual a duration"),
        ("duration('5')", "duration: '5' lacks a unit"),
        ("duration(5)", 'must be a duration like 30 * Second or "30s", not the int 5'),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(statement: str, message: str) -> None:
    """The error has the script's file and line, both types, and the line as its author wrote it."""
    error = error_of(f"# a comment\n\nx = 1\n\n\ny = {statement}  # six\n")
    assert error.startswith("plan.star:6: ")
    assert message in error
    assert error.endswith(f"\n    y = {statement}  # six")


def test_augmented_assignment_works_for_names_and_items() -> None:
    """All six operators can be combined with an assignment, to a name and to an item."""
    script = """
d = Minute
d += Second
d -= 2 * Second
d *= 3
d /= 2
d //= 1
d %= Minute
box = {"d": [Minute]}
box["d"][0] += Second
box["d"][0] -= 2 * Second
box["d"][0] *= 3
box["d"][0] /= 2
box["d"][0] //= 1
box["d"][0] %= Minute
"""
    assert value_of("[d, box['d'][0]]", script) == ["28.5s", "28.5s"]


def test_f_strings_show_durations_in_gos_form() -> None:
    """Names between braces are shown; doubled braces and other values stay what they are."""
    before = "d, n, s = 90 * Second, 3, 'x'"
    assert value_of('f\'{d} {{d}} {n} {s!r}\' + f"""|{d}"""', before) == '1m30s {d} 3 "x"|1m30s'


def test_printing_shows_durations_in_gos_form() -> None:
    """`print` shows all kinds of values on one line, separated by blanks or what `sep` says."""
    lines: list[str] = []
    plan_of("print(Minute, [Second], 'text', None, 1.5)\nprint(1, 2, sep='-')\nprint()", print_line=lines.append)
    assert lines == ["1m0s [1s] text None 1.5", "1-2", ""]


values = st.sampled_from((*(f"{number} * Second" for number in (0, 1)), "0", "2", "''", "'a'", "[]", "None", "0.0"))


def conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions whose value depends on the truth of smaller ones."""
    return st.one_of(
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(inner, inner, inner).map("{0[0]} and {0[1]} or {0[2]}".format).map("({})".format),
        st.tuples(inner, inner, inner).map("({0[0]} if {0[1]} else {0[2]})".format),
        inner.map("(not {})".format),
        inner.map("[x for x in [1, 2] if {}]".format),
        st.tuples(inner, inner).map("any([{0[0]}, {0[1]}])".format),
        st.tuples(inner, inner).map("all([{0[0]}, {0[1]}])".format),
        inner.map("bool({})".format),
        inner.map("chosen({})".format),
    )


@settings(max_examples=200, deadline=None)
@given(expression=st.recursive(values, conditions, max_leaves=6))
def test_truth_is_that_of_python_wherever_it_decides(expression: str) -> None:
    """Zero is the one duration that is false: in `and`, `or`, `not`, `if`, comprehensions, `any`, `all`, `bool`."""
    before = """
def chosen(value):
    if None:
        return 0
    elif value:
        return 1
    return 2
"""
    expected = eval(expression, {"Second": Duration(10**9), "chosen": lambda value: 1 if value else 2})
    actual = value_of(expression, before)
    assert (type(in_json(expected)), in_json(expected)) == (type(actual), actual)


@given(duration=durations, before=st.text(), after=st.text())
def test_a_duration_is_spelled_out_in_any_text(duration: Duration, before: str, after: str) -> None:
    """What the interpreter writes for a duration is found between anything else, which stays as it is."""
    assert from_script(in_script(duration)) == duration
    assume(before[-1:] not in tuple("0123456789.") and after[:1] not in tuple("0123456789"))
    assert spelled(f"{before}{in_script(duration)}{after}") == f"{before}{duration}{after}"
