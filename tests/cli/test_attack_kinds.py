"""`load-tester attack` with the test types that are not like the others, against targets that know them."""

from pathlib import Path

import msgspec
import pytest

from load_tester.domain.run import Run
from test_types.project_config import DEFAULT_PUBLIC_KEY
from tests.cli.program import attack, run
from tests.engine.fake_sentry import fake_sentry

pytestmark = pytest.mark.anyio


async def test_relays_poll_a_fake_sentry(tmp_path: Path) -> None:
    """The report tells configs from invalidations, and Sentry believes every signature."""
    params = '{"projectInvalidationRatio": 0.1, "numRelays": 3}'
    async with fake_sentry(DEFAULT_PUBLIC_KEY) as sentry:
        argv = attack(sentry.url, tmp_path, "--type", "projectConfig", "--params", params)
        ended = await run(*argv)
        assert (len(sentry.polls), len(sentry.updates), sentry.refused) == (45, 5, 0)
    assert ended.status == 0, ended.err
    targets = ended.out.partition("Targets: times are response times\n")[2].splitlines()
    assert [line.split()[:3] for line in targets[1:3]] == [
        ["config", "45", "100.00%"],
        ["invalidation", "5", "100.00%"],
    ]
    kept = msgspec.json.decode(
        (await run("report", "latest", "--format", "json", "--data-dir", tmp_path)).out, type=Run
    )
    assert (kept.scheduled_hits, kept.summary.successes) == (50, 50)
