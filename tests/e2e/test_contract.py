"""The daemon keeps to its OpenAPI document, whatever it is asked: schemathesis asks."""

import json
import sys
from pathlib import Path

import pytest

from load_tester.domain.command import Command, decode_command
from tests.e2e import programs
from tests.e2e.bounded import BOUNDS, REGISTRY, bounded
from tests.e2e.programs import ran

ROOT = Path(__file__).parents[2]
EXAMPLES = "20"  # for each operation and phase: some ten seconds in all
# What a schema cannot say: how long a duration may be, that keys match in any case, that a stop request may hold
# anything. So what the schema accepts may be refused, and the other way round; how is still looked at.
NOT_CHECKED = "positive_data_acceptance,negative_data_rejection"
# What is sent to it is what is sent to /command; made up once in all its breadth, which takes the most time, is enough.
CONFIG = """
[[operations]]
include-path = "/validate"
phases.coverage.enabled = false
"""


def test_schemathesis_finds_no_mistake_and_nothing_undocumented(tmp_path: Path) -> None:
    """Of hundreds of requests, right and wrong ones, none gets a 5xx or a reply that the document does not describe."""
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    with programs.sink() as target, programs.daemon(target.url, tmp_path / "data") as control:
        argv = [sys.executable, "-m", "schemathesis.cli", "run", f"{control.url}/openapi.json", "--no-color"]
        options = ["--max-examples", EXAMPLES, "--seed", "1", "--exclude-checks", NOT_CHECKED]
        done = ran(
            [*argv, *options], cwd=tmp_path, env={"SCHEMATHESIS_HOOKS": "tests.e2e.bounded", "PYTHONPATH": str(ROOT)}
        )
        assert "No issues found" in done.out, done.out
        assert done.status == 0
        assert target.requests > 0, "it started attacks, too"
        assert control.status()


@pytest.mark.parametrize("key", ["numMessages", "NUMMESSAGES"])
def test_the_attacks_of_schemathesis_are_tiny(key: str) -> None:
    """What the daemon would accept is sent within bounds, however its keys are written; what it refuses, as it is."""
    wild = {"testType": "session", "attackDuration": "9h", key: 9_000_000, "workers": 200, "params": {"numUsers": 3}}
    command = decode_command(json.dumps(bounded(wild)).encode(), REGISTRY)
    assert isinstance(command, Command)
    assert (command.duration_ns, command.num_messages, command.workers) == (20_000_000, BOUNDS["numMessages"], 1)
    assert command.params["numUsers"] == 3
    for refused in ({**wild, "per": 5}, [], "text", b"\xff", {}, object()):
        assert bounded(refused) is refused
