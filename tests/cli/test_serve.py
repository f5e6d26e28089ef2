"""`load-tester serve` as a process."""

import signal
import socket
from asyncio.subprocess import Process
from pathlib import Path

import httpx
import msgspec
import pytest

from load_tester.domain.run import Run, RunState
from load_tester.sink.server import Sink
from test_types import TEST_TYPES
from tests.cli.program import ending, line, run, started

pytestmark = pytest.mark.anyio

COMMAND = {"testType": "session", "numMessages": 100, "attackDuration": "1h"}


async def url_of(process: Process) -> str:
    """Where a daemon listens, by what it says at its start."""
    return (await line(process.stdout)).removeprefix("Listening on ")


async def test_the_daemon_says_what_it_does_and_does_it(tmp_path: Path) -> None:
    """The lines at the start are true, and clients that wait for the first of them can connect."""
    projects = tmp_path / "projects.json"
    projects.write_text('[{"project_id": "42", "project_key": "abc"}]')
    data_dir = tmp_path / "deep" / "data"
    async with Sink() as sink:
        options = ("--port", 0, "-t", sink.url, "--data-dir", data_dir, "--config", tmp_path)
        async with started("serve", *options) as daemon, httpx.AsyncClient() as client:
            url = await url_of(daemon)
            assert (await client.get(f"{url}/ping")).json() == {"status": "ok"}
            said = [(await line(daemon.stdout)).split(maxsplit=1) for _ in range(4)]
            assert said[0] == ["attacks", sink.url]
            assert said[1] == ["results", f"in  {data_dir / 'load-tester.sqlite3'}"]
            assert said[2] == ["test", f"types  {', '.join(test_type.name for test_type in TEST_TYPES)}"]
            assert said[3] == ["projects", f"1 of {projects}"]
            reply = await client.post(f"{url}/command", json=COMMAND)
            assert reply.status_code == 200
            await sink.until(1)
            assert list(sink.stats().paths) == ["/api/42/envelope/"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_daemon_that_is_ended_finishes_the_record_of_its_attack(tmp_path: Path, number: signal.Signals) -> None:
    """The attack is stopped, its figures are kept, and the daemon ends with status 0."""
    async with Sink() as sink:
        async with started("serve", "--port", 0, "-t", sink.url, "--data-dir", tmp_path) as daemon:
            url = await url_of(daemon)
            async with httpx.AsyncClient() as client:
                run_id = (await client.post(f"{url}/command", json=COMMAND)).json()["runId"]
            await sink.until(20)
            daemon.send_signal(number)
            ended = await ending(daemon)
        requests = sink.stats().requests
    assert ended.status == 0, ended.err
    printed = await run("report", run_id, "--format", "json", "--data-dir", tmp_path)
    record = msgspec.json.decode(printed.out, type=Run)
    assert record.state is RunState.STOPPED
    assert record.summary.sent == requests


async def test_stored_runs_can_be_read_while_the_daemon_works(tmp_path: Path) -> None:
    """`runs` and `report` do not wait for the daemon, and show a run that is alive."""
    async with Sink() as sink, started("serve", "--port", 0, "-t", sink.url, "--data-dir", tmp_path) as daemon:
        url = await url_of(daemon)
        async with httpx.AsyncClient() as client:
            run_id = (await client.post(f"{url}/command", json=COMMAND)).json()["runId"]
        listed = await run("runs", "--data-dir", tmp_path)
        printed = await run("report", "latest", "--data-dir", tmp_path)
    assert run_id in listed.out
    assert printed.out.splitlines()[0].split() == ["Run", run_id, "running"]


async def test_a_daemon_without_a_target_refuses_commands(tmp_path: Path) -> None:
    """It says so at its start and in each reply."""
    async with started("serve", "--port", 0, "--data-dir", tmp_path) as daemon, httpx.AsyncClient() as client:
        url = await url_of(daemon)
        assert "--target-url" in await line(daemon.stdout)
        reply = await client.post(f"{url}/command", json=COMMAND)
        assert reply.status_code == 400
        assert "nothing to attack" in reply.json()["error"]
        assert (await client.get(f"{url}/runs")).json()["total"] == 0


async def test_options_can_be_given_as_environment_variables(tmp_path: Path) -> None:
    """Also those for which Kubernetes has another use, which is recognised."""
    environment = {
        "LOAD_TESTER_TARGET_URL": "http://127.0.0.1:9/prefix",
        "LOAD_TESTER_DATA_DIR": str(tmp_path),
        "LOAD_TESTER_PORT": "0",
        "LOAD_TESTER_MAX_CONNECTIONS": "7",
        "LOAD_TESTER_TIMEOUT": "123ms",
    }
    async with started("serve", env=environment) as daemon, httpx.AsyncClient() as client:
        url = await url_of(daemon)
        assert (await line(daemon.stdout)).split() == ["attacks", "http://127.0.0.1:9/prefix"]
        run_id = (await client.post(f"{url}/command", json=COMMAND)).json()["runId"]
        command = (await client.get(f"{url}/runs/{run_id}")).json()["command"]
    assert (command["timeout"], command["maxConnections"]) == ("123ms", 7)


async def test_a_busy_port_is_one_line_and_status_2(tmp_path: Path) -> None:
    """The line names the address and the options that help."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = await run("serve", "--port", port, "--data-dir", tmp_path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        f"Error: cannot listen on 127.0.0.1:{port}: address already in use; choose with --host and --port\n"
    )
