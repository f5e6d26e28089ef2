"""The scripts in `configs/` come to the plans that are kept in `plans/`, and the load tester accepts them.

After a wanted change: `load-starter configs/NAME.star --dry-run > tests/load_starter/plans/NAME.json`.
"""

import json
from pathlib import Path
from typing import Any

import anyio
import httpx
import msgspec
import pytest
from rich.console import Console

from load_starter.execution import Execution, Status, StepResult
from load_starter.plan import AttackTest, Plan
from load_starter.progress import PlainProgress
from load_starter.script import evaluate_file
from load_starter.testing import FakeLoadTester, VirtualClock, served
from load_tester.domain.command import Command, decode_command
from load_tester.domain.projects_file import decode_projects
from load_tester.domain.test_type import Registry, TestType
from test_types import TEST_TYPES

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "configs").glob("*.star"))


def plan_named(name: str) -> Plan:
    """The plan of a script in `configs/`, for the default load tester."""
    return evaluate_file(ROOT / "configs" / f"{name}.star", "http://127.0.0.1:8000", print_line=pytest.fail)


def test_there_are_scripts_and_each_has_its_plan() -> None:
    """No script is without a test, and no plan without a script."""
    assert {"example", "ramp"} <= set(NAMES)
    assert sorted(path.stem for path in (Path(__file__).parent / "plans").glob("*.json")) == NAMES


@pytest.mark.parametrize("test_type", TEST_TYPES, ids=lambda test_type: test_type.name)
def test_every_test_type_has_a_script(test_type: TestType[Any]) -> None:
    """The script named after a test type shows how to use it."""
    steps = plan_named(test_type.name).steps
    assert {step.test_type for step in steps if isinstance(step, AttackTest)} == {test_type.name}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_comes_to_its_plan(name: str) -> None:
    """Every command and the timeline are what they were when somebody last looked at them."""
    expected = json.loads((Path(__file__).parent / "plans" / f"{name}.json").read_text())
    plan = plan_named(name).as_json()
    for step in plan["steps"]:
        step["place"] = str(Path(step["place"]).relative_to(ROOT))
    assert plan == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_load_tester_accepts_every_command_of_a_script(name: str) -> None:
    """Names and values of all parameters are known to the test types."""
    registry = Registry(TEST_TYPES)
    for step in plan_named(name).steps:
        if isinstance(step, AttackTest):
            command = decode_command(msgspec.json.encode(step.command()), registry)
            assert isinstance(command, Command)
            assert command.duration_ns == step.duration.ns


@pytest.mark.parametrize("name", NAMES)
def test_a_script_runs_on_a_load_tester(name: str) -> None:
    """Over real sockets every command arrives in order, and every step finishes; pauses pass in virtual time."""
    fake = FakeLoadTester(looks=0)

    async def execute(plan: Plan) -> list[StepResult]:
        async with httpx.AsyncClient() as http:
            progress = PlainProgress(plan, Console(quiet=True))
            execution = Execution(plan, http, progress, clock=VirtualClock())
            await execution.run()
        return execution.results

    with served(fake) as url:
        plan = evaluate_file(ROOT / "configs" / f"{name}.star", url, print_line=pytest.fail)
        results = anyio.run(execute, plan)
    assert [result.status for result in results] == [Status.FINISHED] * len(plan.steps)
    assert fake.commands == [step.command() for step in plan.steps if isinstance(step, AttackTest)]


def test_the_projects_file_can_be_read() -> None:
    """`projects.json` is an example that works."""
    projects = decode_projects((ROOT / "configs" / "projects.json").read_bytes())
    assert [project.project_id for project in projects] == ["1", "2", "3"]
    assert all(len(project.project_key) == 32 for project in projects)
