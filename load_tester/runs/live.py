"""An attack that runs, as its run's record sees it."""

from datetime import datetime
from typing import Any, Final

import anyio
import msgspec

from load_tester.domain.attack import Order, Outcome, Update
from load_tester.domain.duration import SECOND, format_ns
from load_tester.domain.instant import to_datetime
from load_tester.domain.metrics import Metrics
from load_tester.domain.run import Run, RunState
from load_tester.domain.verdict import generator_limits
from load_tester.engine.interface import Attack
from load_tester.runs.state import ENDING_STATES, can_become, is_alive, moved

MAX_INCIDENTS: Final = 100


class LiveRun:
    """The record of one run while it is alive, and the owner of its figures.

    `ended` is set when the record is final. `attack` is there once the engine has started it.
    """

    def __init__(self, run: Run, order: Order) -> None:
        self.order = order
        self.attack: Attack | None = None
        self.ended = anyio.Event()
        self._run = run
        self._metrics = Metrics()
        self._latest = Update(elapsed_ns=0)
        self._incidents: list[str] = []
        self._recorded_ns = 0
        self._has_store_trouble = False

    @property
    def id(self) -> str:
        """The run's id."""
        return self._run.id

    @property
    def is_alive(self) -> bool:
        """Whether the run has not ended."""
        return is_alive(self._run)

    @property
    def can_be_stopped(self) -> bool:
        """Whether a stop would be news to it."""
        return can_become(self._run, RunState.STOPPING)

    def record(self) -> Run:
        """The record with the figures so far."""
        figures = self._metrics.figures()
        reasons = generator_limits(self.order, figures, self._latest.elapsed_ns, self._latest.saturated_ns)
        return msgspec.structs.replace(
            self._run,
            elapsed_ns=self._latest.elapsed_ns,
            workers=self._latest.workers or self._run.workers,
            incidents=tuple(self._incidents),
            connections_open=self._latest.open,
            in_flight=self._latest.in_flight,
            waiting=self._latest.waiting,
            generator_limited=bool(reasons),
            reasons=reasons,
            summary=figures,
        )

    def move(self, state: RunState, **changes: Any) -> Run:
        """Go into another state. Raises `IllegalTransition`."""
        self._run = moved(self._run, state, **changes)
        return self.record()

    def start(self, attack: Attack) -> Run:
        """The engine has started it."""
        self.attack = attack
        started_at = to_datetime(attack.started_ns)
        return self.move(RunState.RUNNING, started_at=started_at, workers=attack.workers)

    def take(self, update: Update) -> bool:
        """Add what the engine says; whether it is time to have the record stored again: once a second."""
        self._latest = update
        for second in update.seconds:
            self._metrics.add(second)
        is_due = update.elapsed_ns - self._recorded_ns >= SECOND
        if is_due:
            self._recorded_ns = update.elapsed_ns
        return is_due

    def note_store(self, error: str | None) -> None:
        """Put into the record when results could not be stored, and when they could again."""
        at = format_ns(self._latest.elapsed_ns)
        if error is not None and not self._has_store_trouble:
            self.note(f"at {at} results could not be stored, and were kept in memory to be tried again: {error}")
        if error is None and self._has_store_trouble:
            self.note(f"at {at} results could be stored again")
        self._has_store_trouble = error is not None

    def note(self, incident: str) -> None:
        """Put what went wrong into the record; the first hundred times."""
        if len(self._incidents) < MAX_INCIDENTS:
            self._incidents.append(incident)

    def end(self, outcome: Outcome, ended_at: datetime) -> Run:
        """Bring the record to its end, as the engine says how it ended."""
        for incident in outcome.incidents:
            self.note(incident)
        counts = self._metrics.counts
        accounted = counts.answered + counts.failed + counts.aborted + counts.lost
        if accounted != counts.planned:
            self.note(f"the figures do not add up: {counts.planned} hits were planned, {accounted} have an ending")
        self._latest = msgspec.structs.replace(
            self._latest,
            elapsed_ns=max(self._latest.elapsed_ns, counts.end_at, counts.last_at),
            open=0,
            in_flight=0,
            waiting=0,
        )
        self._run = moved(
            self._run,
            ENDING_STATES[outcome.ending],
            ended_at=ended_at,
            error=outcome.error,
            error_messages=outcome.messages,
        )
        self.ended.set()
        return self.record()
