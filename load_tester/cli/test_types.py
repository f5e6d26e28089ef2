"""`load-tester test-types`: what can be sent."""

from typing import Any, Final

import click
import msgspec

from load_tester.cli.settings import example, registry
from load_tester.domain.test_type import TestType, UnknownTestType

_EXAMPLE: Final = example(
    "load-tester test-types session",
)


@click.command("test-types", epilog=_EXAMPLE)
@click.argument("name", required=False)
def test_types(*, name: str | None) -> None:
    """List the test types of this installation, or NAME alone, with their parameters and defaults."""
    known = registry()
    try:
        chosen = tuple(known) if name is None else (known[name],)
    except UnknownTestType as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n\n".join(_described(test_type) for test_type in chosen))


def _described(test_type: TestType[Any]) -> str:
    defaults = _defaults(test_type.params)
    width = max(map(len, defaults), default=0)
    lines = [f"  {name:<{width}}  {default}" for name, default in defaults.items()]
    return "\n".join([f"{test_type.name}: {test_type.summary}", *lines])


def _defaults(params: type[msgspec.Struct]) -> dict[str, str]:
    """The parameters by name with their defaults, as JSON writes both."""
    defaults = {}
    for field in msgspec.structs.fields(params):
        if field.default is not msgspec.NODEFAULT:
            value = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            value = field.default_factory()
        else:
            defaults[field.encode_name] = "required"
            continue
        # What JSON does not know, a duration, is written as a text.
        defaults[field.encode_name] = msgspec.json.encode(value, enc_hook=str).decode()
    return defaults
