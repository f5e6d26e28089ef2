"""The text of a script as the interpreter reads it: lines that end with LF, without tabs.

Upstream's interpreter, Go's, accepts tabs everywhere between tokens; this one accepts them nowhere.
"""

import re
from typing import Final

TAB: Final = 8
"""A tab in front of a line reaches to the next multiple of this many columns, in Go's Starlark as in Python."""

_PARTS: Final = re.compile(
    r"""
    (?P<kept> \"{3} (?: \\. | [^\\] )*? \"{3} | '{3} (?: \\. | [^\\] )*? '{3}
            | " (?: \\. | [^"\\\n] )* " | ' (?: \\. | [^'\\\n] )* '
            | \# [^\n]* )
  | (?P<indentation> ^ [ \t]* \t [ \t]* )
  | \t
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


def as_lines(text: str) -> str:
    """The text of a file without a byte order mark, whose lines all end with LF."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def without_tabs(source: str) -> str:
    """A script in which no tab is left but in strings and comments; no line moves, no string changes."""
    return _PARTS.sub(_part, source) if "\t" in source else source


def _part(match: re.Match[str]) -> str:
    if match["kept"] is not None:
        return match["kept"]
    return match["indentation"].expandtabs(TAB) if match["indentation"] else " "
