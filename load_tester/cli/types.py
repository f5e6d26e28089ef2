"""`load-tester types`: what can be sent."""

from typing import Any, Final

import click
import msgspec

from load_tester.cli.settings import example, option, registry
from load_tester.domain.parameter import Parameter, parameters
from load_tester.domain.reference import info, section
from load_tester.domain.test_type import TestType, UnknownTestType

_EXAMPLE: Final = example(
    "load-tester types",
    "load-tester types session",
)


@click.command("types", epilog=_EXAMPLE)
@click.argument("name", required=False)
@option("--json", "as_json", scope="TYPES", is_flag=True, help="Print JSON, with the JSON Schema of the parameters.")
@option("--markdown", scope="TYPES", is_flag=True, help="Print the documentation as Markdown.")
def types(*, name: str | None, as_json: bool, markdown: bool) -> None:
    """List the test types of this installation, or describe NAME with all of its parameters."""
    known = registry()
    try:
        chosen = tuple(known) if name is None else (known[name],)
    except UnknownTestType as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([info(kind) for kind in chosen]), indent=2))
    elif markdown:
        click.echo("\n".join(section(test_type) for test_type in chosen), nl=False)
    elif name is None:
        width = max(len(test_type.name) for test_type in chosen)
        click.echo("\n".join(f"{test_type.name:<{width}}  {_summary(test_type)}" for test_type in chosen))
    else:
        click.echo("\n".join(_described(chosen[0])))


def _summary(test_type: TestType[Any]) -> str:
    """What it is, and why it cannot be run here, if that is so."""
    return test_type.summary + (f" Not to be run here: {test_type.unavailable}" if test_type.unavailable else "")


def _described(test_type: TestType[Any]) -> list[str]:
    declared = parameters(test_type.params)
    description = ["", test_type.description.rstrip()] if test_type.description else []
    return [f"{test_type.name}: {_summary(test_type)}", "", *_listed(declared, ""), *description]


def _listed(declared: tuple[Parameter, ...], prefix: str) -> list[str]:
    lines = []
    for parameter in declared:
        default = "required" if parameter.default is None else f"default {parameter.default}"
        limits = f"{parameter.limits} {parameter.unit}".strip()
        lines += [
            f"  {prefix}{parameter.name}: {', '.join(part for part in (parameter.kind, limits, default) if part)}",
            f"      {parameter.meaning}",
            *_inside(parameter, f"{prefix}{parameter.name}."),
        ]
    return lines


def _inside(parameter: Parameter, prefix: str) -> list[str]:
    """The members of an object; of one of several kinds, kind by kind."""
    if not parameter.tag_field:
        return _listed(parameter.members, prefix)
    lines = []
    for kind in parameter.members:
        lines += [f"  {prefix}{parameter.tag_field} {kind.name}", f"      {kind.meaning}"]
        lines += _listed(kind.members, prefix)
    return lines
