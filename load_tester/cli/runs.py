"""`load-tester runs`: the list of what is stored."""

from contextlib import closing, suppress
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from load_tester.cli.settings import Storage, example, option, storage_options
from load_tester.domain.report import one_line, per_second, percentage, rounded
from load_tester.domain.run import Run, RunState
from load_tester.runs.recovery import recover
from load_tester.runs.store import RunPage, StoreUnavailable

PIPE_WIDTH = 200
"""Columns where the output is not a terminal, so that nothing is cut off."""

_STYLES = {RunState.FINISHED: "green", RunState.FAILED: "red", RunState.STOPPED: "yellow"}


_EXAMPLE: Final = example(
    "load-tester runs --limit 5",
    "load-tester runs --json | jq '.runs[].summary.responseTime.p99'",
)


@click.command(epilog=_EXAMPLE)
@storage_options
@option("-n", "--limit", scope="RUNS", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@option("--json", "as_json", scope="RUNS", is_flag=True, help="Print the runs as JSON.")
def runs(*, storage: Storage, limit: int, as_json: bool) -> None:
    """List the runs that are stored, newest first; also while a daemon works on the same data."""
    page = RunPage((), 0) if storage.is_untouched else _page(storage, limit)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(page), indent=2))
    elif not page.runs:
        click.echo("There are no runs yet")
    else:
        # As wide as it needs to be: a terminal breaks the lines, but an id that is cut off cannot be copied.
        console = Console(width=PIPE_WIDTH)
        console.print(_table(page.runs))
        click.echo("p50 and p99 are of the response time, counted from when each hit was due")
        if page.total > len(page.runs):
            click.echo(f"{page.total - len(page.runs)} more; see --limit")


def _page(storage: Storage, limit: int) -> RunPage:
    try:
        with closing(storage.open()) as store:
            with suppress(StoreUnavailable):  # somebody writes: then their records are as they are
                recover(store)
            return store.page(limit)
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from None


def _table(listed: tuple[Run, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("run", "state", "started (UTC)", "test", "target", "name"):
        table.add_column(heading, no_wrap=heading in {"run", "state", "started (UTC)"})
    for heading in ("took", "planned", "rate", "ok", "p50", "p99"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in listed:
        figures, times = run.summary, run.summary.response_time
        table.add_row(
            run.id,
            Text(run.state.value, _STYLES.get(run.state, "")),
            f"{run.started_at or run.created_at:%Y-%m-%d %H:%M:%S}",
            *(Text(one_line(text)) for text in (run.test_type, run.target_url, run.name)),
            rounded(run.elapsed_ns),
            str(figures.planned),
            per_second(figures.pace),
            percentage(figures.success),
            *(rounded(ns) if times.count else "-" for ns in (times.p50, times.p99)),
        )
    return table
