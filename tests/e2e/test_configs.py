"""What the example scripts send, sent for real: from the daemon to the sink."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from load_starter.plan import AttackTest
from load_starter.script import evaluate_file
from test_types import TEST_TYPES
from tests.e2e import programs
from tests.e2e.programs import Daemon, Sink

CONFIGS = Path(__file__).parents[2] / "configs"
SHORT = "300ms"


@pytest.fixture(scope="module")
def control(_shared_sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may read the files beside the scripts, and attacks the sink."""
    with programs.daemon(_shared_sink.url, tmp_path_factory.mktemp("data"), "--files", str(CONFIGS)) as daemon:
        yield daemon


def commands(name: str) -> list[dict[str, Any]]:
    """The commands of a script, each of them cut down to a part of a second."""
    plan = evaluate_file(CONFIGS / f"{name}.star", "http://127.0.0.1:1", print_line=pytest.fail)
    tests = [step for step in plan.steps if isinstance(step, AttackTest)]
    return [{**test.command(), "attackDuration": SHORT, "workers": 1} for test in tests]


@pytest.mark.parametrize("name", [test_type.name for test_type in TEST_TYPES if test_type.transport == "http"])
def test_what_a_script_sends_is_answered(name: str, control: Daemon, sink: Sink) -> None:
    """Every hit of each script reaches the sink, which takes it; those of Kafka have a test of their own."""
    for command in commands(name):
        sink.reset()
        answer = httpx.post(f"{control.url}/command", json=command)
        assert answer.status_code == 200, answer.text
        run = control.finally_of(answer.json()["runId"])
        programs.assert_all_accounted_for(run)
        figures = run["summary"]
        assert run["state"] == "finished", run["error"]
        assert figures["answered"] == figures["planned"] == sink.requests > 0
        assert figures["statusCodes"] == {"200": figures["answered"]}
