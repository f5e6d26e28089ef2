"""The command line of load-starter."""

import json
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import anyio.abc
import click
import httpx
from rich.console import Console

from load_starter.execution import Execution, Status
from load_starter.plan import Plan
from load_starter.progress import LiveProgress, PlainProgress
from load_starter.report import overall, write_atomically, yaml_report
from load_starter.sandbox import evaluate_apart
from load_starter.table import results_table, timeline
from load_starter.trouble import ScriptError
from load_starter.validation import Findings, validate
from load_starter.vocabulary import Mistake, load_tester_url

FAILED: Final = 1
"""Exit status when a test could not run or failed."""
MISUSED: Final = 2
"""Exit status for a bad script or flag."""
PLAIN_WIDTH: Final = 160
"""Columns of the tables where there is no terminal."""

_LEVELS: Final = {
    **dict.fromkeys(("t", "trc", "trace", "d", "dbg", "debug"), logging.DEBUG),
    **dict.fromkeys(("i", "inf", "info"), logging.INFO),
    **dict.fromkeys(("w", "warn", "warning"), logging.WARNING),
    **dict.fromkeys(("e", "err", "error"), logging.ERROR),
    **dict.fromkeys(("f", "fatal", "p", "panic"), logging.CRITICAL),
    **dict.fromkeys(("dis", "disable", "disabled"), logging.CRITICAL + 1),
}
_EPILOG = """\b
Examples:
  load-starter configs/session.star
  load-starter configs/ramp.star --dry-run
  load-starter configs/session.star --load-server http://10.0.0.5:8000 -r report.yaml

\b
Exit status:
  0    every test ran
  1    a test could not run or failed
  2    the script or a flag is wrong, or a load tester would refuse a test; nothing was run
  130  interrupted (143 when terminated): the attack was stopped, the report holds what there is

Every option can also be given as LOAD_STARTER_..., for example LOAD_STARTER_LOAD_SERVER."""


def main() -> None:
    """Run the command line of this process, and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run load-starter with these arguments; returns its exit status."""
    try:
        status = command_line.main(
            arguments, prog_name="load-starter", standalone_mode=False, auto_envvar_prefix="LOAD_STARTER"
        )
    except click.ClickException as error:
        error.show()
        return MISUSED
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 128 + signal.SIGINT
    return status if isinstance(status, int) else 0


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.argument("script", required=False, metavar="[CONFIG.star]", type=click.Path(path_type=Path))
@click.option(
    "-f", "--config", metavar="CONFIG.star", type=click.Path(path_type=Path), help="The script, if not an argument."
)
@click.option(
    "--load-server",
    metavar="URL",
    default="http://127.0.0.1:8000",
    show_default=True,
    help="The load tester for tests whose script names none.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print every command and when it would be sent, have them validated if a load tester answers; start nothing.",
)
@click.option(
    "-r", "--report", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write a YAML report here."
)
@click.option("--log", metavar="LEVEL", default="info", show_default=True, help="trace, debug, info, warn, error, ...")
@click.version_option(package_name="load-tester")
def command_line(
    script: Path | None, config: Path | None, load_server: str, report: Path | None, log: str, *, dry_run: bool
) -> int:
    """Run the load tests that a script plans, one after the other, on load-tester daemons.

    The script is written in Starlark, a small Python, and its name ends in .star or .py.
    It only says what is to be done: nothing runs before it has been evaluated as a whole.
    """
    path = _script_path(script, config)
    _set_up_logging(log)
    if report is not None:
        _check_report(report)
    try:
        plan = evaluate_apart(path, _load_server(load_server), lambda line: click.echo(line, err=True))
    except ScriptError as error:
        click.echo(error, err=True)
        return MISUSED
    if not plan.steps:
        click.echo(f"{path}: the script adds no steps: nothing to do", err=True)
    if dry_run:
        _console(stderr=True).print(timeline(plan))
        click.echo(json.dumps(plan.as_json(), indent=2, ensure_ascii=False))
    for test in plan.unsupported:
        click.echo(f"{test.place}: Locust tests are not supported yet; nothing was run", err=True)
    if plan.unsupported:
        return FAILED
    if not _is_valid(plan):
        return MISUSED
    return 0 if dry_run else _execute(plan, report)


def _script_path(script: Path | None, config: Path | None) -> Path:
    if script is not None and config is not None and script != config:
        raise click.UsageError(f"two scripts are given: {script} and --config {config}")
    path = script or config
    if path is None:
        raise click.UsageError("no script is given; try: load-starter CONFIG.star")
    return path


def _load_server(url: str) -> str:
    try:
        return load_tester_url(url)
    except Mistake as mistake:
        raise click.BadParameter(str(mistake), param_hint="--load-server") from None


def _set_up_logging(level: str) -> None:
    if level.lower() not in _LEVELS:
        raise click.BadParameter(f"{level!r} is not one of {', '.join(_LEVELS)}", param_hint="--log")
    logging.basicConfig(level=_LEVELS[level.lower()], format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if _LEVELS[level.lower()] > logging.DEBUG:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would report every look at the run


def _check_report(report: Path) -> None:
    """Find out before the tests, which may take hours, that their report cannot be written."""
    if not report.parent.is_dir():
        raise click.BadParameter(f"there is no directory {report.parent}", param_hint="--report")
    if not os.access(report.parent, os.W_OK):
        raise click.BadParameter(f"{report.parent} is not writable", param_hint="--report")


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=PLAIN_WIDTH)


def _is_valid(plan: Plan) -> bool:
    """Whether no load tester that answers finds something wrong with the plan; says what was found out."""
    findings = anyio.run(_validated, plan, backend_options={"use_uvloop": False})
    for flaw in findings.flaws:
        click.echo(flaw, err=True)
    for reason, count in findings.silent.values():
        click.echo(f"{reason}; {_counted(count, 'test')} not validated", err=True)
    if findings.flaws:
        count = sum(1 + flaw.others for flaw in findings.flaws)
        click.echo(f"{_counted(count, 'test')} would be refused; nothing was run", err=True)
    elif findings.valid:
        click.echo(f"{_counted(findings.valid, 'test')} validated", err=True)
    return not findings.flaws


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


async def _validated(plan: Plan) -> Findings:
    async with _client() as http:
        return await validate(plan, http)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=httpx.Timeout(10.0, connect=5.0), follow_redirects=False, trust_env=False)


def _execute(plan: Plan, report: Path | None) -> int:
    console = _console(stderr=True)
    progress = LiveProgress(plan, console) if console.is_terminal else PlainProgress(plan, console)
    click.echo(f"{_counted(len(plan.steps), 'step')}, about {plan.estimate()} in all", err=True)
    started_at = datetime.now(UTC)
    with progress:
        execution, signal_number = anyio.run(_executed, plan, progress, backend_options={"use_uvloop": False})
    if execution.results:
        _console().print(results_table(execution.results))
    status = Status.INTERRUPTED if signal_number else overall(execution.results)
    exit_status = 128 + signal_number if signal_number else FAILED if status is Status.FAILED else 0
    if report is not None:
        try:
            write_atomically(report, yaml_report(execution.results, started_at, datetime.now(UTC), status.value))
        except OSError as error:
            click.echo(f"the report {report} cannot be written: {error.strerror or error}", err=True)
            return exit_status or FAILED
    return exit_status


async def _executed(plan: Plan, observer: PlainProgress | LiveProgress) -> tuple[Execution, int]:
    """Run the plan until it ends or a signal ends it; the signal's number is 0 when there was none."""
    received: list[int] = []

    async def until_signal(scope: anyio.CancelScope, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for number in signals:
                if not received:
                    click.echo("stopping the attack; what there is will be reported", err=True)
                received.append(number)
                scope.cancel()

    async with _client() as http:
        execution = Execution(plan, http, observer)
        async with anyio.create_task_group() as group:
            with anyio.CancelScope() as scope:
                await group.start(until_signal, scope)
                await execution.run()
            group.cancel_scope.cancel()
    return execution, received[0] if received else 0
