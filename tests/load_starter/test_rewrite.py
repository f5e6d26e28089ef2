"""Rewriting the operators of a script changes nothing for ordinary values."""

from typing import Any

import pytest
import starlark
from hypothesis import given, settings
from hypothesis import strategies as st

from load_starter.rewrite import Unreadable, rewritten
from load_starter.script import evaluate
from load_starter.testing import LOAD_SERVER, value_of
from load_starter.trouble import ScriptError, translated

LOG = """
log = []
def t(value):
    log.append(value)
    return value
"""


def plainly(expression: str, before: str) -> Any:
    """The value of an expression in Starlark as it is."""
    dialect = starlark.Dialect.extended()
    dialect.enable_f_strings = True
    module = starlark.Module()
    script = starlark.parse("plan.star", f"{before}\n{expression}", dialect)
    return starlark.eval(module, script, starlark.Globals.standard())


def outcome_of(expression: str, before: str, *, plain: bool) -> Any:
    """The value, or the line and the message of the error."""
    try:
        return plainly(expression, before) if plain else value_of(expression, before)
    except starlark.StarlarkError as report:
        error = translated(str(report), "plan.star", {})
        return error.line, error.message
    except ScriptError as error:
        return error.line, error.message


LEAVES = """0 1 -3 7 2.5 -0.5 '' 'ab' '%s-%s' [] [1,'x'] (1,) (2,3) {'k':1} None True '+' '#' "it's" """
leaves = st.sampled_from(LEAVES.split()).map(lambda leaf: f"t({leaf})")


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions made of smaller ones, with all the ways to lay them out."""
    signs = st.sampled_from(["+", "-", "*", "/", "//", "%", "<<", "<", "<=", ">", ">=", "==", "!=", "and", "or", "in"])
    return st.one_of(
        st.tuples(inner, signs, inner).map(lambda parts: "({} {} {})".format(*parts)),
        st.tuples(inner, signs, inner).map(lambda parts: "(({})   # + a comment )\n  {}\n  ({}))".format(*parts)),
        st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "[{}, {}]".format(*parts)),
        st.tuples(st.sampled_from(["-", "+", "not ", "- -"]), inner).map(lambda parts: "({}{})".format(*parts)),
        inner.map(lambda part: f"[x + {part} for x in [1, 2] if x < 2]"),
        inner.map(lambda part: f"(lambda a, b={part}: b + a)(1)"),
        inner.map(lambda part: f"'{{}} {{k}}'.format({part}, k={part})"),
    )


@settings(max_examples=400, deadline=None)
@given(expression=st.recursive(leaves, larger, max_leaves=8))
def test_ordinary_expressions_have_the_same_value_order_and_errors(expression: str) -> None:
    """Value, order of evaluation, short circuits, error messages and their lines are those of plain Starlark."""
    both = f"[{expression}, log]"
    assert outcome_of(both, LOG, plain=False) == outcome_of(both, LOG, plain=True)


@settings(max_examples=150, deadline=None)
@given(
    start=st.sampled_from(["0", "2.5", "'ab'", "[1]", "(1,)"]),
    sign=st.sampled_from(["+=", "-=", "*=", "/=", "//=", "%=", "<<="]),
    value=st.recursive(leaves, larger, max_leaves=3),
    target=st.sampled_from(["x", "box[t(0)]", "box[t('a')]", "(box)  [ t(0) ]", "box[t(9)]"]),
)
def test_ordinary_augmented_assignments_do_the_same(start: str, sign: str, value: str, target: str) -> None:
    """Targets are evaluated once and before the value; lists that are known by two names grow for both."""
    box = "{'a': x}" if "'a'" in target else "[x]"
    before = f"{LOG}\ndef run():\n    x = {start}\n    y = x\n    box = {box}\n    {target} {sign} {value}\n"
    before += "    return [x, y, box, log]\n"
    assert outcome_of("run()", before, plain=False) == outcome_of("run()", before, plain=True)


SHAPES = [
    "def f(a, b=1 + 2, *args, c=3 * 4, **kwargs):\n    return a + b + c\nx = f(1, c=2) - f(b=-1, a=+2)",
    "x = '''\n1 + 2  # text\n''' + \"\"\"'%s'\"\"\" % 3",
    "x = r'\\d + %s' % (1 +\n    2)",
    "x = {'1' + '1': 2 * 2, 'a' + 'b': [i % 2 for i in range(3) if i < 2]}",
    "x = [1, 2, 3][1 + 0:2 + 1]",
    "x = 1 - -1 - (-1)",
    "x = -(1)\ny = - \\\n 1 + \\\n 2",
    "x = 'é' + 'ü' * 2; y = len('日本' + 'x') + 1",
    "x = (lambda a: lambda b: a - b)(3)(1)",
    "x = 5 if 1 < 2 else 6\nfor i in range(1 + 1):\n    x += i\n    if x > 100: break",
    "def f():\n    # - + *\n    return 1 + 1 # + 1\nx = f()",
    "x = [a + b for a in [1, 2] for b in [a * 2, a * 3] if a + b > 3]",
    "a, b = 1, 2\na, b = b - a, a + b\nx = [a, b]",
    "x = 'a-b'.split('-')[0].upper() + 'c'\ny = '{}'.format(1 + 1).strip() + f'{x}'.lower()",
    "x = 1if 2>1else 3\ny = 2*(3)+(4)*5//(6)%(7)",
    "x = not 1 + 1 == 2 and 3 - 3 or 4\ny = [x]\ny += [1, 2]\ny *= 2",
    "x = [1 + 1, [2 * 2, (3 - 3,)]]\nx[1][0] += 10\nx[0] -= 1",
    "x = \"%d%%\" % 5 + '%s' % (1,) + '%r %s' % ('a', [1])",
    "def f():\n  total = [0]\n  def g(n):\n    total[0] += n\n  g(1 + 1)\n  return total\nx = f()",
    "x = 1 & 3 | 4 ^ 1 << 2\nx |= 8\ny = ~x",
]


@pytest.mark.parametrize("script", SHAPES)
def test_scripts_of_all_shapes_come_to_the_same(script: str) -> None:
    """Definitions, comments, strings, continued lines, slices and the like survive."""
    values = "[x, y]" if "\ny =" in script or "; y" in script else "x"
    assert value_of(values, script) == plainly(values, script)


class Footprints:
    """A watcher that remembers everything."""

    def __init__(self) -> None:
        self.lines: list[int] = []

    def opened(self, name: str, source: str) -> int:
        """There is one file."""
        assert (name, bool(source)) == ("plan.star", True)
        return 7

    def reached(self, file: int, line: int) -> None:
        """Remember the line."""
        assert file == 7
        self.lines.append(line)


@pytest.mark.parametrize("script", SHAPES)
def test_scripts_that_are_watched_do_the_same(script: str) -> None:
    """They come to the same values, and pass all lines with statements on their way."""
    footprints = Footprints()
    text = f"{script}\nfail(repr(x))"
    with pytest.raises(ScriptError) as caught:
        evaluate("plan.star", text, LOAD_SERVER, print_line=pytest.fail, read=pytest.fail, watcher=footprints)
    assert caught.value.message == plainly("repr(x)", script)
    assert footprints.lines[-1] == text.count("\n") + 1


def test_no_line_moves() -> None:
    """Every line of a script stays on its line, so that errors name the right one."""
    script = "x = (1 +\n  2 *\n  3)\n\n# c + d\ny = '''a\n+ b''' + \\\n  'c'\nx += 1\n"
    code = rewritten(script)
    assert code.count("\n") == script.count("\n")
    assert [line[:7] for line in code.split("\n")[::4]] == ["x = (lt", "# c + d", "x = lt_"]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("a + b", "lt__add(a , b)"),
        ("a+b*c", "lt__add(a,lt__mul(b,c))"),
        ("(a) - (b)", "lt__sub((a) , (b))"),
        ("-x", "lt__neg(x)"),
        ("-1", "-1"),
        ("a < b", "lt__lt(a , b)"),
        ("x += 1, 2", "x = lt__iadd(x, ( 1, 2))"),
        ("a[i] += b", "lt__item_add(lt__item(a,i) , ( b))"),
        ("s.format(a)", "lt__getattr(s,'format')(a)"),
        ("(s . # .\n format)", "(lt__getattr(s , # .\n 'format'))"),
        ("F'{a} {b}'", "lt__spelled('{a} {b}'.format(a=a, b=b))"),
        ("x <<= a << b", "x = lt__ilshift(x, ( lt__lshift(a , b)))"),
        ("a | b", "a | b"),
        ("a == b", "a == b"),
        ("a or b", "lt__truth(a) or b"),
        ("a and b", "lt__value(lt__truth(a) and b)"),
        ("a and b or c", "lt__truth(a) and lt__truth(b) or c"),
        ("not a", "not lt__truth(a)"),
        ("not a == b and c", "not a == b and c"),
        ("x = a if b else c", "x = a if lt__truth(b) else c"),
        ("if a < b or c: pass", "if lt__lt(a , b) or lt__truth(c): pass"),
        ("[x for x in y if x]", "[x for x in y if lt__truth(x)]"),
    ],
)
def test_operators_become_calls_in_place(script: str, code: str) -> None:
    """The rewritten text is what the module's description says."""
    assert rewritten(script) == code


WATCHED = """load('a.star', 'x')
def f(a,
      b=g(1)): return (a)
for i in 1, 2:
    f(
      i)
    if i: pass
    elif f(i)(2): x = i; i += 1
"""
AT = """load('a.star', 'x')
def f(a,
      b=lt__at(5, 3, (g(1)))): lt__at(5, 3); return (a)
for i in lt__at(5, 4, (1, 2)):
    lt__at(5, 5); lt__at(5, 5, (f(
      i)))
    if lt__at(5, 7, (lt__truth(i))): pass
    elif lt__at(5, 8, (lt__truth(lt__at(5, 8, (lt__at(5, 8, (f(i)))(2)))))): \
lt__at(5, 8); x = i; lt__at(5, 8); i = lt__iadd(i, ( 1))
""".replace("\\\n", "")


def test_watched_scripts_say_where_they_are() -> None:
    """Every statement, and every call that has returned, says its file and line; `load` must stay what it is."""
    assert rewritten(WATCHED, 5) == AT


@pytest.mark.parametrize(
    "script",
    ["x = " + "(" * 300 + "1" + ")" * 300, "x = " + "+".join("1" * 5000), "x = " + "-" * 100_000 + "1", "[" * 9999],
)
def test_what_is_nested_without_measure_is_refused(script: str) -> None:
    """Scripts that would overflow the interpreter's stack, and end the process, are not handed to it."""
    with pytest.raises(Unreadable, match="nested") as caught:
        rewritten(script)
    assert caught.value.is_depth
