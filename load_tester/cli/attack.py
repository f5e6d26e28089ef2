"""`load-tester attack`: one attack without a daemon, by the same engine into the same store."""

import asyncio
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import anyio
import click
import msgspec
import uvloop

from load_tester.cli.interruption import interruptions
from load_tester.cli.parameter import UNLIMITED, DurationType, LabelType, Rate, RateType
from load_tester.cli.progress import show_progress
from load_tester.cli.serve import WORKER_ARGV
from load_tester.cli.settings import BadSetting, Settings, attack_options, example, option, registry
from load_tester.domain.command import MAX_DURATION_NS, MAX_SEED, Command, InvalidCommand, decode_command
from load_tester.domain.duration import format_ns
from load_tester.domain.report import text_report
from load_tester.domain.run import Run, RunState
from load_tester.domain.strict_json import InvalidJson, read_json
from load_tester.domain.test_type import Registry
from load_tester.engine.crew import Crew
from load_tester.engine.interface import AttackRefused
from load_tester.runs.supervisor import Supervisor


class CouldNotRun(click.ClickException):
    """The attack could not be run; exit status 1."""


_EXAMPLE: Final = example(
    "load-tester attack --target-url http://127.0.0.1:9999 \\",
    "  --type session --rate 100/1s --duration 10s",
    "load-tester attack -t http://127.0.0.1:9999 --type transaction \\",
    "  --rate 0 --duration 5s --params '{\"numProjects\": 10}' --json",
)


@click.command(epilog=_EXAMPLE)
@attack_options(files=Path())
@option("--type", "test_type", scope="ATTACK", required=True, help="The test type; `load-tester types` lists them.")
@option(
    "--rate",
    scope="ATTACK",
    type=RateType(),
    help="Hits per time: 100/1s, 100 (per second), 6/m; 0 for as many as the target answers.",
    show_default="required, but for test types with a schedule of their own, like replay",
)
@option(
    "--duration",
    "duration_ns",
    scope="ATTACK",
    type=DurationType(1),
    help="How long, like 10s.",
    show_default="required, but for test types with a schedule of their own, which then ends the attack",
)
@option("--params", scope="ATTACK", metavar="JSON|@FILE", help="Parameters of the test type; @- reads standard input.")
@option(
    "--seed",
    scope="ATTACK",
    type=click.IntRange(0, MAX_SEED),
    help="Send the same payloads again: same seed, same number of workers, same bytes.",
)
@option(
    "--payload-time",
    scope="ATTACK",
    metavar="now|INSTANT",
    help="What payloads take for now at the start: an instant like 2025-01-02T15:04:05Z, or now for the true time.",
    show_default="now; with a seed 2025-01-01T00:00:00Z, so that the bytes are the same",
)
@option("--name", scope="ATTACK", default="", help="A name for the run, to find it again.")
@option("--label", "labels", scope="ATTACK", type=LabelType(), multiple=True, help="A label, key=value; repeatable.")
@option("--json", "as_json", scope="ATTACK", is_flag=True, help="Print the report as JSON.")
def attack(  # noqa: PLR0913 - click hands over one argument per option
    *,
    settings: Settings,
    test_type: str,
    rate: Rate | None,
    duration_ns: int | None,
    params: str | None,
    seed: int | None,
    payload_time: str | None,
    name: str,
    labels: tuple[tuple[str, ...], ...],
    as_json: bool,
) -> int:
    """Run one attack, show how it goes, and print its report.

    Ctrl-C ends it and prints the report of what was sent; a second Ctrl-C ends the program at once. The exit status is
    0 when the attack ran, whatever the target answered, 1 when it could not run, and 2 for a wrong option.
    """
    test_types = registry()
    given_rate, given_duration_ns = _schedule(test_types, test_type, rate, duration_ns)
    wire: dict[str, Any] = {
        "name": name,
        "testType": test_type,
        "attackDuration": format_ns(given_duration_ns),
        "numMessages": given_rate.num_messages,
        "per": format_ns(given_rate.per_ns),
        "params": _params(params),
        "labels": labels,
        "seed": seed,
        "payloadTime": payload_time,
    }
    try:
        command = decode_command(msgspec.json.encode(wire), test_types, settings.defaults)
    except InvalidCommand as error:
        raise _bad_option(error) from None
    assert isinstance(command, Command), "a command with a duration is not a stop request"
    if settings.target_url is None and test_types[command.test_type].kafka is None:
        raise BadSetting(f"Missing option '-t' / '--target-url': test type {command.test_type!r} attacks what it names")
    run = uvloop.run(_attack(settings, test_types, command))
    click.echo(msgspec.json.format(msgspec.json.encode(run), indent=2) if as_json else text_report(run), nl=as_json)
    return 1 if run.state is RunState.FAILED else 0


def _schedule(test_types: Registry, name: str, rate: Rate | None, duration_ns: int | None) -> tuple[Rate, int]:
    """The rate and the duration; with a schedule of the test type's own there need be neither.

    Raises:
        BadSetting: something is missing. (Not so for an unknown test type: that is a complaint of its own.)
    """
    if any(test_type.name == name and test_type.schedule is None for test_type in test_types):
        if rate is None:
            raise BadSetting("--rate is missing: hits per time, like 100/1s, or 0 for as many as the target answers")
        if duration_ns is None:
            raise BadSetting("--duration is missing: how long the attack is to be, like 10s")
    return rate or UNLIMITED, duration_ns or MAX_DURATION_NS


async def _attack(settings: Settings, test_types: Registry, command: Command) -> Run:
    site = settings.site()
    crew = Crew(WORKER_ARGV)
    with closing(settings.storage.open()) as store, interruptions() as interrupted:
        try:
            async with Supervisor(crew, store, test_types, site) as supervisor:
                # Raised outside: the supervisor's task group would wrap it.
                run = await _run(supervisor, command, interrupted)
        finally:
            await crew.close()
    match run:
        case InvalidCommand():
            raise _bad_option(run)
        case AttackRefused():
            raise CouldNotRun(f"the attack could not be run: {run}")
        case Run():
            return run


async def _run(
    supervisor: Supervisor, command: Command, interrupted: asyncio.Event
) -> Run | InvalidCommand | AttackRefused:
    async def stop_when_interrupted() -> None:
        await interrupted.wait()
        click.echo("Stopping: nothing more is sent, hits in flight get 1s to end; Ctrl-C again ends at once", err=True)
        await supervisor.stop()

    try:
        started = await supervisor.start(command)
    except (InvalidCommand, AttackRefused) as refusal:
        return refusal
    click.echo(f"Run {started.id} attacks {started.target_url}; Ctrl-C ends it", err=True)
    async with anyio.create_task_group() as group:
        group.start_soon(show_progress, supervisor.current, started.scheduled_ns)
        group.start_soon(stop_when_interrupted)
        run = await supervisor.wait(started.id)
        group.cancel_scope.cancel()
    return run


def _params(text: str | None) -> Any:
    if text is None:
        return {}
    try:
        if text == "@-":
            content = sys.stdin.buffer.read()
        elif text.startswith("@"):
            content = Path(text[1:]).read_bytes()
        else:
            content = text.encode()
        params = read_json(content)
    except OSError as error:
        raise BadSetting(f"--params: cannot read {text[1:]}: {error.strerror}") from None
    except (InvalidJson, UnicodeEncodeError) as error:
        raise BadSetting(f"--params: {error}") from None
    if not isinstance(params, dict):
        raise BadSetting("--params must be a JSON object, like '{\"numProjects\": 10}'")
    return params


_OPTIONS = {
    "payloadTime": "--payload-time",
    "testType": "--type",
    "numMessages": "--rate",
    "per": "--rate",
    "attackDuration": "--duration",
}


def _bad_option(error: InvalidCommand) -> BadSetting:
    """The complaint about a member of the command as one about an option."""
    path = error.path.removeprefix("$").removeprefix(".")
    member, dot, rest = path.partition(".")
    return BadSetting(f"{_OPTIONS.get(member, f'--{member}')}{f' {rest}' if dot else ''}: {error.message}")
