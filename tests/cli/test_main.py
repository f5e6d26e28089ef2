"""What all commands have in common: help, environment variables, documentation, complaints."""

import json
import re
from pathlib import Path

import click
import pytest

from load_tester.cli.main import load_tester, main
from load_tester.cli.settings import default_data_dir
from tests.cli.program import run

COMMANDS = dict(load_tester.commands)
DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def options(command: click.Command) -> list[click.Option]:
    """The options of a command, without `--help`."""
    return [option for option in command.params if isinstance(option, click.Option)]


def section(name: str) -> str:
    """The part of the documentation about a command."""
    return re.split(
        r"^## ", DOCS.read_text().partition(f"\n## `load-tester {name}`\n")[2], maxsplit=1, flags=re.MULTILINE
    )[0]


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` ends with something that can be copied."""
    assert main([*([name] if name else []), "--help"]) == 0
    assert "Example:\n    load-tester" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    """No option is without a help text that ends like a sentence."""
    assert all(option.help and option.help.endswith(".") for option in options(COMMANDS[name]))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_an_environment_variable_too(name: str) -> None:
    """Its name is that of the option; those of different meaning do not share one."""
    for option in options(COMMANDS[name]):
        long = next(text for text in option.opts if text.startswith("--")).removeprefix("--").replace("-", "_").upper()
        assert option.envvar in {f"LOAD_TESTER_{long}", f"LOAD_TESTER_{name.upper()}_{long}"}
        assert option.show_envvar


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_all_its_options(name: str) -> None:
    """The page has a row for each option with its variable and default, and none for options that do not exist."""
    rows = {}
    for row in re.findall(r"^\| `(--[a-z-]+)`(.*)$", section(name), flags=re.MULTILINE):
        rows[row[0]] = row[1]
    known = {next(text for text in option.opts if text.startswith("--")): option for option in options(COMMANDS[name])}
    assert set(rows) == set(known)
    for long, option in known.items():
        assert f"`{option.envvar}`" in rows[long], long
        assert all(f"`{short}`" in rows[long] for short in option.opts if not short.startswith("--")), long
        if isinstance(option.default, str | int | float) and not option.is_flag and option.default != "":
            assert f"`{option.default}`" in rows[long], long
    assert section(name).strip(), name


@pytest.mark.anyio
async def test_the_package_can_be_run_as_a_program() -> None:
    """`python -m load_tester` is `load-tester`, and lists the commands."""
    text = (await run("--help")).out
    assert all(f"\n  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["atack"], "Did you mean 'attack'?"),
        (["attack", "--rat", "5"], "'--rate'"),
        (["runs", "--limit", "many"], "'many' is not a valid integer"),
        (["report"], "Missing argument 'RUN'"),
        (["attack", "--type", "session", "--rate", "1", "--duration", "1s"], "Missing option '-t' / '--target-url'"),
        (["types", "sesion"], "did you mean 'session'?"),
    ],
)
def test_a_slip_is_answered_in_one_line(argv: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The line names what is near, or missing, and where to read more."""
    assert main(argv) in {1, 2}
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: ")
    assert complaint in said.err
    assert said.err.count("\n") == 1


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """It is a mistake all the same."""
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--duration", "1s"], "--rate is missing: hits per time, like 100/1s, or 0 for as many as the target answers"),
        (["--rate", "1"], "--duration is missing: how long the attack is to be, like 10s"),
        (["--type", "sesion"], "--type: unknown test type 'sesion'; did you mean 'session'?"),
    ],
)
def test_an_attack_without_a_schedule_of_its_own_needs_rate_and_duration(
    argv: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is named, with an example."""
    assert main(["attack", "-t", "http://127.0.0.1:9", "--type", "session", *argv]) == 2
    assert complaint in capsys.readouterr().err


ATTACK = ["attack", "-t", "http://127.0.0.1:9", "--type", "session", "--rate", "1", "--duration", "1s"]


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["-t", "127.0.0.1:80"], "no http or https scheme"),
        (["-t", "http://"], "no host"),
        (["-t", "ftp://127.0.0.1"], "no http or https scheme"),
        (["-t", "http://user:secret@127.0.0.1"], "user name or password"),
        (["-t", "http://127.0.0.1/?q"], "query"),
        (["-t", "http://127.0.0.1:99999"], "is not a URL"),
        (["--data-dir", "/proc/nowhere"], "cannot use the data directory /proc/nowhere"),
        (["--data-dir", "{tmp}/file"], "is a file"),
        (["--store-url", "nonsense"], "cannot use 'nonsense' as the store"),
        (["--config", "{tmp}"], "projects.json:1:3: not JSON: Expecting"),
        (["--config", "{tmp}/nowhere"], "is not a directory"),
        (["--ca", "{tmp}/file"], "does not hold certificates"),
        (["--ca", "{tmp}/nowhere"], "cannot read"),
        (["--ca", "{tmp}/file", "--insecure"], "exclude each other"),
        (["--timeout", "0s"], "is less than 1ns"),
        (["--timeout", "2h"], "at most 1h0m0s"),
        (["--timeout", "30"], "lacks a unit"),
        (["--workers", "0"], "0 is not in the range"),
        (["--log", "loud"], "'loud' is none of debug, info"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "attack"])
def test_wrong_settings_are_one_line_and_status_2(
    command: str, argv: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong, nothing starts, and one line says what it is."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "projects.json").write_text("[{]")
    first = ATTACK if command == "attack" else ["serve", "--port", "0"]
    more = [word.replace("{tmp}", str(tmp_path)) for word in argv]
    assert main([*first, "--data-dir", str(tmp_path / "data"), *more]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: ")
    assert complaint in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--type", "sesion"], "--type: unknown test type 'sesion'; did you mean 'session'?"),
        (["--rate", "fast"], "write it like 100/1s"),
        (["--rate", "-1"], "write it like 100/1s"),
        (["--rate", "1/0s"], "more than 0"),
        (["--rate", "100000000"], "--rate: "),
        (["--duration", "0s"], "is less than 1ns"),
        (["--duration", "10000h"], "--duration: "),
        (["--params", "{"], "--params: not JSON"),
        (["--params", "[]"], "--params must be a JSON object"),
        (["--params", "@/nowhere/params.json"], "--params: cannot read /nowhere/params.json"),
        (["--params", '{"numUserz": 1}'], "--params numUserz: unknown key 'numUserz'; did you mean 'numUsers'?"),
        (["--params", '{"numUsers": "x"}'], "--params numUsers: Expected `int`"),
        (["--seed", "-1"], "not in the range"),
        (["--label", "staging"], "write it like env=staging"),
    ],
)
def test_a_wrong_attack_is_one_line_and_status_2(
    argv: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused before anything is opened, in the words of the command line."""
    assert main([*ATTACK, "--data-dir", str(tmp_path / "data"), *argv]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert complaint in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_results_are_kept_where_the_desktop_standard_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same place wherever a command is called; a relative path is ignored, as the standard demands."""
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_data_dir() == Path("/data/load-tester")
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    assert default_data_dir() == Path.home() / ".local/share/load-tester"


def test_the_test_types_are_listed_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    """What can be put into `--params` need not be looked up elsewhere: type, range, default and meaning."""
    assert main(["types"]) == 0
    assert re.search(r"^session +Sentry release-health sessions", capsys.readouterr().out, flags=re.MULTILINE)
    assert main(["types", "session"]) == 0
    assert (
        '  durationRange: duration, 0s to 8760h0m0s, default "0s"\n      The longest duration of a session.\n'
        in capsys.readouterr().out
    )


def test_objects_of_several_kinds_are_described_kind_by_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind with what it means, and its members with their paths."""
    assert main(["types", "clickhouseInsert"]) == 0
    described = capsys.readouterr().out
    assert "  config.valueType uuid\n      A random UUID (version 4), with dashes.\n" in described
    assert "  config.config.maxSize: integer, 0 to 10000, required\n      The most elements.\n" in described


def test_the_test_types_are_described_for_programs_and_pages(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON with the schema of the parameters, and as the Markdown of the documentation."""
    assert main(["types", "session", "--json"]) == 0
    (described,) = json.loads(capsys.readouterr().out)
    assert described["name"] == "session"
    assert described["params"]["properties"]["numUsers"]["maximum"] == 1_000_000
    assert main(["types", "session", "--markdown"]) == 0
    assert capsys.readouterr().out in DOCS.with_name("test-types.md").read_text()
