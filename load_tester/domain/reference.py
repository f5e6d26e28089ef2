"""Test types as people and programs read of them: Markdown and JSON made from their declarations."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from load_tester.domain.parameter import Parameter, parameters
from load_tester.domain.schema import json_schema
from load_tester.domain.test_type import TestType, Transport

RULES: Final = """\
- Every parameter may be left out; `{}` works. `null` is the same as leaving it out.
- Keys match without regard to case (`numusers` is `numUsers`), also inside of objects and lists. A key that is unknown
  is refused, with the nearest known one.
- Durations are texts in Go's form: `300ms`, `1.5h`, `2h45m`. A number without a unit is refused, except `"0"`.
- Ranges are checked when the command arrives, before anything starts; the reply names the field (`$.params.minSpans`).
- Ranges include both of their ends: `minSpans: 3` with `maxSpans: 5` means 3, 4 or 5, each equally likely. A minimum
  above its maximum is refused.
- With a seed in the command the same payloads come again, byte for byte, with the same number of workers.
"""
"""What holds for the parameters of all test types, in Markdown."""


class TestTypeInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A test type."""

    name: Annotated[str, Meta(description="The `testType` of commands.")]
    description: Annotated[str, Meta(description="What it sends, in a sentence.")]
    details: Annotated[str, Meta(description="What it sends, in Markdown.")]
    hits_per_worker: Annotated[
        int,
        Meta(description="Hits per second that one attack worker is trusted with, unless `workers` says otherwise."),
    ]
    transport: Annotated[Transport, Meta(description="How its requests travel.")]
    unavailable: Annotated[
        str, Meta(description="Why it cannot be run here, and what to do about it; empty if it can.")
    ]
    params: Annotated[dict[str, Any], Meta(description="The JSON Schema of its parameters.")]


def info(test_type: TestType[Any]) -> TestTypeInfo:
    """A test type as programs read of it."""
    return TestTypeInfo(
        name=test_type.name,
        description=test_type.summary,
        details=test_type.description,
        hits_per_worker=test_type.hits_per_worker,
        transport=test_type.transport,
        unavailable=test_type.unavailable,
        params=json_schema(test_type.params),
    )


def sections(test_types: Iterable[TestType[Any]]) -> str:
    """A section for each test type, behind a list of them."""
    known = tuple(test_types)
    listed = [f"- [`{test_type.name}`](#{test_type.name.lower()}): {test_type.summary}" for test_type in known]
    return "\n".join([*listed, "", *(section(test_type) for test_type in known)])


def section(test_type: TestType[Any]) -> str:
    """What one test type sends, and its parameters."""
    parts = [f"## `{test_type.name}`\n", f"{test_type.summary}\n"]
    declared = parameters(test_type.params)
    if declared:
        parts.append(_table(declared))
    objects: dict[tuple[Parameter, ...], _Object] = {}
    _find(declared, "", objects)
    parts.extend(map(_described, objects.values()))
    if test_type.description:
        parts.append(test_type.description)
    return "\n".join(parts)


@dataclass(slots=True)
class _Object:
    """A kind of object, and the paths of the parameters that are of it."""

    parameter: Parameter
    paths: list[str]


def _find(declared: tuple[Parameter, ...], prefix: str, objects: dict[tuple[Parameter, ...], _Object]) -> None:
    """Add the objects inside of parameters, outer ones first; what is the same in several places is one."""
    for parameter in declared:
        if parameter.members:
            path = f"{prefix}{parameter.name}"
            if parameter.members in objects:
                objects[parameter.members].paths.append(path)
                continue
            objects[parameter.members] = _Object(parameter, [path])
            if not parameter.tag_field:
                _find(parameter.members, f"{path}.", objects)


def _described(kind: _Object) -> str:
    parameter, paths = kind.parameter, " and of ".join([f"`{path}`" for path in kind.paths])
    if not parameter.tag_field:
        return f"Each of {paths}:\n\n{_table(parameter.members)}"
    return f"Each of {paths}, by its `{parameter.tag_field}`:\n\n{_kinds_table(parameter)}"


def _table(declared: tuple[Parameter, ...]) -> str:
    rows = ["| parameter | type | default | range | meaning |", "|---|---|---|---|---|"]
    rows += [_row(_cells(parameter.name, parameter)) for parameter in declared]
    return "\n".join(rows) + "\n"


def _kinds_table(parameter: Parameter) -> str:
    """The kinds of an object, each followed by its members."""
    rows = [f"| `{parameter.tag_field}` | parameter | type | default | range | meaning |", "|---|---|---|---|---|---|"]
    for kind in parameter.members:
        rows.append(_row((f"`{kind.name}`", "", "", "", "", kind.meaning)))
        rows += [_row(("", *_cells(name, member))) for name, member in _leaves(kind.members, "")]
    return "\n".join(rows) + "\n"


def _leaves(declared: tuple[Parameter, ...], prefix: str) -> Iterable[tuple[str, Parameter]]:
    """The parameters that are no objects by themselves, each with its path."""
    for parameter in declared:
        if parameter.members and not parameter.tag_field:
            yield from _leaves(parameter.members, f"{prefix}{parameter.name}.")
        elif parameter.kind != "object":
            yield f"{prefix}{parameter.name}", parameter


def _cells(name: str, parameter: Parameter) -> tuple[str, ...]:
    return (
        f"`{name}`",
        parameter.kind,
        "required" if parameter.default is None else f"`{parameter.default}`",
        f"{parameter.limits} {parameter.unit}".strip(),
        parameter.meaning,
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
