"""`make bench`: measures what is promised, on loopback, beside the peers that are installed, and prints the table.

The exit code is 0 when every measurement was made and reached what is required, 1 otherwise.
"""

import argparse
import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import daemon, engine, generation, kafka, starter
from bench.row import NotRun, Row, not_run

Subject = Callable[..., Iterator[Row]]
"""Yields its rows; takes the keyword `quick` for a short look instead of a measurement. May raise `NotRun`."""


def payloads(*, quick: bool) -> Iterator[Row]:
    """How fast payloads are made, beside a plain generator."""
    del quick  # it takes seconds
    yield from generation.rows()


SUBJECTS: Final[dict[str, Subject]] = {
    "static": engine.static_get,
    "open-loop": engine.open_loop,
    "schedule": engine.on_schedule,
    "memory": daemon.memory,
    "reaction": daemon.reaction,
    "status": daemon.responsiveness,
    "truth": daemon.truth,
    "script": starter.large_script,
    "payloads": payloads,
    "kafka": kafka.records,
}


def measured(name: str, subject: Subject, *, quick: bool) -> list[Row]:
    """The rows of a subject; what keeps the rest of it from being measured becomes a row, too."""
    rows: list[Row] = []
    try:
        rows.extend(subject(quick=quick))
    except NotRun as reason:
        rows.append(not_run(name, str(reason)))
    except Exception as error:  # noqa: BLE001  # one subject's defect must not cost the others their figures
        traceback.print_exc()
        rows.append(not_run(name, f"defect: {type(error).__name__}: {error}"))
    return rows


def table_of(rows: list[Row], *, quick: bool) -> Table:
    """The rows as they are printed."""
    machine = f"Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"
    table = Table(title=f"{'A quick look, no measurement; ' if quick else ''}{machine}", show_lines=True)
    for heading in ("what", "measured", "required", "ok", "beside it"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        verdict = {True: "[green]ok[/]", False: "[red]MISSED[/]", None: "[yellow]-[/]"}[row.ok]
        table.add_row(row.what, row.measured, row.required, verdict, row.peers)
    return table


def main() -> int:
    """Measure and print; the exit code is the answer."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=SUBJECTS, metavar="NAME", help=", ".join(SUBJECTS))
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes: shows that it works")
    options = parser.parse_args()
    console = Console(stderr=True)
    rows: list[Row] = []
    for name in options.only or SUBJECTS:
        console.print(f"measuring {name} ...")
        rows += measured(name, SUBJECTS[name], quick=options.quick)
    Console(width=None if sys.stdout.isatty() else 160).print(table_of(rows, quick=options.quick))
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
