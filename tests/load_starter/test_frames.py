"""Frames between the process that evaluates a script and the one that waits for it arrive as they were sent."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_starter.frames import Broken, Ended, Frame, Opened, Planned, Printed, Refused, framed, frames
from load_starter.plan import Place, Plan, Sleep
from load_starter.trouble import ScriptError
from load_tester.domain.duration import Duration

texts = st.text(st.characters(codec="utf-8"))
any_frame = st.one_of(
    st.builds(Opened, texts, texts),
    st.builds(Printed, texts),
    st.builds(Refused, texts, texts, st.integers(0, 2**31), texts, st.just((Place("a.star", 3),))),
    st.builds(Ended, texts),
    st.builds(Broken, texts),
    st.just(Planned.of(Plan((Sleep(place=Place("a.star", 1), duration=Duration(5)),)))),
)


@given(sent=st.lists(any_frame, max_size=5), size=st.integers(1, 50), lost=st.integers(1, 20))
def test_frames_arrive_whole_however_they_are_cut(sent: list[Frame], size: int, lost: int) -> None:
    """They are read from parts of any size; one whose end is missing is left out."""
    data = b"".join(map(framed, sent)) + framed(Printed("lost" * 5))[:-lost]
    parts = iter([data[at : at + size] for at in range(0, len(data), size)])
    assert list(frames(lambda: next(parts, b""))) == sent


def test_errors_and_plans_come_back_as_they_were() -> None:
    """A frame made of an error or a plan gives an equal one."""
    error = ScriptError("message", "a.star", 3, "  x = 1", (Place("b.star", 4),))
    assert vars(Refused.of(error).error()) == vars(error)
    plan = Plan((Sleep(place=Place("a.star", 1), duration=Duration(-5)),))
    (frame,) = frames(iter([framed(Planned.of(plan)), b""]).__next__)
    assert isinstance(frame, Planned)
    assert frame.plan() == plan


def test_anything_else_is_refused() -> None:
    """Nothing but frames can be read."""
    body = msgspec.msgpack.encode({"type": "Unknown"})
    with pytest.raises(msgspec.ValidationError, match="Unknown"):
        list(frames(iter([len(body).to_bytes(8, "big") + body, b""]).__next__))
