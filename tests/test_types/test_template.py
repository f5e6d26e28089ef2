"""Templates are taken apart where they say so, and nowhere else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_types.template import InvalidTemplate, Placeholder, pieces_of


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("plain", ("plain",)),
        ("${a}", (Placeholder("a"),)),
        ("x${a}y${b}", ("x", Placeholder("a"), "y", Placeholder("b"))),
        ("${a}${a}", (Placeholder("a"), Placeholder("a"))),
        ("${row.first name}", (Placeholder("row.first name"),)),
        ("$${a}", ("${a}",)),
        ("$$${a}", ("$", Placeholder("a"))),
        ("$$$${a}", ("$${a}",)),
        ("5$ $a $$ {a} {{a}} $", ("5$ $a $$ {a} {{a}} $",)),
        ('{"a":{"b":"${c}"}}', ('{"a":{"b":"', Placeholder("c"), '"}}')),
        ("${a}}", (Placeholder("a"), "}")),
        ("${{a}}", (Placeholder("{a"), "}")),
    ],
)
def test_a_template_has_these_pieces(text: str, pieces: tuple[str | Placeholder, ...]) -> None:
    """A place is `${name}`; two dollars before a brace are one that is meant as it is."""
    assert pieces_of(text) == pieces


@pytest.mark.parametrize(
    ("text", "words"), [("a${b", "has no }"), ("${}", "names no variable"), ("$${a} ${", "has no }")]
)
def test_a_place_without_end_or_name_is_refused(text: str, words: str) -> None:
    """It would be sent as it is; the message says how that is written."""
    with pytest.raises(InvalidTemplate, match=words) as refusal:
        pieces_of(text)
    assert "write $${" in str(refusal.value)


@given(st.text(st.sampled_from("$${}a"), max_size=12))
def test_any_text_can_be_written(text: str) -> None:
    """With its dollars before braces doubled, it is itself."""
    doubled = re.sub(r"\$+(?=\{)", lambda dollars: dollars[0] * 2, text)
    assert "".join(map(str, pieces_of(doubled))) == text
