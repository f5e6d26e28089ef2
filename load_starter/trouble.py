"""The errors of scripts, in the words and lines of the script's author.

The interpreter reports as text: a call stack, then `error:` with its message, then the place. What is rewritten
(`load_starter.rewrite`) and what belongs to the prelude must not show, so the text is taken apart here.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Final

from load_starter.plan import Place
from load_starter.value import spelled

PRELUDE: Final = "<prelude>"
"""The name of the prelude among the files of an evaluation."""

_MAX_TRAIL: Final = 5
_MAX_WIDTH: Final = 120
_MAX_MESSAGE: Final = 400  # it may hold a value of the script
_FRAME = re.compile(r"^  \* (.+):([0-9]+), in ", re.MULTILINE)
_ERROR = re.compile(r"^error: ", re.MULTILINE)
_ARROW = re.compile(r"^ *--> (.+):([0-9]+):[0-9]+$", re.MULTILINE)

_REWORDINGS: Final = (
    (re.compile(r"`?rust_decimal \(repr: [-0-9.]+\)`?"), "a duration"),
    (re.compile(r"rust_decimal"), "duration"),
    (re.compile(r"^Parse error: (.*?)(?:, expected one of .*)?$", re.DOTALL), r"syntax error: \1"),
    (re.compile(r"<prelude>\."), ""),
    (re.compile(r"^Operation `\.(\w+)` not supported on type `(\w+)`$"), r"Object of type `\2` has no attribute `\1`"),
    (re.compile(r", did you mean `lt__\w+`\?"), ""),
    (
        re.compile(r"^StarlarkError: Operation `serde::serialize` not supported on type `(\w+)`$"),
        r"a value of type \1 cannot be part of a plan; use None, booleans, numbers, strings, durations, lists, dicts",
    ),
    (
        re.compile(r"^StarlarkError: Cycle detected while converting Starlark value of type `(\w+)` .*$"),
        r"a \1 that contains itself cannot be part of a plan",
    ),
    (
        re.compile(
            r"^StarlarkError: Maximum depth of \d+ exceeded while converting Starlark value of type `(\w+)` .*$"
        ),
        r"a \1 that is nested this deeply cannot be part of a plan",
    ),
    (re.compile(r"^ValueError: Exceeds the limit \(\d+ digits\) .*$"), "a whole number does not fit into 64 bits"),
    (
        re.compile(r"^Starlark call stack overflow$"),
        "calls are nested too deeply: does a function call itself for ever?",
    ),
)


class ScriptError(Exception):
    """A script that cannot become a plan.

    `line` counts from 1 and is 0 when the whole file is meant; `source_line` is that line as the author wrote it;
    `trail` are the places that led there, innermost first.
    """

    def __init__(
        self, message: str, file: str, line: int = 0, source_line: str = "", trail: tuple[Place, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.source_line = source_line
        self.trail = trail

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        lines = [f"{where}: {self.message}"]
        if self.source_line.strip():
            shown = self.source_line.strip()
            lines.append("    " + (shown if len(shown) <= _MAX_WIDTH else shown[:_MAX_WIDTH] + " ..."))
        lines.extend(f"  called from {place}" for place in self.trail)
        return "\n".join(lines)


def error_at(message: str, place: Place, sources: Mapping[str, str], trail: tuple[Place, ...] = ()) -> ScriptError:
    """An error that shows the line at `place` of the original `sources`, by file."""
    lines = sources.get(place.file, "").split("\n")
    source_line = lines[place.line - 1] if place.line <= len(lines) else ""
    return ScriptError(message, place.file, place.line, source_line, trail)


def innermost(stack: str) -> Place | None:
    """The last place of a call stack, as the interpreter writes it, that is in a script."""
    places = _places(stack)
    return places[-1] if places else None


def translated(report: str, file: str, sources: Mapping[str, str], message: str = "") -> ScriptError:
    """The interpreter's `report` of an error in `file`, with `message` instead of its own when that is known better."""
    started = _ERROR.search(report)
    stack, rest = (report[: started.start()], report[started.end() :]) if started else ("", report)
    arrows = list(_ARROW.finditer(rest))
    own_message = rest[: arrows[-1].start()] if arrows else rest
    places = _places(stack)
    if arrows and arrows[-1][1] != PRELUDE:
        place = Place(arrows[-1][1], int(arrows[-1][2]))
    else:
        place = places[-1] if places else Place(file, 1)
    if places and places[-1] == place:
        places.pop()
    trail = tuple(caller for caller, _ in itertools.groupby(reversed(places)))[:_MAX_TRAIL]
    return error_at(message or reworded(own_message.strip(), place.file), place, sources, trail)


def reworded(message: str, file: str) -> str:
    """One of the interpreter's messages in terms of the language that scripts are written in."""
    for pattern, words in _REWORDINGS:
        message = pattern.sub(words, message)
    message = spelled(message).replace(f"`{file}.", "`")
    return message if len(message) <= _MAX_MESSAGE else message[:_MAX_MESSAGE] + " ..."


def _places(stack: str) -> list[Place]:
    return [Place(file, int(line)) for file, line in _FRAME.findall(stack) if file != PRELUDE]
