"""Names of runs."""

from hypothesis import given
from hypothesis import strategies as st

from load_tester.runs.run_id import RunIds

SECOND = 1_000_000_000


def test_an_id_tells_the_time() -> None:
    """It starts with the UTC second, and is short enough to be typed."""
    assert RunIds(lambda: 1_795_256_130 * SECOND + SECOND // 4).new() == "20261121-101530-400000"


@given(st.lists(st.integers(1_700_000_000 * SECOND, 1_700_000_001 * SECOND), min_size=2, max_size=100))
def test_ids_rise_whatever_the_clock_does(instants: list[int]) -> None:
    """Also when the clock stands still or is set back, no id comes twice and their order is that of the runs."""
    clock = iter(instants)
    ids = RunIds(lambda: next(clock))
    made = [ids.new() for _ in instants]
    assert made == sorted(set(made))
