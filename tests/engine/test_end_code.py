"""How a hit ended, as one number."""

from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.request import MAX_TARGETS
from load_tester.engine.end_code import ABORTED, CHECK_FAILED, TIMED_OUT, mark, read


@given(st.integers(0, MAX_TARGETS - 1), st.booleans(), st.integers(100, 999) | st.sampled_from([TIMED_OUT, ABORTED]))
def test_what_is_written_is_read(target: int, check_failed: bool, status: int) -> None:
    """Target, check and status come back, whatever they are; only a status of HTTP is an answer."""
    end = read(mark(target) + check_failed * CHECK_FAILED + status)
    assert end == (target, check_failed, status)
    assert end.is_answer == (status >= 100)
