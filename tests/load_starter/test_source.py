"""The text of a script becomes what the interpreter reads, without changing what it says."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_starter.source import as_lines, without_tabs
from load_starter.testing import error_of, plan_of


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("a\tb", "a b"),
        ("\ta", "        a"),
        ("  \t a\t\tb", "         a  b"),
        ("x = 'a\tb'\t# c\td", "x = 'a\tb' # c\td"),
        ('x = """\n\ta\n\t"""\n\ty', 'x = """\n\ta\n\t"""\n        y'),
        ("x = r'''\\\n\t'''\t", "x = r'''\\\n\t''' "),
        ("x = '\\'\t'\ty", "x = '\\'\t' y"),
        ('x = "\'\t"\t\'\'\t""', 'x = "\'\t" \'\' ""'),
        ("# it's\n\tx = '\t'", "# it's\n        x = '\t'"),
        ("x = 'open\n\ty", "x = 'open\n        y"),
    ],
)
def test_tabs_become_blanks_except_in_strings_and_comments(text: str, expanded: str) -> None:
    """In front of a line they reach to the next multiple of eight columns, as in Go; elsewhere each is one blank."""
    assert without_tabs(text) == expanded


@given(values=st.lists(st.text("\t'\"\\#\nab "), min_size=1, max_size=5), tabs=st.integers(0, 3))
def test_no_string_changes(values: list[str], tabs: int) -> None:
    """Whatever strings a script has, and in whatever quotes, they are the same without tabs around them."""
    script = "if True:\n" + "".join("\t" * (tabs + 1) + f"x\t= {value!r}\t# '\n" for value in values)
    strings = [node.value for node in ast.walk(ast.parse(without_tabs(script))) if isinstance(node, ast.Constant)]
    assert strings == [True, *values]


def test_lines_end_as_on_any_system() -> None:
    """A byte order mark is no part of the script; all three ways to end a line are one."""
    assert as_lines("\ufeffa\r\nb\rc\n\r") == "a\nb\nc\n\n"


TABBED = """
def add(rates):
\tfor rate in rates:
    \t    if rate:  # a tab reaches to column 8, wherever it begins
\t\tadd_sleep(rate *\tSecond)\t# the end
add([1,
\t2])
print('a\tb', \"\"\"
\tc\"\"\")
"""


def test_scripts_can_be_indented_with_tabs() -> None:
    """Blocks are those of upstream's interpreter; steps and errors have their lines as before."""
    lines: list[str] = []
    plan = plan_of(TABBED, print_line=lines.append)
    assert [(step.title, step.place.line) for step in plan.steps] == [("sleep 1s", 5), ("sleep 2s", 5)]
    assert lines == ["a\tb \n\tc"]
    assert error_of("if True:\n\tx = 1\n\ty =\t(Second + 1)") == (
        "plan.star:3: duration + int is not possible: give the number a unit, like 5 * Second\n    y =\t(Second + 1)"
    )
