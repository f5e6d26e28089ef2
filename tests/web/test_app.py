"""The daemon's API, over real HTTP."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest

from load_tester.domain.command import KEYS
from load_tester.domain.duration import SECOND
from load_tester.domain.histogram import Distribution
from load_tester.domain.metrics import Figures
from load_tester.domain.run import TimelineSecond
from load_tester.testing import FakeAttack, FakeEngine, answered_second
from load_tester.web.app import ENDPOINTS
from load_tester.web.history import RunDetails
from load_tester.web.reply import MAX_BODY_BYTES
from tests.web.serving import COMMAND, daemon

pytestmark = pytest.mark.anyio


async def test_a_command_starts_an_attack_and_status_follows_it(tmp_path: Path) -> None:
    """From idle through a running attack with live figures to its stored result."""
    async with daemon(tmp_path) as it:
        assert await it.json("GET", "/status") == {"status": "idle"}
        run_id = await it.command()
        it.engine.attacks[0].emit(answered_second(0, 100))
        status = await it.json("GET", "/status")
        assert (status["status"], status["run"]["id"], status["run"]["state"]) == ("running", run_id, "running")
        assert status["run"]["summary"]["statusCodes"] == {"200": 100}
        assert status["run"]["command"]["maxConnections"] == 77
        it.engine.attacks[0].finish()
        run = await it.json("GET", f"/runs/{run_id}")
        assert (run["state"], run["name"], run["error"]) == ("finished", "n", None)
        assert [(second["second"], second["figures"]["answered"]) for second in run["timeline"]] == [(0, 100)]
        assert run["createdAt"].endswith("Z")


@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_route_answers_with_and_without_a_slash(tmp_path: Path, slash: str) -> None:
    """Upstream's clients post to `/command/`; both forms are served directly, without a redirect."""
    async with daemon(tmp_path) as it:
        run_id = await it.command()
        for endpoint in sorted(ENDPOINTS, key=lambda endpoint: "DELETE" in endpoint.methods):
            for method in endpoint.methods:
                body = COMMAND if endpoint.body is not None else None
                path = endpoint.path.replace("{id}", run_id).replace("{name}", "plain") + slash
                reply = await it.client.request(method, path, json=body)
                assert reply.status_code in {200, 204}, (method, path, reply.text)


async def test_a_bad_command_leaves_the_current_run_alone(tmp_path: Path) -> None:
    """It is refused with a path to what is wrong, and nothing is stopped, replaced or recorded."""
    async with daemon(tmp_path) as it:
        run_id = await it.command()
        for body, path in (
            (COMMAND | {"testType": "plan"}, "$.testType"),
            (COMMAND | {"params": {"pat": "/"}}, "$.params.pat"),
            (COMMAND | {"params": {"error": "no"}}, "$.params.error"),
            (COMMAND | {"params": {"path": "x"}}, "$.testType"),
            (COMMAND | {"attackDuration": "-1s"}, "$.attackDuration"),
            ([], "$"),
        ):
            reply = await it.json("POST", "/command", 400, json=body)
            assert (reply["path"], bool(reply["error"])) == (path, True)
        assert (await it.json("POST", "/command", 400, content=b"{"))["path"] == "$"
        assert (await it.json("GET", "/status"))["run"]["id"] == run_id
        assert (len(it.engine.attacks), it.engine.attacks[0].stops) == (1, 0)
        assert (await it.json("GET", "/runs"))["total"] == 1


async def test_a_hundred_commands_at_once_leave_one_attack_alive(tmp_path: Path) -> None:
    """Over a hundred connections: a hundred ids, a hundred records, one of them running."""
    async with daemon(tmp_path) as it:
        ids: list[str] = []

        async def post(number: int) -> None:
            ids.append(await it.command(name=str(number)))

        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(post, number)
        [alive] = it.engine.alive
        page = await it.json("GET", "/runs?limit=1000")
        assert (len(set(ids)), page["total"]) == (100, 100)
        assert {run["id"] for run in page["runs"]} == set(ids)
        assert {run["name"] for run in page["runs"]} == {str(number) for number in range(100)}
        assert [run["id"] for run in page["runs"] if run["state"] != "stopped"] == [alive.order.run_id]
        assert [run["id"] for run in page["runs"]] == sorted(ids, reverse=True)


async def test_stopping_can_be_repeated(tmp_path: Path) -> None:
    """The reply names what was stopped; with nothing to stop it is the same reply without a run."""
    async with daemon(tmp_path, FakeEngine(drains=False)) as it:
        nothing = {"status": "ok", "stopped": None, "inFlight": 0}
        assert await it.json("GET", "/stop") == nothing
        run_id = await it.command()
        it.engine.attacks[0].in_flight = 3
        assert await it.json("POST", "/stop?grace=500ms") == {"status": "ok", "stopped": run_id, "inFlight": 3}
        assert (await it.json("GET", "/status"))["run"]["state"] == "stopping"
        it.engine.attacks[0].finish()
        assert await it.json("POST", "/stop") == nothing
        assert it.engine.attacks[0].graces == [SECOND // 2]


async def test_a_command_without_a_duration_stops(tmp_path: Path) -> None:
    """As upstream has it; the reply is that of a stop."""
    async with daemon(tmp_path) as it:
        run_id = await it.command()
        reply = await it.json("POST", "/command/", json={"attackDuration": "0s"})
        assert reply == {"status": "ok", "stopped": run_id, "inFlight": 0}


async def test_a_refused_attack_is_told(tmp_path: Path) -> None:
    """When the workers cannot be started, the client and the record learn why."""
    async with daemon(tmp_path) as it:
        it.engine.refusal = "no worker could be started"
        reply = await it.json("POST", "/command", 503, json=COMMAND)
        assert reply == {"error": "no worker could be started"}
        [run] = (await it.json("GET", "/runs"))["runs"]
        assert (run["state"], run["error"]) == ("failed", "no worker could be started")


async def test_a_daemon_without_a_target_refuses_commands(tmp_path: Path) -> None:
    """It can show what is stored, and says why it cannot attack."""
    async with daemon(tmp_path, target_url="") as it:
        assert "without a target URL" in (await it.json("POST", "/command", 400, json=COMMAND))["error"]
        assert (await it.json("GET", "/runs"))["total"] == 0


async def test_runs_are_paged(tmp_path: Path) -> None:
    """Newest first, `limit` from `offset`, with the total."""
    async with daemon(tmp_path) as it:
        ids = [await it.command() for _ in range(3)]
        page = await it.json("GET", "/runs?limit=1&offset=1")
        assert ([run["id"] for run in page["runs"]], page["total"]) == ([ids[1]], 3)


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/runs?limit=0", 400, "limit must be a whole number from 1 to 1000"),
        ("GET", "/runs?limit=1001", 400, "not '1001'"),
        ("GET", "/runs?limit=1e3", 400, "not '1e3'"),
        ("GET", "/runs?offset=-1", 400, "offset must be"),
        ("GET", f"/runs?offset={'9' * 30}", 400, "offset must be"),
        ("POST", "/stop?grace=5", 400, "grace: '5' lacks a unit"),
        ("POST", "/stop?grace=-1s", 400, "grace must be between 0s and 1h0m0s"),
        ("GET", "/runs/unknown", 404, "no run 'unknown'"),
        ("GET", "/runs/unknown/report", 404, "no run 'unknown'"),
        ("GET", "/runs/unknown/report?format=pdf", 400, "format must be text or json"),
        ("DELETE", "/runs/unknown", 404, "no run 'unknown'"),
        ("GET", "/nowhere", 404, "nothing at /nowhere"),
        ("GET", "/", 404, "nothing at /"),
        ("GET", "/command", 405, "GET is not possible here; possible: POST"),
        ("PUT", "/runs/x/", 405, "possible: DELETE, GET, HEAD"),
    ],
)
async def test_every_refusal_is_json_that_says_why(
    tmp_path: Path, method: str, path: str, status: int, words: str
) -> None:
    """Whatever is wrong with a request, the reply is an object with an `error`."""
    async with daemon(tmp_path) as it:
        assert words in (await it.json(method, path, status))["error"]


async def test_a_wrong_method_is_told_the_right_ones(tmp_path: Path) -> None:
    """RFC 9110 §15.5.6: a 405 has an `Allow` header."""
    async with daemon(tmp_path) as it:
        reply = await it.client.put("/stop")
        assert reply.headers["allow"] == "GET, HEAD, POST"


async def test_a_body_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    """One over 1 MiB is refused before it has all been sent, whether its length is announced or not."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65536 + 2):
            yield b" " * 65536

    async with daemon(tmp_path) as it:
        await it.json("POST", "/command", 413, content=b" " * (MAX_BODY_BYTES + 1))
        await it.json("POST", "/command", 413, content=chunks())
        largest = b'{"name":"' + b"n" * (MAX_BODY_BYTES - 11) + b'"}'
        assert (await it.json("POST", "/command", content=largest))["stopped"] is None
        async with await anyio.connect_tcp("127.0.0.1", it.port) as stream:
            await stream.send(b"POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n{")
            assert (await stream.receive()).startswith(b"HTTP/1.1 413 ")


async def test_a_run_that_is_alive_is_not_deleted(tmp_path: Path) -> None:
    """It is a conflict until the run has ended; then it is gone."""
    async with daemon(tmp_path) as it:
        run_id = await it.command()
        assert "has not ended" in (await it.json("DELETE", f"/runs/{run_id}", 409))["error"]
        await it.json("POST", "/stop")
        assert (await it.client.delete(f"/runs/{run_id}")).status_code == 204
        await it.json("GET", f"/runs/{run_id}", 404)


async def test_a_report_is_text_or_json(tmp_path: Path) -> None:
    """Text to be read, JSON to be processed: the same run."""
    async with daemon(tmp_path) as it:
        run_id = await it.command(name="Café")
        await it.json("POST", "/stop")
        text = await it.client.get(f"/runs/{run_id}/report")
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        assert run_id in text.text
        assert "Café" in text.text
        report = await it.json("GET", f"/runs/{run_id}/report?format=json")
        run = await it.json("GET", f"/runs/{run_id}")
        assert report == {name: value for name, value in run.items() if name != "timeline"}


async def test_a_store_that_does_not_work_is_shown(tmp_path: Path) -> None:
    """`storeError` says why results cannot be written; commands are taken, and a deletion is refused for now."""
    async with daemon(tmp_path) as it:
        with closing(sqlite3.connect(str(it.store.path), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            run_id = await it.command()
            with anyio.fail_after(30):
                while "storeError" not in await it.json("GET", "/status"):
                    await it.json("GET", "/ping")
            await it.json("POST", "/stop")
            assert (await it.json("GET", f"/runs/{run_id}"))["state"] == "stopped"
            assert "cannot be written" in (await it.json("DELETE", f"/runs/{run_id}", 503))["error"]
            other.execute("ROLLBACK")


class _Broken(FakeEngine):
    """An engine with a mistake in it."""

    async def start(self, *arguments: object) -> FakeAttack:
        """Raise what no engine should."""
        raise ZeroDivisionError("secret detail")


async def test_a_mistake_of_ours_is_a_500_and_the_daemon_lives_on(tmp_path: Path) -> None:
    """The reply is JSON without the details, which are in the log."""
    async with daemon(tmp_path, _Broken()) as it:
        reply = await it.json("POST", "/command", 500, json=COMMAND)
        assert reply == {"error": "internal error: ZeroDivisionError; the log of the daemon has more"}
        assert await it.json("GET", "/ping") == {"status": "ok"}


async def test_a_head_request_is_a_get_without_a_body(tmp_path: Path) -> None:
    """HEAD is answered wherever GET is."""
    async with daemon(tmp_path) as it:
        reply = await it.client.head("/status")
        assert (reply.status_code, reply.content) == (200, b"")


DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def test_every_route_is_documented() -> None:
    """`docs/api.md` has a section for each route with an example, and none for a route that is not there."""
    sections = re.split(r"^## ", DOCS.read_text(), flags=re.MULTILINE)[1:]
    documented = {}
    for section in sections:
        heading, _, text = section.partition("\n")
        match = re.fullmatch(r"`([A-Z|]+) (/\S*)`", heading.strip())
        if match:
            documented[tuple(match[1].split("|")), match[2]] = text
    assert set(documented) == {(endpoint.methods, endpoint.path) for endpoint in ENDPOINTS}
    for route, text in documented.items():
        assert "```" in text, f"{route} has no example"


def test_every_name_in_commands_and_runs_is_documented() -> None:
    """Each key of a command, of a run and of its figures is in `docs/api.md`."""
    text = DOCS.read_text()
    types = (RunDetails, TimelineSecond, Figures, Distribution)
    names = {field.encode_name for kind in types for field in msgspec.structs.fields(kind)}
    assert {name for name in names | set(KEYS) if f"`{name}`" not in text and f'"{name}"' not in text} == set()


async def test_a_run_that_has_ended_has_all_its_seconds(tmp_path: Path) -> None:
    """Also for whoever asks at that very moment: a final record never comes with the timeline of a moment before."""
    async with daemon(tmp_path) as it:
        for steps in range(30):
            run_id = await it.command()
            attack = it.engine.attacks[-1]

            async def look(run_id: str = run_id) -> None:
                run: Any = {"state": "running"}
                while run["state"] == "running":
                    run = await it.json("GET", f"/runs/{run_id}")
                answered = [second["figures"]["answered"] for second in run["timeline"]]
                assert (run["state"], run["summary"]["answered"], answered) == ("finished", 100, [100])

            async with anyio.create_task_group() as watchers:
                for _ in range(5):
                    watchers.start_soon(look)
                await it.json("GET", "/ping")
                for _ in range(steps):  # so that the others are at another point of their way each time
                    await anyio.lowlevel.checkpoint()
                attack.emit(answered_second(0, 100))
                attack.finish()
