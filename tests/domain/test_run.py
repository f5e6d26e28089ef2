"""Runs and their seconds."""

from load_tester.domain.metrics import Figures
from load_tester.domain.run import TimelineSecond, completed


def test_a_timeline_has_every_second() -> None:
    """Those in which nothing happened as well, with as many connections open as before."""
    timeline = completed(
        [
            TimelineSecond(1, Figures(planned=2, connections_opened=3, connections_closed=1, connections_open=2)),
            TimelineSecond(4, Figures(planned=1, connections_opened=1, connections_open=1)),
        ]
    )
    assert [second.second for second in timeline] == [0, 1, 2, 3, 4]
    assert [second.figures.planned for second in timeline] == [0, 2, 0, 0, 1]
    assert [second.figures.connections_open for second in timeline] == [0, 2, 2, 2, 3]


def test_a_run_without_seconds_has_no_timeline() -> None:
    """Nothing is made up."""
    assert completed([]) == ()
