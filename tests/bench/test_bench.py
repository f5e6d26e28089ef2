"""The benchmark's own parts: what it reads from the machine and from its peers, and that it does not pretend."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from bench import __main__ as bench
from bench import generation, machine, peers
from bench.cases import CASES, Case
from bench.row import NotRun, Row
from bench.target import StampingTarget
from test_types import TEST_TYPES


def test_a_measurement_that_cannot_be_made_says_why() -> None:
    """A subject whose program is missing becomes a row that says so; what it had measured before is kept."""

    def impossible(*, quick: bool) -> Iterator[Row]:
        yield Row("before", "1", ">= 1", ok=True)
        peers.program(f"no-such-program-{quick}")

    rows = bench.measured("impossible", impossible, quick=True)
    assert [row.ok for row in rows] == [True, None]
    assert "no-such-program-True is not installed" in rows[1].measured


@pytest.mark.parametrize(
    "output",
    ["  50 requests in 1.00s, 1KB read\nRequests/sec:  12345.67\nTransfer/sec: 1KB\n", "Requests/sec:\t12345.67\n"],
)
def test_the_rates_of_wrk_and_hey_are_read(output: str) -> None:
    """The line that both print is found wherever it stands."""
    assert peers.requests_per_s(output) == 12345.67


def test_an_output_without_a_rate_is_no_measurement() -> None:
    """A peer that printed something else was not measured."""
    with pytest.raises(NotRun, match="no rate"):
        peers.requests_per_s("connection refused")


def test_a_process_is_read_from_the_kernel() -> None:
    """Memory and processor time of this process are more than nothing, those of one that has ended are 0."""
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    gone = int(ended.stdout)
    assert machine.rss_bytes(os.getpid()) > 1_000_000
    assert machine.cpu_s(os.getpid()) == pytest.approx(time.process_time(), abs=1)
    assert (machine.rss_bytes(gone), machine.cpu_s(gone)) == (0, 0.0)


def test_workers_are_told_from_other_grandchildren() -> None:
    """Forks of a child are the workers; a child itself, and what a child starts as another program, are not."""
    # The fork must end by itself when its input does: where it went on, it would kill process 0, its whole group.
    forks = "import os, sys, subprocess; pid = os.fork(); pid or (sys.stdin.read(), os._exit(0)); "
    forks += "child = subprocess.Popen(['cat']); "
    forks += "print(pid, child.pid, flush=True); sys.stdin.read(); os.kill(pid, 9); child.kill(); child.wait()"
    with subprocess.Popen([sys.executable, "-c", forks], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        fork, program = (int(pid) for pid in child.stdout.readline().split())
        below = machine.descendants(os.getpid())
        assert (below[fork], below[program], below[child.pid]) == (child.pid, child.pid, os.getpid())
        assert machine.workers_below(os.getpid()) == [fork]
        child.communicate(b"")


def test_the_stamping_target_stamps_what_it_answers() -> None:
    """First and last request carry the time at which they came, on the clock of whoever asks."""
    with StampingTarget() as target:
        before_ns = time.monotonic_ns()
        with httpx.Client() as client:
            assert [client.post(target.url, content=b"x").status_code for _ in range(3)] == [200] * 3
        assert target.requests == 3
        assert before_ns < target.first_ns < target.last_ns < time.monotonic_ns()
        target.forget()
        assert (target.first_ns, target.last_ns, target.requests) == (0, 0, 0)


def test_every_test_type_is_measured() -> None:
    """The speed and the size of its payloads are in the table."""
    assert {test_type.name for test_type in TEST_TYPES} == {case.test_type.name for case in CASES}


@pytest.mark.parametrize("case", [case for case in CASES if case.peer], ids=lambda case: case.name)
def test_a_payload_and_its_peer_are_alike(case: Case) -> None:
    """They are about as long, so that the ratio of their speeds means something."""
    ours_bytes = generation.size_bytes(generation.ours(case))
    assert case.peer is not None
    make = case.peer(msgspec.json.encode)
    theirs_bytes = statistics.fmean(len(make(seq, 0)) for seq in range(200))
    assert 0.6 < theirs_bytes / ours_bytes < 1.4
