"""`load-tester`: dispatches to the commands, and turns what goes wrong into one line."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from load_tester import __version__
from load_tester.cli.attack import attack
from load_tester.cli.interruption import INTERRUPTED
from load_tester.cli.report import report
from load_tester.cli.runs import runs
from load_tester.cli.serve import serve
from load_tester.cli.settings import example
from load_tester.cli.sink import sink
from load_tester.cli.types import types

_EXAMPLE: Final = example(
    "load-tester sink &",
    "load-tester attack --target-url http://127.0.0.1:9999 \\",
    "  --type session --rate 100/1s --duration 10s",
)


@click.group(epilog=_EXAMPLE, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="load-tester")
def load_tester() -> None:
    """Load tests over HTTP: exact schedules, true latencies, results that are kept.

    Every option can also be given as an environment variable; `COMMAND --help` names them.
    """


for _command in (serve, attack, runs, report, types, sink):
    load_tester.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status: 0, 1 when something could not be done, 2 when it was asked wrongly."""
    try:
        status = load_tester.main(args=argv, prog_name="load-tester", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"Error: {' '.join(error.format_message().split())}{_hint(error)}", err=True)
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough; Python must not try to flush the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        # Whatever was to be written to was full; what is left of it is lost in any case.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"Error: cannot write the output: {error.strerror}", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _hint(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f" (see {error.ctx.command_path} --help)"
    return ""
