"""Processes that are killed with signal 9 in the middle of an attack: what is kept, and who takes over."""

import os
import signal
from pathlib import Path

from tests.e2e import programs
from tests.e2e.programs import Daemon, Sink, until

RATE = 400


def test_a_killed_daemon_takes_its_workers_along_and_loses_a_second_at_most(sink: Sink, tmp_path: Path) -> None:
    """The workers end by themselves; the next daemon finds the seconds that were committed, and says what happened."""
    with programs.daemon(sink.url, tmp_path) as mortal:
        run_id = mortal.command(rate=RATE)
        mortal.attacks_for(2.5)
        workers = mortal.workers()
        assert workers
        mortal.program.end(signal.SIGKILL)
    until(lambda: programs.are_gone(workers), "the end of the workers")
    sent = sink.requests
    with programs.daemon(sink.url, tmp_path) as control:
        assert sink.requests == sent
        run = control.finally_of(run_id)
        assert (run["state"], run["error"]) == ("failed", "the daemon ended while the run was alive")
        assert control.status() == {"status": "idle"}
        assert [second["second"] for second in run["timeline"]] == list(range(len(run["timeline"])))
        assert all(second["figures"]["planned"] == RATE for second in run["timeline"][:2])
        # A second between two commits, and some for a machine that is busy with other things.
        assert sent - 2 * RATE <= run["summary"]["sent"] <= sent
        assert run["elapsedNs"] > 1_500_000_000
        sink.reset()
        record = control.finally_of(control.command(duration="250ms"))
        assert (record["state"], record["summary"]["answered"], sink.requests) == ("finished", 25, 25)


def test_the_share_of_a_killed_worker_is_taken_over(daemon: Daemon, sink: Sink) -> None:
    """The run finishes with every hit accounted for and none sent twice, and its record says what happened."""
    run_id = daemon.command("numbered", "3s", 200, workers=2)
    daemon.attacks_for(1.0)
    victim = min(daemon.workers())
    os.kill(victim, signal.SIGKILL)
    run = daemon.finally_of(run_id)
    figures, stats = run["summary"], sink.stats()
    assert (run["state"], figures["planned"], run["workers"]) == ("finished", 600, 2)
    assert any(f"worker {victim} died" in incident for incident in run["incidents"])
    assert any(f"took over the unsent share of worker {victim}" in incident for incident in run["incidents"])
    assert set(stats["paths"].values()) == {1}
    assert figures["answered"] <= stats["requests"] <= figures["answered"] + figures["lost"]
    # The share of one worker, for as long as it may take until a fresh one stands in.
    assert figures["lost"] <= 100


def test_killing_all_workers_again_and_again_fails_the_run_and_not_the_daemon(daemon: Daemon, sink: Sink) -> None:
    """After some replacements the run has failed with the reason; the next command works."""
    run_id = daemon.command(rate=100)

    def is_over() -> bool:
        for worker in daemon.workers():
            if (daemon.status().get("run") or {}).get("state") == "running":
                os.kill(worker, signal.SIGKILL)
        return bool(daemon.status()["status"] == "idle")

    until(is_over, "the end of an attack without workers")
    run = daemon.finally_of(run_id)
    assert run["state"] == "failed"
    assert "attack workers died" in run["error"]
    assert daemon.finally_of(daemon.command(duration="100ms"))["state"] == "finished"


def test_a_killed_nursery_disturbs_nobody(daemon: Daemon, sink: Sink) -> None:
    """The workers that it has forked go on, and the next command finds a fresh one."""
    run_id = daemon.command(duration="1s")
    sink.hit(10)
    (nursery,) = daemon.nurseries()
    os.kill(nursery, signal.SIGKILL)
    run = daemon.finally_of(run_id)
    assert (run["state"], run["summary"]["answered"], run["incidents"]) == ("finished", 100, [])
    assert daemon.finally_of(daemon.command(duration="100ms"))["state"] == "finished"
    assert daemon.nurseries().isdisjoint({nursery})
