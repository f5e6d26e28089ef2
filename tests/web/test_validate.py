"""Checking commands without starting anything."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from load_tester.web.control import MAX_COMMANDS
from tests.web.serving import COMMAND, daemon

pytestmark = pytest.mark.anyio

WRONG: list[Any] = [
    COMMAND | {"testType": "plan"},
    COMMAND | {"testTyp": "plain"},
    COMMAND | {"params": {"pat": "/"}},
    COMMAND | {"params": {"error": "no"}},
    COMMAND | {"params": {"path": "x"}},
    COMMAND | {"attackDuration": "1"},
    COMMAND | {"numMessages": -1},
    5,
    None,
    [],
]
REFUSED = [
    *map(msgspec.json.encode, WRONG),
    b'{"name": "a", "name": "b"}',
    b'{"name": "\\ud800"}',
    b'{"seed": 1e999}',
    b'{"seed": NaN}',
    b'{"seed": ' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", REFUSED)
async def test_what_is_said_of_a_command_is_what_command_says(tmp_path: Path, body: bytes) -> None:
    """Alone and in a list, the error and the path are those of `POST /command`; the others in the list are not."""
    async with daemon(tmp_path) as it:
        refusal = await it.json("POST", "/command", 400, content=body)
        if not body.startswith(b"["):
            assert await it.json("POST", "/validate", 400, content=body) == refusal
        good = msgspec.json.encode(COMMAND)
        verdicts = await it.json("POST", "/validate", content=b"[%s,\n %s , %s]" % (good, body, good))
        assert verdicts == [{"status": "ok"}, refusal, {"status": "ok"}]


async def test_checking_changes_nothing(tmp_path: Path) -> None:
    """No attack is started, stopped or recorded, also not by a stop request."""
    async with daemon(tmp_path) as it:
        run_id = await it.command()
        assert await it.json("POST", "/validate", json=COMMAND) == {"status": "ok"}
        assert await it.json("POST", "/validate", json={}) == {"status": "ok"}
        assert await it.json("POST", "/validate", json=[COMMAND, {}]) == [{"status": "ok"}] * 2
        assert (await it.json("GET", "/status"))["run"]["id"] == run_id
        assert (len(it.engine.attacks), it.engine.attacks[0].stops) == (1, 0)
        assert (await it.json("GET", "/runs"))["total"] == 1


async def test_a_daemon_without_a_target_would_refuse_every_command(tmp_path: Path) -> None:
    """It says so of those that attack; a stop request is fine."""
    async with daemon(tmp_path, target_url="") as it:
        refusal = await it.json("POST", "/command", 400, json=COMMAND)
        assert "without a target URL" in refusal["error"]
        assert await it.json("POST", "/validate", 400, json=COMMAND) == refusal
        assert await it.json("POST", "/validate", json=[COMMAND, {}]) == [refusal, {"status": "ok"}]


async def test_a_list_may_be_long_but_not_endless(tmp_path: Path) -> None:
    """Each command costs time: the limit is told, and an empty list is one."""
    async with daemon(tmp_path) as it:
        assert await it.json("POST", "/validate", json=[]) == []
        assert len(await it.json("POST", "/validate", json=[COMMAND] * MAX_COMMANDS)) == MAX_COMMANDS
        reply = await it.json("POST", "/validate", 400, json=[0] * (MAX_COMMANDS + 1))
        assert reply == {"error": "1001 commands are too many at once; the limit is 1000", "path": "$"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[{]", "not JSON: Expecting property name enclosed in double quotes at line 1, column 3"),
        (b"\n[{}", "not JSON: Expecting ',' delimiter at line 2, column 4"),
        (b"[" * 100_000, "nested too deeply"),
        (b'["\xff"]', "not UTF-8"),
        (b"", "not JSON"),
    ],
)
async def test_a_list_that_cannot_be_read_is_refused_as_a_whole(tmp_path: Path, body: bytes, words: str) -> None:
    """The error says where it stops being JSON."""
    async with daemon(tmp_path) as it:
        reply: dict[str, Any] = await it.json("POST", "/validate", 400, content=body)
        assert words in reply["error"]
        assert reply["path"] == "$"


async def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """As everywhere."""
    async with daemon(tmp_path) as it:
        body = json.dumps([COMMAND | {"name": "x" * (1 << 20)}]).encode()
        assert "is over" in (await it.json("POST", "/validate", 413, content=body))["error"]
