"""The YAML report and the tables of the terminal."""

import io
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
import yaml
from rich.console import Console

from load_starter.execution import Status, StepResult
from load_starter.plan import AttackTest, Plan, Step
from load_starter.progress import LINE_EVERY_S, LiveProgress, PlainProgress
from load_starter.report import instant, overall, write_atomically, yaml_report
from load_starter.table import results_table, timeline
from load_starter.testing import EPOCH, figures, plan_of
from load_tester.domain.duration import SECOND
from load_tester.domain.run import Run, RunState

END = EPOCH + timedelta(minutes=2)
ATTACK = "add_vegeta_test('2m', 'session', 1000000, '1s', {'a': 1.5, 'b': Minute}, name='n', labels={'k': 'v'})"
RUN = Run(
    id="r1",
    state=RunState.FINISHED,
    created_at=EPOCH,
    summary=figures(100, 90),
    generator_limited=True,
    reasons=("hits were sent late",),
)


def result_of(
    step: Step, status: Status = Status.FINISHED, error: str | None = None, run: Run | None = RUN
) -> StepResult:
    """A result of two minutes."""
    return StepResult(
        step=step,
        status=status,
        started_at=EPOCH,
        ended_at=END,
        error=error,
        run_id=run.id if run else None,
        run=run if isinstance(step, AttackTest) else None,
    )


def shown(*renderables: object) -> str:
    """What a wide terminal without colours shows."""
    output = io.StringIO()
    Console(file=output, width=200).print(*renderables)
    return output.getvalue()


def test_the_report_has_upstreams_form_with_numbers_as_numbers() -> None:
    """All members of upstream's report are there, with their types."""
    text = yaml_report([result_of(plan_of(ATTACK).steps[0])], EPOCH, END, "finished")
    report = yaml.safe_load(text)
    (entry,) = report["testRuns"]
    assert entry["runInfo"] == {
        "name": "n",
        "description": "",
        "duration": "2m0s",
        "runner": "vegeta",
        "spec": {
            "numMessages": 1_000_000,
            "params": {"a": 1.5, "b": "1m0s"},
            "per": "1s",
            "testType": "session",
            "labels": [["k", "v"]],
        },
    }
    assert "numMessages: 1000000\n" in text
    assert (entry["startTime"], entry["endTime"]) == (EPOCH, END)
    assert (report["startTime"], report["endTime"], report["status"]) == (EPOCH, END, "finished")
    assert "startTime: 2025-01-02T15:04:05Z\n" in text


def test_the_report_has_our_figures_status_and_errors() -> None:
    """Every test has its status; failed ones say why; figures are those of the run, times in nanoseconds."""
    attack = plan_of(ATTACK).steps[0]
    results = [result_of(attack), result_of(attack, Status.FAILED, "no one there", None)]
    finished, failed = yaml.safe_load(yaml_report(results, EPOCH, END, "failed"))["testRuns"]
    assert (finished["status"], finished["runId"]) == ("finished", "r1")
    assert finished["result"]["responseTime"] == msgspec.to_builtins(figures(100, 90).response_time)
    assert finished["result"]["errors"] == {"refused": 10}
    assert finished["result"]["generatorLimited"] is True
    assert finished["result"]["reasons"] == ["hits were sent late"]
    assert "error" not in finished
    assert (failed["status"], failed["error"]) == ("failed", "no one there")
    assert "result" not in failed
    assert "runId" not in failed


def test_the_report_lists_tests_that_produce_one_and_nothing_else() -> None:
    """Sleeps, programs and tests with `produce_report=False` are left out."""
    plan = plan_of(f"add_sleep(Second)\nadd_run_external(['true'])\n{ATTACK.removesuffix(')')}, produce_report=False)")
    text = yaml_report([result_of(step) for step in plan.steps], EPOCH, END, "finished")
    assert yaml.safe_load(text)["testRuns"] == []


def test_labels_used_twice_are_written_twice() -> None:
    """The report has no YAML references, which many readers do not know."""
    plan = plan_of(f"common = {{'x': [1]}}\nfor i in range(2):\n    {ATTACK.replace('1.5', 'common')}")
    assert "&id" not in yaml_report([result_of(step) for step in plan.steps], EPOCH, END, "finished")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC), "2025-01-02T03:04:05Z"),
        (datetime(2025, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC), "2025-01-02T03:04:05.12Z"),
        (datetime(2025, 1, 2, 3, 4, 5, 1, tzinfo=timezone(timedelta(hours=1))), "2025-01-02T02:04:05.000001Z"),
    ],
)
def test_instants_are_written_as_rfc_3339_in_utc(moment: datetime, text: str) -> None:
    """Only the digits of the fraction that matter are written, as Go does."""
    assert instant(moment) == text


def test_the_report_replaces_its_file_at_once(tmp_path: Path) -> None:
    """A report can be written over an old one; nothing else is left in the directory; others may read it."""
    path = tmp_path / "report.yaml"
    path.write_text("old")
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_cannot_be_written_leaves_no_rest(tmp_path: Path) -> None:
    """When the file cannot be replaced, there is an error and no half-written file."""
    path = tmp_path / "report.yaml"
    path.mkdir()
    with pytest.raises(OSError, match=r"report\.yaml"):
        write_atomically(path, "new")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], Status.FINISHED),
        ([Status.FINISHED, Status.FINISHED], Status.FINISHED),
        ([Status.FINISHED, Status.FAILED, Status.FINISHED], Status.FAILED),
        ([Status.FAILED, Status.INTERRUPTED], Status.INTERRUPTED),
    ],
)
def test_a_plan_is_as_good_as_its_worst_step(statuses: list[Status], whole: Status) -> None:
    """One failed step makes a failed plan; an interruption makes an interrupted one."""
    step = plan_of(ATTACK).steps[0]
    assert overall([result_of(step, status) for status in statuses]) is whole


def test_the_table_shows_the_figures_of_every_test() -> None:
    """Planned, sent, success, rate, percentiles, errors, verdict and the generator's limits are in it."""
    plan = plan_of(f"{ATTACK}\nadd_sleep(Second)")
    table = shown(results_table([result_of(step) for step in plan.steps]))
    for text in (
        "n ",
        "100",
        "90.00%",
        "10.5/s",
        "150µs",
        "900µs",
        "refused 10",
        "generator limited: hits were sent late",
    ):
        assert text in table
    assert "sleep 1s" in table


def test_the_table_shows_why_a_test_failed() -> None:
    """The verdict has the error; markup in names and errors is text."""
    plan = plan_of(ATTACK.replace("'n'", "'[red]n[/red]'"))
    table = shown(results_table([result_of(plan.steps[0], Status.FAILED, "no [b]one[/b]\nthere", None)]))
    assert "[red]n[/red]" in table
    assert "failed: no [b]one[/b] there" in table


def test_answers_with_error_statuses_are_among_the_errors() -> None:
    """So is every other hit that is not a success, with a word for what became of it."""
    run = msgspec.structs.replace(
        RUN,
        summary=msgspec.structs.replace(
            figures(), status_codes={"200": 60, "302": 10, "503": 29}, successes=70, aborted=1
        ),
    )
    table = shown(results_table([result_of(plan_of(ATTACK).steps[0], run=run)]))
    assert "status 503 29, aborted 1" in table
    assert "status 302" not in table


def test_the_timeline_shows_when_each_step_starts() -> None:
    """Start, what, where, and the estimated total."""
    plan = plan_of(f"{ATTACK}\nadd_sleep(Second)\n{ATTACK.replace('1000000', '0')}")
    text = shown(timeline(plan))
    for part in ("0s", "2m0s", "2m1s", "n: session, 1000000 per 1s for 2m0s", "n: session, no fixed rate for 2m0s"):
        assert part in text
    assert "plan.star:3" in text
    assert "estimated total: 4m1s" in text


def told(progress: PlainProgress | LiveProgress, plan: Plan, run: Run = RUN) -> None:
    """Everything that is told of one test."""
    (step,) = plan.steps
    with progress:
        progress.started(1, step)
        for elapsed_s in (0.0, LINE_EVERY_S - 1, LINE_EVERY_S, LINE_EVERY_S + 1):
            progress.running(step, elapsed_s, run)
        progress.ended(result_of(step, Status.FAILED, "it broke"))


def test_without_a_terminal_progress_is_written_in_lines() -> None:
    """There is a line at the start, at the end, and every ten seconds between."""
    output = io.StringIO()
    plan = plan_of(ATTACK)
    told(PlainProgress(plan, Console(file=output, width=40)), plan)
    live = "100 sent  10.5/s  p50 150µs  p99 900µs  10 errors"
    assert output.getvalue().splitlines() == [
        "step 1 of 1: n: session, 1000000 per 1s for 2m0s",
        f"  10 s of 2m0s  {live}",
        f"  failed: it broke  {live}",
    ]


def test_progress_is_measured_by_the_schedule_if_that_ends_before_the_duration() -> None:
    """A trace that is replayed may be shorter than the duration that the script allows it."""
    output = io.StringIO()
    plan = plan_of(ATTACK)
    replay = msgspec.structs.replace(RUN, scheduled_hits=100, scheduled_ns=20 * SECOND)
    told(PlainProgress(plan, Console(file=output, width=40)), plan, replay)
    assert "  10 s of 20s  " in output.getvalue()


def test_on_a_terminal_progress_is_a_bar_with_live_figures() -> None:
    """Rate, percentiles, errors and the time left are shown while a test runs."""
    output = io.StringIO()
    plan = plan_of(ATTACK)
    told(LiveProgress(plan, Console(file=output, width=160, force_terminal=True, no_color=True)), plan)
    for text in ("10.5/s", "p50 150µs", "p99 900µs", "10 errors", "left", "failed: it broke"):
        assert text in output.getvalue()
