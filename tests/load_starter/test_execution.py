"""Plans run step by step, in virtual time, against a fake load tester."""

from dataclasses import dataclass, field

import anyio
import httpx
import pytest

from load_starter.attack import MARGIN_S
from load_starter.execution import Execution, Status, StepResult
from load_starter.plan import Step
from load_starter.testing import EPOCH, FakeLoadTester, VirtualClock, figures, plan_of
from load_tester.domain.run import Run, RunState

TEN_SECONDS = "add_vegeta_test(10 * Second, 'session', 10, '1s', {}, name='first')\n"


@dataclass
class Notes:
    """An observer that remembers, and may do something when an attack is seen to run."""

    lines: list[str] = field(default_factory=list)
    live: list[Run] = field(default_factory=list)
    scope: anyio.CancelScope | None = None

    def started(self, number: int, step: Step) -> None:
        """Remember it."""
        self.lines.append(f"{number} {step.title}")

    def running(self, step: Step, elapsed_s: float, run: Run | None) -> None:
        """Remember the figures; end the plan if that was asked for."""
        if run is not None:
            self.live.append(run)
        if self.scope is not None:
            self.scope.cancel()

    def ended(self, result: StepResult) -> None:
        """Remember it."""
        self.lines.append(result.status.value)


async def no_program(argv: tuple[str, ...]) -> int:
    """A program that is not there unless it is called `true`, and ends with the status it is called."""
    if argv[0] == "true":
        return 0
    if not argv[0].lstrip("-").isdigit():
        raise FileNotFoundError(2, "No such file or directory")
    return int(argv[0])


def executed(
    script: str,
    transport: httpx.AsyncBaseTransport | FakeLoadTester,
    *,
    clock: VirtualClock | None = None,
    notes: Notes | None = None,
    interrupt: bool = False,
) -> list[StepResult]:
    """The results of a plan."""
    if isinstance(transport, FakeLoadTester):
        transport = httpx.ASGITransport(transport.app())
    notes = notes or Notes()

    async def execute() -> list[StepResult]:
        async with httpx.AsyncClient(transport=transport) as http:
            execution = Execution(plan_of(script), http, notes, clock=clock or VirtualClock(), program=no_program)
            with anyio.CancelScope() as scope:
                notes.scope = scope if interrupt else None
                await execution.run()
        return execution.results

    return anyio.run(execute)


def test_the_steps_of_a_plan_run_in_order_and_all_are_told() -> None:
    """Every step has its result; the commands arrive in order; nothing is stopped that ends by itself."""
    fake = FakeLoadTester(looks=3)
    notes = Notes()
    script = TEN_SECONDS + "add_sleep('3.5s')\nadd_run_external(['true'])\n" + TEN_SECONDS.replace("first", "second")
    results = executed(script, fake, notes=notes)
    assert [result.status for result in results] == [Status.FINISHED] * 4
    assert [command["name"] for command in fake.commands] == ["first", "second"]
    assert "GET /stop" not in fake.requests
    assert notes.lines[::2] == ["1 first", "2 sleep 3.5s", "3 true", "4 second"]
    assert len(notes.live) == 3
    assert (results[0].run_id, results[0].error) == ("run-1", None)
    assert results[0].run is not None
    assert results[0].run.summary == figures()


def test_sleeping_takes_its_time_exactly() -> None:
    """A pause is as long as it says, in virtual time."""
    (result,) = executed("add_sleep('90.25s')", FakeLoadTester())
    assert (result.ended_at - result.started_at).total_seconds() == pytest.approx(90.25)
    assert result.started_at == EPOCH


@pytest.mark.parametrize(
    ("fake", "error"),
    [
        (FakeLoadTester(ending=RunState.FAILED), "the load tester says that the run failed, but not why"),
        (FakeLoadTester(ending=RunState.STOPPED), "it was stopped before its end by someone else"),
        (FakeLoadTester(summary=figures(5, 0)), "not one of 5 hits was answered (refused 5)"),
        (FakeLoadTester(refusal=(400, {"error": "bad", "path": "$.per"})), "bad (at $.per; status 400)"),
    ],
)
def test_a_test_that_does_not_go_as_planned_fails_and_the_others_run(fake: FakeLoadTester, error: str) -> None:
    """The failed test says why; the plan goes on."""
    results = executed(TEN_SECONDS + "add_sleep(Second)", fake)
    assert [result.status for result in results] == [Status.FAILED, Status.FINISHED]
    assert results[0].error == error


def test_a_low_success_ratio_is_a_finding_and_not_a_failure() -> None:
    """As long as one hit was answered, the test did what it is there for."""
    (result,) = executed(TEN_SECONDS, FakeLoadTester(summary=figures(100, 1)))
    assert result.status is Status.FINISHED


def test_a_run_that_does_not_end_is_stopped() -> None:
    """After its duration, the timeout of its hits and a margin, the attack is stopped, and its figures are kept."""
    fake, clock = FakeLoadTester(looks=None), VirtualClock()
    script = "add_vegeta_test(10 * Second, 'session', 10, '1s', {}, timeout=5 * Second)"
    (result,) = executed(script, fake, clock=clock)
    assert result.status is Status.FAILED
    assert result.error == "it did not end within 25s and was stopped"
    assert fake.requests[-2:] == ["GET /stop", "GET /runs"]
    assert result.run is not None
    assert result.run.state is RunState.STOPPED
    assert 15 + MARGIN_S <= clock.elapsed_s <= 16 + MARGIN_S


def test_a_hit_may_take_the_timeout_that_the_load_tester_uses() -> None:
    """A script that names no timeout leaves it to the load tester, whose record of the run says which it is."""
    fake = FakeLoadTester(looks=None, defaults={"timeout": "1m0s"})
    (result,) = executed(TEN_SECONDS, fake)
    assert result.error == "it did not end within 1m20s and was stopped"


def test_an_attack_that_cannot_be_stopped_does_not_keep_the_plan() -> None:
    """An interrupted plan ends also when its load tester is gone."""
    app = httpx.ASGITransport(FakeLoadTester(looks=None).app())

    async def deaf(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/stop/":
            raise httpx.ConnectError("refused")
        return await app.handle_async_request(request)

    (result,) = executed(TEN_SECONDS, httpx.MockTransport(deaf), interrupt=True)
    assert result.status is Status.INTERRUPTED


def test_a_load_tester_that_falls_silent_for_a_moment_is_forgiven(caplog: pytest.LogCaptureFixture) -> None:
    """Looking at a run survives failures that last less than the patience; whoever watches is told once."""
    fake = FakeLoadTester(looks=4)
    app = httpx.ASGITransport(fake.app())
    looks = iter([True, False, False, False, False, True, True])

    async def flaky(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/status" and not next(looks, True):
            raise httpx.ConnectError("refused")
        return await app.handle_async_request(request)

    (result,) = executed(TEN_SECONDS, httpx.MockTransport(flaky))
    assert result.status is Status.FINISHED
    (told,) = [record.getMessage() for record in caplog.records if record.name == "load_starter.attack"]
    assert "does not answer" in told
    assert told.endswith("waiting up to 15 s for it to come back")


def test_a_load_tester_that_is_gone_fails_the_test() -> None:
    """A load tester that died during the attack does not keep the plan for ever; the run's id is reported."""
    app = httpx.ASGITransport(FakeLoadTester().app())
    clock = VirtualClock()

    async def dying(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/command/":
            return await app.handle_async_request(request)
        raise httpx.ConnectError("refused")

    results = executed(TEN_SECONDS + "add_run_external(['true'])", httpx.MockTransport(dying), clock=clock)
    assert [result.status for result in results] == [Status.FAILED, Status.FINISHED]
    assert results[0].error is not None
    assert "does not answer: refused" in results[0].error
    assert results[0].run_id == "run-1"
    assert clock.elapsed_s < 30


def test_upstreams_load_tester_is_waited_for_and_stopped() -> None:
    """Without runs to follow, the duration is waited out, then the attack is stopped; there are no figures."""
    fake, clock = FakeLoadTester(is_upstream=True), VirtualClock()
    (result,) = executed(TEN_SECONDS, fake, clock=clock)
    assert (result.status, result.run, result.run_id) == (Status.FINISHED, None, None)
    assert fake.requests == ["POST /command", "GET /stop"]
    assert clock.elapsed_s == pytest.approx(10)


def test_an_interrupted_test_stops_its_attack_and_keeps_its_figures() -> None:
    """Cancelling stops the attack before anything else ends; later steps are not begun."""
    fake = FakeLoadTester(looks=None)
    notes = Notes()
    results = executed(TEN_SECONDS + "add_sleep(Second)", fake, notes=notes, interrupt=True)
    (result,) = results
    assert (result.status, result.error) == (Status.INTERRUPTED, "interrupted")
    assert fake.requests == ["POST /command", "GET /stop", "GET /runs"]
    assert result.run is not None
    assert result.run.state is RunState.STOPPED
    assert notes.lines == ["1 first", "interrupted"]


def test_an_interrupted_sleep_stops_nothing() -> None:
    """Where no attack runs, no load tester is asked."""
    fake = FakeLoadTester()
    (result,) = executed("add_sleep(Hour)", fake, interrupt=True)
    assert result.status is Status.INTERRUPTED
    assert fake.requests == []


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("3", "3 ended with status 3"),
        ("-9", "-9 was ended by signal 9"),
        ("nowhere", "nowhere cannot be started: No such file or directory"),
    ],
)
def test_a_program_that_fails_is_recorded(program: str, error: str) -> None:
    """A status other than 0, a signal and a missing program are failures; the plan goes on."""
    results = executed(f"add_run_external(['{program}'])\nadd_run_external(['true'])", FakeLoadTester())
    assert [result.error for result in results] == [error, None]
