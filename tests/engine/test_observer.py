"""What becomes of an attack whose test type cannot bear a response."""

import pytest

from load_tester.domain.attack import Ending
from tests.engine.test_crew import Audience, adds_up, crew_and_target, order

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("after", [0, 7, 199])
async def test_an_observer_that_raises_fails_the_attack_and_says_why(after: int) -> None:
    """Whether at the first response or at the very last, the run fails, and the response still counts as an answer."""
    async with crew_and_target() as (crew, target):
        audience = Audience()
        attack = await crew.start(
            order(target, "blind", params={"after": after}, workers=1, max_connections=1), audience
        )
        outcome = await attack.wait()
        assert outcome.ending is Ending.FAILED
        assert outcome.error == f"the response to hit {after} could not be observed: OSError: too bright"
        figures = audience.figures
        assert adds_up(figures)
        assert (figures.answered, figures.failed, figures.lost) == (after + 1, 0, 0)
        good = await crew.start(order(target), Audience())
        assert (await good.wait()).ending is Ending.FINISHED


async def test_what_an_observer_finds_wrong_is_counted_for_each_target() -> None:
    """The hits are answered, and no successes; each target has its own figures, over all workers and seconds."""
    async with crew_and_target() as (crew, target):
        audience = Audience()
        attack = await crew.start(order(target, "sorting", workers=2, files={"words": b"left right"}), audience)
        # Which worker complains first is up to the machine.
        (message,) = (await attack.wait()).messages.items()
        assert message in {("check", f"{seq} can be divided by three") for seq in range(0, 200, 3)}
        figures = audience.figures
        assert (figures.answered, figures.failed, figures.successes) == (200, 0, 133)
        assert figures.errors == {"check": 67}
        assert {name: (of.sent, of.answered, of.successes) for name, of in figures.targets.items()} == {
            "even": (100, 100, 66),
            "odd": (100, 100, 67),
        }
        assert sum(of.errors["check"] for of in figures.targets.values()) == 67
        assert max(of.latency.max for of in figures.targets.values()) == figures.latency.max
        assert min(of.response_time.min for of in figures.targets.values()) == figures.response_time.min


async def test_a_builder_is_told_its_share_and_its_target_and_given_the_files() -> None:
    """Each worker sends its own hits, with what the files of the order hold."""
    async with crew_and_target() as (crew, target):
        attack = await crew.start(order(target, "sorting", workers=2, files={"words": b"left right"}), Audience())
        await attack.wait()
        expected = {f"/{seq}/{'right' if seq % 2 else 'left'}/{seq % 2}of2?{target.url}" for seq in range(200)}
        assert set(target.paths) == expected
