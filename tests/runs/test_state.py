"""The transition table of runs."""

from datetime import UTC, datetime
from itertools import product

import pytest

from load_tester.domain.attack import Ending
from load_tester.domain.run import Run, RunState
from load_tester.runs.state import ALIVE, ENDING_STATES, TRANSITIONS, IllegalTransition, can_become, is_alive, moved

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def run_in(state: RunState) -> Run:
    """A run in that state."""
    return Run(id="r", state=state, created_at=NOW)


@pytest.mark.parametrize(("before", "after"), list(product(RunState, RunState)))
def test_only_the_table_says_what_may_follow(before: RunState, after: RunState) -> None:
    """Each of the 36 pairs is either in the table and possible, or an error that names both states."""
    assert can_become(run_in(before), after) is (after in TRANSITIONS[before])
    if after in TRANSITIONS[before]:
        assert moved(run_in(before), after, error="e") == Run(id="r", state=after, created_at=NOW, error="e")
    else:
        with pytest.raises(IllegalTransition, match=f"{before.value} and cannot become {after.value}"):
            moved(run_in(before), after)


def test_every_run_can_come_to_an_end() -> None:
    """From every state that is alive a run can fail, and nothing follows an ending."""
    assert set(TRANSITIONS) == set(RunState)
    assert {RunState.PENDING, RunState.RUNNING, RunState.STOPPING} == ALIVE
    assert all(RunState.FAILED in TRANSITIONS[state] for state in ALIVE)
    assert [state for state in RunState if not is_alive(run_in(state))] == list(ENDING_STATES.values())


def test_every_ending_of_an_attack_has_its_state() -> None:
    """However an attack ends while it runs or is being stopped, the table lets its run end that way."""
    assert set(ENDING_STATES) == set(Ending)
    for before, ending in product((RunState.RUNNING, RunState.STOPPING), Ending):
        assert ENDING_STATES[ending] in TRANSITIONS[before]
