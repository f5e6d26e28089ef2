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
