"""The user's documentation is complete, and its examples work."""

import re
from importlib import resources
from pathlib import Path

import click

from load_starter.cli import command_line
from load_starter.plan import AttackTest
from load_starter.testing import error_of, plan_of
from load_starter.vocabulary import CONSTANTS

TEXT = (Path(__file__).parents[2] / "docs" / "load-starter.md").read_text()
PRELUDE = resources.files("load_starter").joinpath("prelude.star").read_text()


def test_every_option_and_its_variable_are_documented() -> None:
    """The tables of options and environment variables are complete."""
    for option in command_line.params:
        if isinstance(option, click.Option) and not option.is_eager:
            assert all(f"`{name}" in TEXT for name in option.opts), option.opts
            assert option.name is not None
            assert f"LOAD_STARTER_{option.name.upper()}" in TEXT


def test_every_builtin_with_its_arguments_and_every_constant_is_documented() -> None:
    """The table of calls has the signatures that scripts see."""
    for name, signature in re.findall(r"^def ((?:add|set)_\w+)\(\s*([^)]*)\)", PRELUDE, re.MULTILINE):
        arguments = ", ".join(part.split("=")[0].strip() for part in signature.split(","))
        assert f"`{name}({arguments})`" in TEXT
    assert all(f"`{name}`" in TEXT for name in CONSTANTS)


def test_the_example_script_is_a_plan() -> None:
    """The first script of the page runs as it is."""
    script = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert script is not None
    attacks = [step for step in plan_of(script[1]).steps if isinstance(step, AttackTest)]
    assert [attack.num_messages for attack in attacks] == [100, 200, 400]


def test_the_example_error_is_what_is_printed() -> None:
    """The error on the page is the one that such a script has."""
    script = "def f():\n" + "    pass\n" * 4 + "    total = Minute + 1\n" + "\n" * 5 + "f()"
    error = error_of(script)
    assert f"```\n{error}\n```" in TEXT
