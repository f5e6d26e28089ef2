"""Runs one test on a load tester: posts its command and follows the run to its end."""

import contextlib
import logging
from collections.abc import Callable
from typing import Final

import anyio

from load_starter.client import CommandRefused, LoadTester, Unreachable
from load_starter.clock import Clock
from load_starter.plan import AttackTest
from load_tester.domain.duration import SECOND, Duration, InvalidDuration
from load_tester.domain.run import Run, RunState

POLL_S: Final = 0.3
"""Between two looks at a running attack."""
MARGIN_S: Final = 10.0
"""What a run may take beyond its duration and the timeout of its last hit, before it is stopped."""
PATIENCE_S: Final = 15.0
"""How long a load tester may be silent while an attack runs, before the test is given up."""
LAST_WORDS_S: Final = 5.0
"""How long the figures are waited for after an attack was stopped."""
DEFAULT_TIMEOUT: Final = Duration(30 * SECOND)
"""Of a hit, when neither the script nor the load tester names another."""

_log = logging.getLogger(__name__)
_FINAL: Final = frozenset({RunState.FINISHED, RunState.STOPPED, RunState.FAILED})


class TestAttack:
    """One attempt at a test; owns what is known of it: `run_id`, the latest `run`, and what went wrong, `error`.

    `watch` is called with the seconds since the start and the live figures while the attack runs.
    """

    __test__ = False  # not a test, whatever pytest thinks of its name

    def __init__(
        self, test: AttackTest, tester: LoadTester, clock: Clock, watch: Callable[[float, Run | None], None]
    ) -> None:
        self.run_id: str | None = None
        self.run: Run | None = None
        self.error: str | None = None
        self._test = test
        self._tester = tester
        self._clock = clock
        self._watch = watch
        self._posted = False

    async def complete(self) -> None:
        """Run the attack to its end; afterwards `error` says what was not as planned.

        An attack in which no hit at all was answered is an error; how many were is not: that is what tests find out.

        Raises:
            CommandRefused: the load tester does not accept the command, or has forgotten the run.
            Unreachable: the load tester does not answer, or not any more.
        """
        self._posted = True
        accepted = await self._tester.start(self._test.command())
        self.run_id = accepted.run_id
        if accepted.run_id is None:
            await self._wait_out()
            return
        await self._follow(accepted.run_id)
        self.error = self.error or _shortfall(self.run)

    async def abandon(self) -> None:
        """Stop the attack and read the figures it has come to; never raises, and takes `LAST_WORDS_S` at most."""
        if not self._posted:
            return
        with anyio.move_on_after(LAST_WORDS_S), contextlib.suppress(CommandRefused, Unreachable):
            await self._tester.stop()
            if self.run_id is not None:
                await self._settle(self.run_id)

    async def _follow(self, run_id: str) -> None:
        started = heard = self._clock.monotonic()
        is_silent = False
        while True:
            try:
                self.run = await self._tester.live(run_id)
                heard = self._clock.monotonic()
                is_silent = False
            except Unreachable as silence:
                if self._clock.monotonic() - heard > PATIENCE_S:
                    raise
                if not is_silent:
                    _log.warning("%s; waiting up to %g s for it to come back", silence, PATIENCE_S)
                is_silent = True
            if self.run is not None and self.run.state in _FINAL:
                return
            elapsed_s = self._clock.monotonic() - started
            limit_s = self._test.duration.seconds + self._timeout().seconds + MARGIN_S
            if elapsed_s > limit_s:
                self.error = f"it did not end within {Duration(int(limit_s * SECOND))} and was stopped"
                await self._tester.stop()
                await self._settle(run_id)
                return
            self._watch(elapsed_s, self.run)
            await self._clock.sleep(POLL_S)

    async def _settle(self, run_id: str) -> None:
        """Wait for the figures of a run that was stopped."""
        deadline = self._clock.monotonic() + LAST_WORDS_S
        while True:
            self.run = await self._tester.run(run_id)
            if self.run.state in _FINAL or self._clock.monotonic() > deadline:
                return
            await self._clock.sleep(POLL_S)

    async def _wait_out(self) -> None:
        """Follow an attack of upstream's go-load-tester, which tells nothing: wait, then stop it."""
        started = self._clock.monotonic()
        while (elapsed_s := self._clock.monotonic() - started) < self._test.duration.seconds:
            self._watch(elapsed_s, None)
            await self._clock.sleep(min(POLL_S, self._test.duration.seconds - elapsed_s))
        await self._tester.stop()

    def _timeout(self) -> Duration:
        """The timeout of the hits, as far as one can know."""
        if self._test.timeout is not None:
            return self._test.timeout
        if self.run is not None:
            with contextlib.suppress(InvalidDuration):
                return Duration.parse(str(self.run.command.get("timeout", DEFAULT_TIMEOUT)))
        return DEFAULT_TIMEOUT


def _shortfall(run: Run | None) -> str | None:
    """Why a run that has ended is not what was planned; `None` when it is."""
    if run is None:
        return None
    if run.state is RunState.FAILED:
        return run.error or "the load tester says that the run failed, but not why"
    if run.state is RunState.STOPPED:
        return "it was stopped before its end by someone else"
    figures = run.summary
    if figures.planned and not figures.answered:
        kinds = ", ".join(f"{kind} {count}" for kind, count in figures.errors.items()) or "no errors reported"
        return f"not one of {figures.planned} hits was answered ({kinds})"
    return None
