"""The daemon as a process, by its HTTP API: one attack at a time, stops that hold, records that are true."""

import json
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import programs
from tests.e2e.programs import LOAD_TESTER, Daemon, Sink, ran, until

GOOD: dict[str, Any] = {"testType": "session", "attackDuration": "60s", "numMessages": 10}


def test_a_hundred_commands_at_once_leave_one_attack_and_a_hundred_true_records(daemon: Daemon, sink: Sink) -> None:
    """Each command replaces the attack before it; afterwards one sends, and every record is final and adds up."""
    before = daemon.runs()["total"]
    with ThreadPoolExecutor(100) as crowd:
        ids = list(crowd.map(lambda _: daemon.command(rate=50), range(100)))
    assert (len(set(ids)), daemon.runs()["total"] - before) == (100, 100)
    alive = daemon.status()["run"]["id"]
    assert alive in ids
    until(lambda: daemon.workers() if len(daemon.workers()) == 1 else None, "the end of the attacks that were replaced")
    sink.hit(sink.requests + 5)
    assert daemon.stop()["stopped"] == alive
    records = [daemon.finally_of(run_id) for run_id in ids]
    assert Counter(record["state"] for record in records) == {"stopped": 100}
    assert sum(record["summary"]["sent"] for record in records) == sink.requests
    assert {record["id"] for record in daemon.runs(limit=100)["runs"]} == set(ids)


def test_after_the_reply_of_a_stop_nothing_more_is_sent(daemon: Daemon, sink: Sink) -> None:
    """The target's count stays what it is while the daemon is asked about other things, and is what the record says."""
    run_id = daemon.command(rate=2000)
    sink.hit(500)
    assert daemon.stop()["stopped"] == run_id
    sent = daemon.run(run_id)["summary"]["sent"]
    counts = {sink.requests}
    for _ in range(20):
        daemon.status()
        daemon.runs()
        counts.add(sink.requests)
    assert len(counts) == 1
    record = daemon.finally_of(run_id)
    assert (record["state"], record["summary"]["sent"]) == ("stopped", sink.requests)
    assert record["summary"]["sent"] >= sent


def test_a_stop_counts_what_is_in_flight_and_gives_it_its_grace(tmp_path: Path) -> None:
    """Of a silent target every hit is in flight; when the grace is over, they are aborted and nothing is lost.

    Hits that were due but not on their way yet are aborted, too.
    """
    with programs.sink("--stall-for", "1h") as silent, programs.daemon(silent.url, tmp_path) as control:
        run_id = control.command(rate=200)
        silent.hit(20)
        reply = control.stop("1s")
        assert reply == {"status": "ok", "stopped": run_id, "inFlight": silent.requests}
        assert control.status()["run"]["state"] == "stopping"
        assert control.stop("1h") == reply, "a later stop can only shorten the grace"
        figures = control.finally_of(run_id)["summary"]
        assert (figures["sent"], figures["answered"], figures["failed"], figures["lost"]) == (silent.requests, 0, 0, 0)
        assert figures["aborted"] == figures["planned"] >= figures["sent"]
        assert figures["responseTime"]["max"] >= 1_000_000_000
        assert control.stop() == {"status": "ok", "stopped": None, "inFlight": 0}


def test_hits_in_flight_that_end_within_the_grace_are_answered(tmp_path: Path) -> None:
    """A target that needs 300 ms still answers what had been sent when the stop came."""
    with programs.sink("--latency", "300ms") as slow, programs.daemon(slow.url, tmp_path) as control:
        run_id = control.command(rate=200)
        slow.hit(20)
        in_flight = control.stop("30s")["inFlight"]
        figures = control.finally_of(run_id)["summary"]
    assert in_flight > 0
    assert figures["answered"] == figures["sent"]


def test_bad_commands_leave_the_running_attack_alone(daemon: Daemon, sink: Sink) -> None:
    """Each is refused with the path to what is wrong, and the same run goes on sending."""
    run_id = daemon.command(rate=200)
    refusals: list[tuple[Any, int, str | None]] = [
        ("{", 400, "$"),
        ([], 400, "$"),
        (GOOD | {"testTyp": "session"}, 400, "$.testTyp"),
        (GOOD | {"testType": "sesion"}, 400, "$.testType"),
        (GOOD | {"testType": None}, 400, "$.testType"),
        (GOOD | {"testType": "refusing"}, 400, "$.params"),
        (GOOD | {"attackDuration": "10"}, 400, "$.attackDuration"),
        (GOOD | {"attackDuration": "-1s"}, 400, "$.attackDuration"),
        (GOOD | {"attackDuration": 10}, 400, "$.attackDuration"),
        (GOOD | {"numMessages": -1}, 400, "$.numMessages"),
        (GOOD | {"numMessages": 1.5}, 400, "$.numMessages"),
        (GOOD | {"numMessages": "many"}, 400, "$.numMessages"),
        (GOOD | {"per": "0s"}, 400, "$.per"),
        (GOOD | {"per": "-1s"}, 400, "$.per"),
        (GOOD | {"params": []}, 400, "$.params"),
        (GOOD | {"params": {"startedRange": "5"}}, 400, "$.params.startedRange"),
        (GOOD | {"params": {"numUsers": -1}}, 400, "$.params.numUsers"),
        (GOOD | {"params": {"numProject": 1}}, 400, "$.params.numProject"),
        (GOOD | {"labels": ["team"]}, 400, "$.labels[0]"),
        (GOOD | {"timeout": "0s"}, 400, "$.timeout"),
        (GOOD | {"maxConnections": 0}, 400, "$.maxConnections"),
        (GOOD | {"seed": -1}, 400, "$.seed"),
        (GOOD | {"description": "x" * (1 << 20)}, 413, None),
    ]
    for body, status, path in refusals:
        reply = daemon.http.post("/command", **({"content": body} if isinstance(body, str) else {"json": body}))
        said = reply.json()
        assert (reply.status_code, said.get("path")) == (status, path), said
        assert said["error"]
        assert daemon.status()["run"]["id"] == run_id
    sink.hit(sink.requests + 50)
    assert daemon.run(run_id)["state"] == "running"
    assert daemon.runs(limit=1)["runs"][0]["id"] == run_id
    daemon.stop()
    assert daemon.finally_of(run_id)["summary"]["sent"] == sink.requests


def test_a_command_without_a_duration_stops_the_attack(daemon: Daemon, sink: Sink) -> None:
    """As upstream has it, with the keys in any case and a slash at the end."""
    run_id = daemon.command()
    reply = daemon.http.post("/command/", json={"TestType": "session", "NUMMESSAGES": 5, "attackDuration": ""})
    assert (reply.status_code, reply.json()["stopped"]) == (200, run_id)
    assert daemon.finally_of(run_id)["state"] == "stopped"


def test_a_generator_that_raises_ends_its_run_and_nothing_else(daemon: Daemon, sink: Sink) -> None:
    """The record has the message of an installed test type, and the next command finds everything in order."""
    failed = daemon.finally_of(daemon.command("breaking", rate=200, params={"after": 40}))
    assert failed["state"] == "failed"
    assert "out of ideas at hit 40" in failed["error"]
    assert failed["summary"]["sent"] == sink.requests == 40
    sink.reset()
    finished = daemon.finally_of(daemon.command(duration="500ms"))
    assert (finished["state"], finished["summary"]["answered"], sink.requests) == ("finished", 50, 50)


def test_a_test_type_that_cannot_be_built_is_refused_with_its_message(daemon: Daemon) -> None:
    """The command gets a 400 and leaves no record."""
    before = daemon.runs()["total"]
    reply = daemon.http.post("/command", json=GOOD | {"testType": "refusing"})
    assert reply.status_code == 400
    assert "no payloads today" in reply.json()["error"]
    assert daemon.runs()["total"] == before


def test_the_same_seed_sends_the_same_bytes(daemon: Daemon, sink: Sink) -> None:
    """On two workers, whose hits may cross on their way, the same payloads arrive; with another seed, others do."""
    sent = []
    for seed in (7, 7, 8):
        sink.reset()
        daemon.finally_of(daemon.command("transaction", "500ms", 400, seed=seed, workers=2))
        sent.append(Counter(sink.bodies()))
    assert sent[0] == sent[1]
    assert sum(sent[0].values()) == 200
    assert not sent[0].keys() & sent[2].keys()


def test_the_api_answers_while_an_attack_has_no_limit(daemon: Daemon, sink: Sink) -> None:
    """Fifty looks at the status all succeed, and the count that they show grows."""
    run_id = daemon.command(rate=0, maxConnections=50)
    first = until(lambda: daemon.status()["run"]["summary"]["sent"], "the first figures")
    counts = [first]
    for _ in range(50):
        status = daemon.status()
        assert status["run"]["id"] == run_id
        counts.append(status["run"]["summary"]["sent"])
    assert counts == sorted(counts)
    until(lambda: daemon.status()["run"]["summary"]["sent"] > first, "more than the first figures")
    daemon.stop()
    assert daemon.finally_of(run_id)["summary"]["sent"] == sink.requests


def test_pages_of_runs_are_parts_of_one_list(daemon: Daemon, sink: Sink) -> None:
    """Newest first; pages put together are the whole, and what is alive is in it with its live state."""
    ids = [daemon.command(duration="100ms") for _ in range(3)]
    daemon.idle()
    ids.append(daemon.command())
    whole = daemon.runs()
    listed = [run["id"] for run in whole["runs"]]
    assert listed[:4] == ids[::-1]
    assert (len(listed), whole["runs"][0]["state"]) == (whole["total"], "running")
    pages = [daemon.runs(limit=2, offset=offset) for offset in range(0, whole["total"], 2)]
    assert [run["id"] for page in pages for run in page["runs"]] == listed
    assert {page["total"] for page in pages} == {whole["total"]}


def test_a_run_can_be_deleted_when_it_has_ended(daemon: Daemon, sink: Sink) -> None:
    """While it is alive that is a conflict; afterwards it is gone, once and for all."""
    run_id = daemon.command()
    refused = daemon.http.delete(f"/runs/{run_id}")
    assert (refused.status_code, list(refused.json())) == (409, ["error"])
    daemon.stop()
    daemon.finally_of(run_id)
    statuses = [daemon.http.delete(f"/runs/{run_id}").status_code for _ in range(2)]
    assert statuses == [204, 404]
    assert daemon.http.get(f"/runs/{run_id}").status_code == 404
    assert run_id not in {run["id"] for run in daemon.runs()["runs"]}


def test_an_attack_of_its_own_shares_the_store_with_a_daemon(sink: Sink, tmp_path: Path) -> None:
    """`load-tester attack` takes the run of a living daemon for what it is, and both list both runs."""
    with programs.daemon(sink.url, tmp_path) as control:
        run_id = control.command()
        sink.hit(10)
        options = ("--type", "session", "--rate", "50", "--duration", "200ms", "--data-dir", str(tmp_path), "--json")
        done = ran([*LOAD_TESTER, "attack", "-t", sink.url, *options])
        assert done.status == 0, done
        ids = [json.loads(done.out)["id"], run_id]
        assert control.status()["run"]["state"] == "running"
        assert [run["id"] for run in control.runs()["runs"]] == ids
        listed = json.loads(ran([*LOAD_TESTER, "runs", "--json", "--data-dir", str(tmp_path)]).out)["runs"]
        assert [(run["id"], run["state"]) for run in listed] == [(ids[0], "finished"), (run_id, "running")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_daemon_that_is_told_to_end_finishes_its_record(sink: Sink, tmp_path: Path, number: signal.Signals) -> None:
    """It stops the attack, ends with status 0, and `load-tester report` reads the same store afterwards."""
    with programs.daemon(sink.url, tmp_path) as control:
        run_id = control.command(rate=200)
        sink.hit(20)
        workers = control.workers()
        done = control.program.end(number)
    assert done.status == 0
    assert all(" INFO load_tester.runs.supervisor: run " in line for line in done.err.splitlines()), done.err
    assert f"{run_id} stopped" in done.err
    until(lambda: programs.are_gone(workers), "the end of the workers")
    report = ran([*LOAD_TESTER, "report", "latest", "--data-dir", str(tmp_path)])
    assert report.status == 0
    assert f"{run_id}  stopped" in report.out
    assert f" planned until it was stopped, {sink.requests} sent" in report.out
