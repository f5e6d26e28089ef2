"""Test types as people read of them: Markdown made from their declarations."""

from collections.abc import Iterable
from typing import Any

from load_tester.domain.parameter import Parameter, parameters
from load_tester.domain.test_type import TestType


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
    parts.extend(_described(path, parameter) for path, parameter in _nested(declared, ""))
    if test_type.description:
        parts.append(test_type.description)
    return "\n".join(parts)


def _nested(declared: tuple[Parameter, ...], prefix: str) -> Iterable[tuple[str, Parameter]]:
    """The objects inside of parameters, outer ones first, each with its path."""
    for parameter in declared:
        if parameter.members:
            path = f"{prefix}{parameter.name}"
            yield path, parameter
            if not parameter.tag_field:
                yield from _nested(parameter.members, f"{path}.")


def _described(path: str, parameter: Parameter) -> str:
    if not parameter.tag_field:
        return f"Each of `{path}`:\n\n{_table(parameter.members)}"
    return f"Each of `{path}`, by its `{parameter.tag_field}`:\n\n{_kinds_table(parameter)}"


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
