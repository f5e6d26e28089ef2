"""The tables of the terminal: the timeline of a plan, and what became of it."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from load_starter.execution import Status, StepResult
from load_starter.plan import AttackTest, Plan, Step
from load_tester.domain.report import one_line, per_second, percentage, rounded, unwanted_statuses
from load_tester.domain.run import Run

_STYLES = {Status.FINISHED: "green", Status.FAILED: "bold red", Status.INTERRUPTED: "yellow"}


def asked(step: Step) -> str:
    """What a step is going to do, in a few words."""
    if not isinstance(step, AttackTest):
        return one_line(step.title)
    # Which test types have a schedule of their own, only the load tester knows.
    rate = f"{step.num_messages} per {step.per}" if step.num_messages else "no fixed rate"
    return f"{one_line(step.title)}: {step.test_type}, {rate} for {step.duration}"


def timeline(plan: Plan) -> Table:
    """When each step is going to start."""
    table = Table("starts at", "step", "place", title="Plan", title_justify="left", caption_justify="left")
    for at, step in zip(plan.starts(), plan.steps, strict=True):
        table.add_row(str(at), Text(asked(step)), str(step.place))
    table.caption = f"estimated total: {plan.estimate()}"
    return table


def results_table(results: Sequence[StepResult]) -> Table:
    """What became of each step, with the figures of the tests."""
    table = Table(title="Results", title_justify="left")
    table.add_column("step")
    for heading in ("planned", "sent", "success", "rate", "p50", "p99", "errors"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for result in results:
        figures = _figures(result.run) if result.run else [""] * 7
        table.add_row(Text(one_line(result.step.title)), *figures, _verdict(result))
    if any(result.run for result in results):
        table.caption = "p50 and p99 are of the response time, counted from when each hit was due"
        table.caption_justify = "left"
    return table


def _figures(run: Run) -> list[str]:
    figures, times = run.summary, run.summary.response_time
    failures = [f"{kind} {count}" for kind, count in figures.errors.items()]
    failures += [f"status {code} {count}" for code, count in unwanted_statuses(figures).items()]
    failures += [f"{word} {count}" for word, count in (("aborted", figures.aborted), ("lost", figures.lost)) if count]
    return [
        str(figures.planned),
        str(figures.sent),
        percentage(figures.success),
        per_second(figures.pace),
        *(rounded(ns) if times.count else "-" for ns in (times.p50, times.p99)),
        ", ".join(failures) or "none",
    ]


def _verdict(result: StepResult) -> Text:
    text = Text(result.status.value, style=_STYLES[result.status])
    if result.error and result.status is Status.FAILED:
        text.append(f": {one_line(result.error)}", style="default")
    if result.run is not None and result.run.generator_limited:
        reasons = "; ".join(result.run.reasons)
        text.append(f"\ngenerator limited: {one_line(reasons)}", style="yellow")
    if result.run is None and result.run_id is None and isinstance(result.step, AttackTest) and not result.error:
        text.append(" (this load tester keeps no figures)", style="default")
    return text
