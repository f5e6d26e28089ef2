"""Paths to one place in JSON: the singular queries of RFC 9535 (§2.3.5.1), which have names and indexes only.

An equality needs exactly one value to compare, and these are the paths that the RFC allows in its own comparisons. The
`$` at the start may be left out. `items[0].id`, `$.items[-1]['a name']`.
"""

import re
from typing import Any, Final

_STEP: Final = re.compile(
    r"\.?(?P<name>[^\W\d][\w-]*)"
    r"|\[(?P<index>-?(?:0|[1-9][0-9]*))\]"
    r"|\[(?P<quote>['\"])(?P<text>(?:[^\\]|\\[\\'\"])*?)(?P=quote)\]"
)
_ESCAPED: Final = re.compile(r"\\(.)")

Step = str | int
"""The name of a member, or the index of an element; a negative one is counted from the end."""


class InvalidJsonPath(ValueError):
    """A text that is no path; the message says from where on."""


class NoSuchPlace(LookupError):
    """The JSON has no value there; the message says how far the path goes."""


def steps_of(path: str) -> tuple[Step, ...]:
    """Take a path apart. Raises `InvalidJsonPath`."""
    position = 1 if path.startswith("$") else 0
    steps: list[Step] = []
    while position < len(path):
        found = _STEP.match(path, position)
        is_first = position == 0
        if found is None or (found["name"] is not None and (found[0].startswith(".") == is_first)):
            expected = "names and indexes like $.items[0].id or ['a name'], no wildcards, slices or filters"
            raise InvalidJsonPath(f"{path!r} is not understood from {path[position:]!r} on; there may be {expected}")
        if found["name"] is not None:
            steps.append(found["name"])
        elif found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            steps.append(_ESCAPED.sub(r"\1", found["text"]))
        position = found.end()
    return tuple(steps)


def value_at(steps: tuple[Step, ...], value: Any) -> Any:
    """What is there. Raises `NoSuchPlace`."""
    for number, step in enumerate(steps):
        try:
            if isinstance(step, str) and isinstance(value, dict):
                value = value[step]
                continue
            if isinstance(step, int) and isinstance(value, list):
                value = value[step]
                continue
        except LookupError:
            pass
        raise NoSuchPlace(f"there is no {path_of(steps[: number + 1])}")
    return value


def path_of(steps: tuple[Step, ...]) -> str:
    """The path, in the normal form of RFC 9535 except that plain names follow a dot."""
    return "$" + "".join([_written(step) for step in steps])


def _written(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if re.fullmatch(r"[^\W\d][\w-]*", step):
        return f".{step}"
    escaped = step.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"
