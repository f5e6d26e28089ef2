"""Shows what happens while a plan runs: a live bar on a terminal, plain lines anywhere else."""

import logging
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from load_starter.execution import Status, StepResult
from load_starter.plan import Plan, Step
from load_starter.table import asked
from load_tester.domain.duration import Duration
from load_tester.domain.report import brief, one_line
from load_tester.domain.run import Run

LINE_EVERY_S: Final = 10.0
"""Between two lines about the same step where there is no terminal."""

_log = logging.getLogger(__name__)


def live_figures(run: Run | None) -> str:
    """The figures of a running attack on one line; empty when there are none."""
    if run is None:
        return ""
    return brief(run)


def expected(step: Step, run: Run | None) -> Duration:
    """How long a step will take: a schedule of the test type's own may end before the step's duration."""
    return Duration(run.scheduled_ns) if run is not None and run.scheduled_ns else step.estimate


class PlainProgress:
    """Writes a line when a step starts and ends, and every `LINE_EVERY_S` between."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._next_line_s = LINE_EVERY_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        """Nothing is open."""

    def started(self, number: int, step: Step) -> None:
        """Step `number` of the plan begins."""
        self._next_line_s = LINE_EVERY_S
        self._line(f"step {number} of {len(self._plan.steps)}: {asked(step)}")

    def running(self, step: Step, elapsed_s: float, run: Run | None) -> None:
        """The step still runs."""
        if elapsed_s >= self._next_line_s:
            self._next_line_s += LINE_EVERY_S
            self._line(f"  {elapsed_s:.0f} s of {expected(step, run)}  {live_figures(run)}".rstrip())

    def ended(self, result: StepResult) -> None:
        """The step has ended."""
        error = f": {one_line(result.error)}" if result.error and result.status is Status.FAILED else ""
        self._line(f"  {result.status.value}{error}  {live_figures(result.run)}".rstrip())

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveProgress:
    """Shows the running step as a bar with its live figures and the time left."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._plain = PlainProgress(plan, console)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}", markup=False),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._progress.stop()

    def started(self, number: int, step: Step) -> None:
        """Step `number` of the plan begins."""
        self._plain.started(number, step)

    def running(self, step: Step, elapsed_s: float, run: Run | None) -> None:
        """The step still runs."""
        total_s = expected(step, run).seconds
        if self._task is None:
            self._task = self._progress.add_task(one_line(step.title), total=total_s, figures="")
            self._progress.start()
        self._progress.update(self._task, total=total_s, completed=min(elapsed_s, total_s), figures=live_figures(run))

    def ended(self, result: StepResult) -> None:
        """The step has ended."""
        if self._task is not None:
            self._progress.stop()
            self._progress.remove_task(self._task)
            self._task = None
        self._plain.ended(result)
