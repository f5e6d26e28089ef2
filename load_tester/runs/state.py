"""The states of a run as a transition table: the one place that knows which state may follow which."""

from datetime import datetime
from typing import Any, Final

import msgspec

from load_tester.domain.attack import Ending
from load_tester.domain.run import Run, RunState

TRANSITIONS: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.PENDING: frozenset({RunState.RUNNING, RunState.STOPPED, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.STOPPING, RunState.FINISHED, RunState.STOPPED, RunState.FAILED}),
    # A stop can cross with the natural end, or with a failure: the engine has the last word on how it ended.
    RunState.STOPPING: frozenset({RunState.STOPPED, RunState.FINISHED, RunState.FAILED}),
    RunState.FINISHED: frozenset(),
    RunState.STOPPED: frozenset(),
    RunState.FAILED: frozenset(),
}
"""Which states may follow each state; none follows an ending."""

ALIVE: Final = frozenset(state for state, following in TRANSITIONS.items() if following)
"""The states of a run that has not ended."""

ENDING_STATES: Final = {
    Ending.FINISHED: RunState.FINISHED,
    Ending.STOPPED: RunState.STOPPED,
    Ending.FAILED: RunState.FAILED,
}
"""The state in which each ending of an attack leaves its run."""


class IllegalTransition(Exception):
    """A run was to go from a state into one that may not follow it: a mistake of this program, not of its user."""


def moved(run: Run, state: RunState, **changes: Any) -> Run:
    """The run in its next state, with other fields changed along the way.

    Raises:
        IllegalTransition: `state` may not follow the run's state.
    """
    if not can_become(run, state):
        raise IllegalTransition(f"run {run.id} is {run.state.value} and cannot become {state.value}")
    return msgspec.structs.replace(run, state=state, **changes)


def is_alive(run: Run) -> bool:
    """Whether the run has not ended."""
    return run.state in ALIVE


def can_become(run: Run, state: RunState) -> bool:
    """Whether the run may go into that state."""
    return state in TRANSITIONS[run.state]


def failed(run: Run, error: str, ended_at: datetime) -> Run:
    """The run, failed for that reason at that instant.

    Raises:
        IllegalTransition: it has ended already.
    """
    return moved(run, RunState.FAILED, error=error, ended_at=ended_at)
