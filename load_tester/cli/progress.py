"""What is shown on standard error while an attack runs."""

import sys
from collections.abc import Callable
from typing import Final

import anyio
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from load_tester.domain.duration import SECOND
from load_tester.domain.report import brief
from load_tester.domain.run import Run

LIVE_S: Final = 0.25
PLAIN_S: Final = 10.0
"""Where standard error is not a terminal, a line is written this often."""


async def show_progress(current: Callable[[], Run | None], duration_ns: int) -> None:
    """Show how the attack goes on, until cancelled; its hits are due within `duration_ns`."""
    if not sys.stderr.isatty():
        while True:
            await anyio.sleep(PLAIN_S)
            run = current()
            if run is not None:
                sys.stderr.write(f"{run.elapsed_ns / SECOND:.0f}s  {brief(run)}\n")
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
                progress.update(task, completed=min(run.elapsed_ns, duration_ns), description=brief(run))
            await anyio.sleep(LIVE_S)
