"""Traces replayed by real workers on real sockets."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from load_tester.domain.attack import Ending, Order
from load_tester.domain.duration import SECOND
from load_tester.domain.files import CarriedFiles
from load_tester.domain.test_type import BuildContext
from load_tester.engine.crew import Crew
from test_types.replay import REPLAY
from tests.engine.remembering import RememberingTarget, remembering_target
from tests.engine.test_crew import NURSERY, Audience

pytestmark = pytest.mark.anyio

INSTANTS = (0.0, 0.05, 0.05, 0.5, 0.9, 1.05, 1.06)
TRACE = "".join(
    f'{{"ts": {at_s}, "method": "GET", "url": "/{number}?at={at_s}"}}\n' for number, at_s in enumerate(INSTANTS)
).encode()


async def replayed(target: RememberingTarget, workers: int, **changes: Any) -> Audience:
    """The trace, replayed; what was heard of it."""
    files = {"trace": TRACE}
    decoded = REPLAY.decode({"file": "trace", "byPath": True})
    assert REPLAY.schedule is not None
    fields: dict[str, Any] = {
        "run_id": "r",
        "target_url": target.url,
        "test_type": "replay",
        "params": REPLAY.encode(decoded),
        "pacer": REPLAY.schedule(decoded, BuildContext(Random(1), files=CarriedFiles(files))),
        "duration_ns": 3600 * SECOND,
        "timeout_ns": 20 * SECOND,
        "max_connections": 10,
        "seed": 1,
        "workers": workers,
        "files": files,
    }
    crew, audience = Crew(NURSERY, cores=2), Audience()
    try:
        attack = await crew.start(Order(**{**fields, **changes}), audience)
        outcome = await attack.wait()
    finally:
        await crew.close()
    assert (outcome.ending, outcome.error, attack.workers) == (Ending.FINISHED, None, workers)
    return audience


@pytest.mark.parametrize("workers", [1, 2, 9])
async def test_every_request_is_sent_once_and_the_attack_ends_with_the_trace(workers: int) -> None:
    """With any number of workers, more than there are requests too; hits are planned in the seconds of the trace."""
    async with remembering_target() as target:
        audience = await replayed(target, workers, max_connections=workers)
        assert Counter(target.paths) == Counter(f"/{number}?at={at_s}" for number, at_s in enumerate(INSTANTS))
    figures = audience.figures
    assert (figures.planned, figures.answered, figures.successes) == (7, 7, 7)
    assert {name: of.sent for name, of in figures.targets.items()} == {f"GET /{number}": 1 for number in range(7)}
    assert audience.planned == {0: 5, 1: 2}


async def test_a_trace_is_cut_off_by_the_duration() -> None:
    """What is due later is neither planned nor sent."""
    async with remembering_target() as target:
        audience = await replayed(target, 2, duration_ns=SECOND // 2)
        assert len(target.paths) == 3
    assert (audience.figures.planned, audience.figures.answered) == (3, 3)
