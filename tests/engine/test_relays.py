"""A population of virtual Relays against a fake Sentry: real workers, real sockets, real signatures."""

from random import Random
from typing import Any

import pytest

from load_tester.domain.attack import Ending, Order
from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.metrics import Figures
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.test_type import BuildContext
from load_tester.engine.crew import Crew
from test_types.project_config import DEFAULT_PUBLIC_KEY, PROJECT_CONFIG
from tests.engine.fake_sentry import FakeSentry, fake_sentry
from tests.engine.test_crew import NURSERY, Audience

pytestmark = pytest.mark.anyio


async def attacked(sentry: FakeSentry, params: dict[str, Any], workers: int) -> tuple[int, Figures]:
    """An attack of 400 hits; how many workers it had, and its figures."""
    decoded = PROJECT_CONFIG.decode(params)
    assert PROJECT_CONFIG.most_workers is not None
    order = Order(
        run_id="r",
        target_url=sentry.url,
        test_type="projectConfig",
        params=PROJECT_CONFIG.encode(decoded),
        pacer=ConstantPacer(1000, SECOND),
        duration_ns=400 * MILLISECOND,
        timeout_ns=20 * SECOND,
        max_connections=10,
        seed=1,
        workers=workers,
        most_workers=PROJECT_CONFIG.most_workers(decoded, BuildContext(Random(1))),
    )
    crew, audience = Crew(NURSERY, cores=2), Audience()
    try:
        attack = await crew.start(order, audience)
        outcome = await attack.wait()
    finally:
        await crew.close()
    assert (outcome.ending, outcome.error) == (Ending.FINISHED, None)
    return attack.workers, audience.figures


async def test_two_workers_poll_and_invalidate_at_the_ratio_asked_for() -> None:
    """Every request is signed so that Sentry believes it; each kind of hit has its own figures, which add up."""
    params = {"numRelays": 4, "numProjects": 20, "projectInvalidationRatio": 0.25, "batchInterval": "1h"}
    async with fake_sentry(DEFAULT_PUBLIC_KEY) as sentry:
        workers, figures = await attacked(sentry, params, workers=2)
        assert (workers, sentry.refused) == (2, 0)
        assert (len(sentry.polls), len(sentry.updates)) == (300, 100)
    assert figures.status_codes == {"200": 400}
    assert {name: (of.sent, of.successes) for name, of in figures.targets.items()} == {
        "config": (300, 300),
        "invalidation": (100, 100),
    }


async def test_answers_reach_the_relays() -> None:
    """What is pending is asked for again until its config has come; nobody is asked for a key that is none."""
    async with fake_sentry(DEFAULT_PUBLIC_KEY) as sentry:
        params = {"numRelays": 1, "numProjects": 50, "minBatchSize": 10, "maxBatchSize": 10, "batchInterval": "1h"}
        await attacked(sentry, params, workers=2)
        keys = [key for keys in sentry.polls for key in keys]
        assert set(map(len, keys)) == {32}
        assert len(sentry.asked) == 50
        # The hits of one Relay may overtake its answers, but each key comes to rest: then the oldest are asked again.
        assert sentry.pending >= 50
        assert all(len(set(batch)) == len(batch) for batch in sentry.polls)


async def test_there_are_never_more_workers_than_relays() -> None:
    """A worker without a Relay would have nothing to send."""
    async with fake_sentry(DEFAULT_PUBLIC_KEY) as sentry:
        workers, figures = await attacked(sentry, {"numRelays": 1}, workers=2)
    assert (workers, figures.successes) == (1, 400)


async def test_a_sentry_that_does_not_know_the_key_is_a_result() -> None:
    """The hits are answered with 401, and the attack goes on."""
    async with fake_sentry("ftFuDNBFm8-kPCoCaaWMio_mJYC2txJuCtwSeHn2vv0") as sentry:
        _, figures = await attacked(sentry, {"projectInvalidationRatio": 0.1}, workers=1)
        assert sentry.refused == 360
    assert figures.status_codes == {"200": 40, "401": 360}
    assert figures.successes == 40
