"""The fakes that are shipped."""

import pytest

from load_tester.domain.attack import Ending, Order, Update
from load_tester.domain.metrics import Counts, Metrics
from load_tester.domain.pacer import ConstantPacer
from load_tester.engine.interface import AttackRefused, Engine
from load_tester.testing import PLAIN, FakeEngine, answered_second, second_of

ORDER = Order(
    run_id="r", target_url="http://127.0.0.1:1", test_type=PLAIN.name, params={}, pacer=ConstantPacer(1, 1),
    duration_ns=1, timeout_ns=1, max_connections=1, seed=0,
)  # fmt: skip


@pytest.mark.anyio
async def test_a_fake_engine_does_what_it_is_told() -> None:
    """Updates, endings, refusals and stops happen when the test says so, through the engine's own interface."""
    fake = FakeEngine(now_ns=lambda: 5)
    engine: Engine = fake
    updates: list[Update] = []
    attack = await engine.start(ORDER, updates.append)
    assert (attack.started_ns, attack.workers, fake.alive) == (5, 1, [attack])
    fake.attacks[0].emit(answered_second(0, 2))
    fake.attacks[0].in_flight = 3
    assert await attack.stop(7) == 3
    assert await attack.stop(0) == 0
    assert (await attack.wait()).ending is Ending.STOPPED
    assert sum(second.counts.aborted for update in updates for second in update.seconds) == 3
    fake.refusal = "no"
    with pytest.raises(AttackRefused, match="no"):
        await engine.start(ORDER, updates.append)


@pytest.mark.anyio
async def test_a_closed_fake_engine_has_nothing_alive() -> None:
    """As a real one, it stops what runs."""
    engine = FakeEngine()
    attack = await engine.start(ORDER, lambda _: None)
    await engine.close()
    assert (engine.alive, engine.is_closed, attack.stops) == ([], True, 1)


def test_made_up_seconds_add_up() -> None:
    """A second of answers has the figures it says."""
    figures = Metrics().add(answered_second(3, 10, 2_000_000)).figures()
    assert (figures.planned, figures.answered, figures.status_codes) == (10, 10, {"200": 10})
    assert (figures.latency.min, figures.latency.max, figures.lag.max) == (2_000_000, 2_000_000, 0)
    assert second_of(0, Counts(failed=1)).latency.total == 0
