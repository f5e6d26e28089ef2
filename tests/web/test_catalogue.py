"""The test types of a daemon, over HTTP."""

import json
from pathlib import Path

import pytest

from load_tester.cli.main import main
from load_tester.testing import PLAIN
from tests.web.serving import daemon

pytestmark = pytest.mark.anyio


async def test_the_test_types_are_listed_with_the_schema_of_their_parameters(tmp_path: Path) -> None:
    """Name, description and schema are what was declared."""
    async with daemon(tmp_path) as it:
        [plain] = await it.json("GET", "/test-types")
        assert await it.json("GET", "/test-types/plain") == plain
    assert (plain["name"], plain["description"], plain["hitsPerWorker"]) == ("plain", "Gets one path.", 20_000)
    assert (plain["transport"], plain["unavailable"], plain["details"]) == ("http", "", PLAIN.description)
    assert plain["params"]["properties"]["numProjects"] == {"type": "integer", "minimum": 1, "default": 1}
    assert plain["params"]["additionalProperties"] is False


async def test_an_unknown_test_type_is_answered_with_a_near_one(tmp_path: Path) -> None:
    """As by a command that names it."""
    async with daemon(tmp_path) as it:
        reply = await it.json("GET", "/test-types/plan", 404)
        assert reply == {"error": "unknown test type 'plan'; did you mean 'plain'? known: plain"}


def test_the_command_line_shows_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """`load-tester types --json` has the members of `GET /test-types`."""
    assert main(["types", "--json"]) == 0
    session = json.loads(capsys.readouterr().out)[0]
    names = ["name", "description", "details", "hitsPerWorker", "transport", "unavailable", "params"]
    assert (session["name"], list(session)) == ("session", names)
