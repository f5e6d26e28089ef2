"""Runs a plan: one step after the other, with a result for each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import anyio
import httpx

from load_starter.attack import TestAttack
from load_starter.client import CommandRefused, LoadTester, Unreachable
from load_starter.clock import Clock, SystemClock
from load_starter.plan import AttackTest, ExternalCommand, LocustTest, Plan, Sleep, Step
from load_tester.domain.run import Run

TICK_S: Final = 1.0
"""Between two calls of the observer while a step sleeps."""


class Status(StrEnum):
    """How a step ended."""

    FINISHED = "finished"
    """It ran to its end."""
    FAILED = "failed"
    """It could not run, or did not run as planned; the result's `error` says why."""
    INTERRUPTED = "interrupted"
    """The plan was ended while it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What became of a step. Instants are UTC; `run` are the figures of a test, if its load tester keeps any."""

    step: Step
    status: Status
    started_at: datetime
    ended_at: datetime
    error: str | None = None
    run_id: str | None = None
    run: Run | None = None


class Observer(Protocol):
    """Who is told what happens; the calls must be quick."""

    def started(self, number: int, step: Step) -> None:
        """Step `number` of the plan, counted from 1, begins."""

    def running(self, step: Step, elapsed_s: float, run: Run | None) -> None:
        """The step still runs; `run` are the live figures of a test, if there are any."""

    def ended(self, result: StepResult) -> None:
        """The step has ended."""


async def run_program(argv: tuple[str, ...]) -> int:
    """Run a program with the input, output and errors of this one; returns its exit status.

    When the task is cancelled, the program is ended.

    Raises:
        OSError: it cannot be started.
    """
    async with await anyio.open_process(argv, stdin=None, stdout=None, stderr=None) as process:
        return await process.wait()


class Execution:
    """One execution of a plan; owns `results`, which has every step that was begun, in order."""

    def __init__(
        self,
        plan: Plan,
        http: httpx.AsyncClient,
        observer: Observer,
        *,
        clock: Clock | None = None,
        program: Callable[[tuple[str, ...]], Awaitable[int]] = run_program,
    ) -> None:
        self.results: list[StepResult] = []
        self._plan = plan
        self._http = http
        self._observer = observer
        self._clock = clock or SystemClock()
        self._program = program

    async def run(self) -> None:
        """Run all steps. A step that fails does not keep the others from running.

        When the task is cancelled while a test runs, its attack is stopped and the figures it has come to are kept.
        """
        for number, step in enumerate(self._plan.steps, 1):
            self._observer.started(number, step)
            started_at = self._clock.now()
            attack = self._attack(step) if isinstance(step, AttackTest) else None
            status = Status.FAILED
            error: str | None = "load-starter itself failed"  # unless something else turns out
            try:
                error = await self._step(step, attack)
                status = Status.FAILED if error else Status.FINISHED
            except anyio.get_cancelled_exc_class():
                status, error = Status.INTERRUPTED, "interrupted"
                with anyio.CancelScope(shield=True):
                    if attack is not None:
                        await attack.abandon()
                raise
            finally:
                result = StepResult(
                    step=step,
                    status=status,
                    started_at=started_at,
                    ended_at=self._clock.now(),
                    error=error,
                    run_id=attack.run_id if attack else None,
                    run=attack.run if attack else None,
                )
                self.results.append(result)
                self._observer.ended(result)

    async def _step(self, step: Step, attack: TestAttack | None) -> str | None:
        """Run one step; returns what went wrong."""
        match step:
            case Sleep():
                await self._sleep(step)
            case ExternalCommand():
                return await self._external(step)
            case LocustTest():
                return "Locust tests are not supported yet"
        if attack is None:
            return None
        try:
            await attack.complete()
        except (CommandRefused, Unreachable) as error:
            return str(error)
        return attack.error

    def _attack(self, test: AttackTest) -> TestAttack:
        tester = LoadTester(test.url, self._http, self._clock.sleep)
        return TestAttack(
            test, tester, self._clock, lambda elapsed_s, run: self._observer.running(test, elapsed_s, run)
        )

    async def _sleep(self, step: Sleep) -> None:
        started = self._clock.monotonic()
        while (elapsed_s := self._clock.monotonic() - started) < step.duration.seconds:
            self._observer.running(step, elapsed_s, None)
            await self._clock.sleep(min(TICK_S, step.duration.seconds - elapsed_s))

    async def _external(self, step: ExternalCommand) -> str | None:
        try:
            status = await self._program(step.argv)
        except OSError as error:
            return f"{step.argv[0]} cannot be started: {error.strerror or error}"
        if status < 0:
            return f"{step.argv[0]} was ended by signal {-status}"
        return f"{step.argv[0]} ended with status {status}" if status else None
