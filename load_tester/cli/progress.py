"""What is shown on standard error while an attack runs."""

import sys
from collections.abc import Callable
from typing import Final

import anyio
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from load_tester.domain.duration import SECOND
from load_tester.domain.report import per_second, percentage, rounded
from load_tester.domain.run import Run

LIVE_S: Final = 0.25
PLAIN_S: Final = 10.0
"""Where standard error is not a terminal, a line is written this often."""


def in_brief(run: Run) -> str:
    """The figures so far, in a line."""
    figures = run.summary
    parts = [
        f"{figures.sent} sent",
        per_second(figures.rate),
        f"{percentage(figures.success)} ok",
        f"p50 {rounded(figures.latency.p50)}",
        f"p99 {rounded(figures.latency.p99)}",
    ]
    if figures.failed:
        parts.append(f"{figures.failed} failed")
    if run.waiting:
        parts.append(f"{run.waiting} waiting")
    return "  ".join(parts)


async def show_progress(current: Callable[[], Run | None], duration_ns: int) -> None:
    """Show how the attack goes on, until cancelled."""
    if not sys.stderr.isatty():
        while True:
            await anyio.sleep(PLAIN_S)
            run = current()
            if run is not None:
                sys.stderr.write(f"{run.elapsed_ns / SECOND:.0f}s  {in_brief(run)}\n")
                sys.stderr.flush()
    with Progress(
        BarColumn(20),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("", total=duration_ns)
        while True:
            run = current()
            if run is not None:
                progress.update(task, completed=min(run.elapsed_ns, duration_ns), description=in_brief(run))
            await anyio.sleep(LIVE_S)
