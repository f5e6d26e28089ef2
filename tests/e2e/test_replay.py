"""`replay` with the real programs: a log on the daemon's machine, a script, and a report."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import programs
from tests.e2e.programs import LOAD_STARTER, LOAD_TESTER, Daemon, Sink, ran

CONFIGS = Path(__file__).parents[2] / "configs"
HITS = 60
"""The lines of `configs/access.log`."""


@pytest.fixture(scope="module")
def allowed(_shared_sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may read what is in `configs`."""
    with programs.daemon(_shared_sink.url, tmp_path_factory.mktemp("data"), "--files", str(CONFIGS)) as control:
        yield control


def test_the_script_replays_the_log(allowed: Daemon, sink: Sink, tmp_path: Path) -> None:
    """The attack ends with the log, long before the minute of the script; the record says what was scheduled."""
    script = (CONFIGS / "replay.star").read_text().replace('"speed": 2,', '"speed": 40,')
    (tmp_path / "replay.star").write_text(script)
    done = ran([*LOAD_STARTER, "replay.star", "--load-server", allowed.url], cwd=tmp_path)
    assert done.status == 0, done.err
    assert "replay: replay, no fixed rate for 1m0s" in done.err
    run = allowed.runs()["runs"][0]
    assert (run["state"], run["scheduledHits"], run["summary"]["successes"]) == ("finished", HITS, HITS)
    assert run["scheduledNs"] < 10**9
    paths = sink.stats()["paths"]
    assert paths["/cart"] == run["summary"]["targets"]["POST /cart"]["sent"]
    assert sum(paths.values()) == HITS
    report = allowed.http.get(f"/runs/{run['id']}/report").text
    assert f"replay: {HITS} hits in " in report


def test_a_mistake_in_a_file_is_told_with_its_line(allowed: Daemon, sink: Sink) -> None:
    """Before anything starts, like any other wrong parameter."""
    command = {"testType": "replay", "attackDuration": "1m", "params": {"file": "replay.star", "format": "combined"}}
    reply = allowed.http.post("/command", json=command)
    assert (reply.status_code, reply.json()["path"]) == (400, "$.params.file")
    assert reply.json()["error"].startswith("replay.star: line 1: there is no time in brackets")
    assert sink.requests == 0


def test_a_daemon_without_a_directory_refuses_files(daemon: Daemon) -> None:
    """It says what to start it with."""
    reply = daemon.http.post(
        "/command", json={"testType": "replay", "attackDuration": "1m", "params": {"file": "access.log"}}
    )
    assert (reply.status_code, reply.json()["path"]) == (400, "$.params.file")
    assert "--files DIR" in reply.json()["error"]


def test_a_replay_needs_neither_rate_nor_duration(sink: Sink, tmp_path: Path) -> None:
    """`load-tester attack` reads the log from the current directory, and its report says what the schedule was."""
    options = ["attack", "-t", sink.url, "--data-dir", str(tmp_path), "--type", "replay"]
    params = json.dumps({"file": "access.log", "speed": 40, "methods": ["GET"]})
    done = ran([*LOAD_TESTER, *options, "--params", params], cwd=CONFIGS)
    assert done.status == 0, done.err
    hits = sink.requests
    assert 50 < hits < HITS
    assert f"replay: {hits} hits in " in done.out
    assert "by a schedule of its own" in done.out
    assert f"{hits} answered, 0 failed, 0 aborted, 0 lost" in done.out


def test_a_rate_for_a_replay_is_refused(sink: Sink, tmp_path: Path) -> None:
    """The trace says when, so a rate would be a misunderstanding."""
    options = ["attack", "-t", sink.url, "--data-dir", str(tmp_path), "--type", "replay", "--rate", "5"]
    done = ran([*LOAD_TESTER, *options])
    assert (done.status, done.err) == (
        2,
        "Error: --rate: test type 'replay' has a schedule of its own, and takes no rate\n",
    )
