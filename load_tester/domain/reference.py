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
    parts.extend(f"Each of `{path}`:\n\n{_table(members)}" for path, members in _nested(declared, ""))
    if test_type.description:
        parts.append(test_type.description)
    return "\n".join(parts)


def _nested(declared: tuple[Parameter, ...], prefix: str) -> Iterable[tuple[str, tuple[Parameter, ...]]]:
    """The objects inside of parameters, outer ones first, each with its path."""
    for parameter in declared:
        if parameter.members:
            path = f"{prefix}{parameter.name}"
            yield path, parameter.members
            yield from _nested(parameter.members, f"{path}.")


def _table(declared: tuple[Parameter, ...]) -> str:
    rows = ["| parameter | type | default | range | meaning |", "|---|---|---|---|---|"]
    rows += [
        "| "
        + " | ".join(
            _cell(cell)
            for cell in (
                f"`{parameter.name}`",
                parameter.kind,
                "required" if parameter.default is None else f"`{parameter.default}`",
                f"{parameter.limits} {parameter.unit}".strip(),
                parameter.meaning,
            )
        )
        + " |"
        for parameter in declared
    ]
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
