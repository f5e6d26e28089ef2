"""The file that lists the Sentry projects to send for, `projects.json`: read with a place for each mistake."""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from load_tester.domain.fitting import suggestion
from load_tester.domain.json_place import Member, Place, begin, check_json, items, members
from load_tester.domain.project import Project


class InvalidProjects(ValueError):
    """A projects file that cannot be read as one: `message` says why, `place` where in it."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(f"{place}: {message}")
        self.message = message
        self.place = place


def decode_projects(content: bytes) -> tuple[Project, ...]:
    """Read the content of a `projects.json`: a JSON array of projects, every value a string.

    Keys match without regard to case, as Go's do.

    Raises:
        InvalidProjects: the content is not that, the array is empty, or a project is in it twice. It is about the first
            mistake and says how many more there are.
    """
    text = _text(content)
    entries = [_entry(text, at) for at in items(text, _list(text))]
    mistakes = sorted([flaw for entry in entries for flaw in entry.flaws] + list(_repeated(text, entries)))
    if mistakes:
        more = len(mistakes) - 1
        behind = f" (and {more} more {'mistake' if more == 1 else 'mistakes'})" if more else ""
        raise InvalidProjects(mistakes[0].message + behind, Place.at(text, mistakes[0].at))
    if not entries:
        raise InvalidProjects("the list of projects is empty", Place.at(text, begin(text)))
    return tuple(msgspec.convert(entry.values, type=Project) for entry in entries)


class _Flaw(NamedTuple):
    """Something wrong with a projects file, at an offset in its text."""

    at: int
    message: str


class _Entry(NamedTuple):
    """One entry of the list: where it begins, its values by field, and what is wrong with it."""

    at: int
    values: dict[str, Any]
    flaws: tuple[_Flaw, ...]


_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Project)}
_TEXTS: Final = {name: msgspec.inspect.type_info(field.type) for name, field in _FIELDS.items()}


def _text(content: bytes) -> str:
    """The text of a file, in which JSON stands for certain."""
    try:
        text = content.decode()
        check_json(text)
    except UnicodeDecodeError as error:
        readable = content[: error.start].decode()
        raise InvalidProjects(f"not UTF-8: {error.reason}", Place.at(readable, len(readable))) from None
    except json.JSONDecodeError as error:
        raise InvalidProjects(f"not JSON: {error.msg}", Place(error.lineno, error.colno)) from None
    except RecursionError:
        raise InvalidProjects("not a list of projects", Place(1, 1)) from None
    return text


def _list(text: str) -> int:
    start = begin(text)
    if text[start] != "[":
        raise InvalidProjects("a projects file holds a list, in brackets", Place.at(text, start))
    return start


def _entry(text: str, at: int) -> _Entry:
    if text[at] != "{":
        return _Entry(at, {}, (_Flaw(at, "a project is an object, in braces"),))
    given: dict[str, Member] = {}
    flaws = []
    for member in members(text, at):
        name = member.key.lower()
        if name not in _FIELDS:
            flaws.append(_Flaw(member.key_at, f"unknown field {member.key!r}; {suggestion(member.key, _FIELDS)}"))
        elif name in given:
            flaws.append(_Flaw(member.key_at, f"{name} is given twice"))
        elif complaint := _complaint(name, member.value):
            flaws.append(_Flaw(member.value_at, complaint))
        given.setdefault(name, member)
    missing = [name for name, field in _FIELDS.items() if field.required and name not in given]
    if missing:
        flaws.append(_Flaw(at, f"the project has no {' and no '.join(missing)}"))
    return _Entry(at, {name: member.value for name, member in given.items()}, tuple(flaws))


def _repeated(text: str, entries: list[_Entry]) -> Iterator[_Flaw]:
    """Projects that were there before. One with another key is fine: a project can have several."""
    seen: dict[tuple[str, str], int] = {}
    for entry in entries:
        if not entry.flaws:
            identity = entry.values["project_id"], entry.values["project_key"]
            first = seen.setdefault(identity, entry.at)
            if first != entry.at:
                line = Place.at(text, first).line
                message = f"project {identity[0]!r} is listed twice with the same key, first in line {line}"
                yield _Flaw(entry.at, message)


def _complaint(name: str, value: object) -> str:
    """Why a value is not one of that field; empty when it is."""
    try:
        msgspec.convert(value, type=_FIELDS[name].type)
    except msgspec.ValidationError:
        if not isinstance(value, str):
            return f"{name} must be a text, in quotes"
        allowed = _TEXTS[name]
        assert isinstance(allowed, msgspec.inspect.Metadata), "each field says what it allows"
        return f"{name} must consist of {(allowed.extra_json_schema or {})['description']}, not {value!r:.100}"
    return ""
