"""The daemon as its users meet it: a process, spoken to over HTTP."""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench import peers
from bench.machine import LOCALHOST, free_port, pinned, rss_bytes, two_cores, workers_below
from bench.row import NotRun, Row
from bench.target import StampingTarget

MIB: Final = 1024 * 1024
BIN: Final = Path(sys.executable).parent
READING_MS: Final = 5.0
"""How much later than it came the stamping target may read a request on a busy machine."""


class Daemon:
    """A running daemon; its connection is kept alive, as a client's would be."""

    def __init__(self, port: int, pid: int) -> None:
        self.pid = pid
        self._http = http.client.HTTPConnection(LOCALHOST, port, timeout=30)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The daemon's answer to a request.

        Raises:
            NotRun: it refused.
        """
        content = None if body is None else json.dumps(body)
        self._http.request(method, path, content, {"Content-Type": "application/json"})
        response = self._http.getresponse()
        answer = response.read()
        if response.status != 200:
            raise NotRun(f"{method} {path} was answered with {response.status}: {answer[:200]!r}")
        decoded: dict[str, Any] = json.loads(answer)
        return decoded

    def command(self, rate: int, duration: str, **more: object) -> str:
        """Start an attack with session payloads; returns the id of its run."""
        order = {"testType": "session", "attackDuration": duration, "numMessages": rate, "params": {}, **more}
        return str(self.ask("POST", "/command", order)["runId"])

    def run(self, run_id: str, limit_s: float) -> dict[str, Any]:
        """The record of a run, once it has ended.

        Raises:
            NotRun: it does not end in time.
        """
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            run = self.ask("GET", f"/runs/{run_id}")
            if run["state"] not in {"pending", "running", "stopping"}:
                return run
            time.sleep(0.2)
        raise NotRun(f"the run did not end within {limit_s:g} s")

    def close(self) -> None:
        """Hang up."""
        self._http.close()


@contextmanager
def daemon(target_url: str, core: int | None = None) -> Iterator[Daemon]:
    """A daemon that attacks the target, with a data directory of its own; on one core only if that is given.

    Raises:
        NotRun: it cannot be started.
    """
    argv = [installed("load-tester")]
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-data-") as folder:
        argv += ["serve", "--port", str(port), "--target-url", target_url, "--data-dir", folder]
        with (
            (Path(folder) / "output").open("w") as output,
            subprocess.Popen(
                pinned(core, argv) if core is not None else argv, stdout=output, stderr=output, text=True
            ) as process,
        ):
            try:
                peers.until_listening(port, process)
                client = Daemon(port, process.pid)
                client.ask("GET", "/ping")  # the port is open before the daemon is ready: this waits until it is
                yield client
                client.close()
            finally:
                peers.ended(process)


def installed(command: str) -> str:
    """The path of one of our commands, as installed beside this interpreter.

    Raises:
        NotRun: it is not there.
    """
    path = BIN / command
    if not path.exists():
        raise NotRun(f"{command} is not installed")
    return str(path)


def reaction(*, quick: bool) -> Iterator[Row]:
    """From a command to its first hit at the target, and from the reply to a stop to the last."""
    repeats = 3 if quick else 10
    to_first, to_last, late = [], [], 0
    with StampingTarget() as target, daemon(target.url) as client:
        for _ in range(repeats):
            target.forget()
            commanded_ns = time.monotonic_ns()
            client.command(2_000, "30s", maxConnections=100)
            deadline = time.monotonic() + 5
            while not target.first_ns:
                if time.monotonic() > deadline:
                    raise NotRun("no hit came within 5 s of the command")
                time.sleep(0.001)
            to_first.append((target.first_ns - commanded_ns) / 1e6)
            time.sleep(0.5)
            client.ask("POST", "/stop")
            stopped_ns = time.monotonic_ns()
            time.sleep(0.5)
            to_last.append((target.last_ns - stopped_ns) / 1e6)
            late += to_last[-1] > READING_MS
    yield Row(
        "command to first hit, measured at the target",
        f"median {statistics.median(to_first):.0f} ms, worst {max(to_first):.0f} ms of {repeats}",
        "< 150 ms",
        max(to_first) < 150,
    )
    yield Row(
        "stop reply to last hit, measured at the target",
        f"last hit {max(to_last):.1f} ms after the reply at worst; {late} of {repeats} stops with a hit after it",
        "nothing after the reply",
        late == 0,
        f"negative: before the reply; up to {READING_MS:g} ms may pass until the target reads a hit",
    )


def responsiveness(*, quick: bool) -> Iterator[Row]:
    """How long `GET /status` takes while 50 000/s are sent."""
    seconds, required_ms = 3 if quick else 8, 50
    _, other_core = two_cores()
    took_ms: list[float] = []
    with peers.nginx(other_core) as url, daemon(url) as client:
        run_id = client.command(50_000, f"{seconds + 1}s", timeout="5s")
        time.sleep(0.5)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            asked = time.monotonic()
            client.ask("GET", "/status")
            took_ms.append((time.monotonic() - asked) * 1000)
            time.sleep(0.01)
        summary = client.run(run_id, 30)["summary"]
    p99 = statistics.quantiles(took_ms, n=100, method="inclusive")[98]
    measured = f"p99 {p99:.1f} ms, worst {max(took_ms):.1f} ms of {len(took_ms)} requests"
    beside = f"the attack meanwhile sent {summary['rate']:,.0f}/s"
    yield Row("GET /status while 50,000/s are sent", measured, f"p99 < {required_ms} ms", p99 < required_ms, beside)


def memory(*, quick: bool) -> Iterator[Row]:
    """How much the worker and the daemon grow from the first million hits to the tenth."""
    low, high = (100_000, 300_000) if quick else (1_000_000, 10_000_000)
    limit_s = 30 if quick else 900
    core, other_core = two_cores()
    del core
    with peers.nginx(other_core) as url, daemon(url) as client:
        run_id = client.command(0, f"{limit_s}s", maxConnections=50, workers=1)
        before = _memory_at(client, low, limit_s)
        after = _memory_at(client, high, limit_s)
        client.ask("POST", "/stop")
        client.run(run_id, 30)
    grown = {name: (after[name] - before[name]) / MIB for name in after}
    measured = ", ".join(f"{name} {mib:+.1f} MiB" for name, mib in grown.items())
    beside = ", ".join(f"{name} has {size / MIB:.0f} MiB" for name, size in after.items())
    ok = all(mib < 5 for mib in grown.values())
    yield Row(f"memory from {low:,} to {high:,} hits", measured, "< 5 MB each", ok, beside)


def _memory_at(client: Daemon, hits: int, limit_s: float) -> dict[str, int]:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        status = client.ask("GET", "/status")
        if status["status"] != "running":
            raise NotRun(f"the attack ended before {hits:,} hits")
        if status["run"]["summary"]["sent"] >= hits:
            workers = workers_below(client.pid)
            if not workers:
                raise NotRun("the daemon's worker was not found")
            return {"daemon": rss_bytes(client.pid), "worker": sum(map(rss_bytes, workers))}
        time.sleep(0.2)
    raise NotRun(f"{hits:,} hits were not sent within {limit_s:g} s")


def truth(*, quick: bool) -> Iterator[Row]:
    """What is reported of a target that stalls for a second, against what can be computed.

    At 1 000/s the hits due in the stall are answered at its end: their response times are 1 000, 999, … 1 ms, and all
    others next to nothing. Of 10 000 hits the 95th percentile is thus 500 ms, the 99th 900 ms and the maximum 1 s; what
    is reported is more than that by the time in which the hits that waited are sent and answered, one after the other.
    """
    del quick  # the scenario is what it is
    core, other_core = two_cores()
    port = free_port()
    stall = ["--stall-at", "2s", "--stall-for", "1s"]
    argv = [installed("load-tester"), "sink", "--port", str(port), *stall]
    with subprocess.Popen(
        pinned(other_core, argv), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as sink:
        try:
            peers.until_listening(port, sink)
            with daemon(f"http://{LOCALHOST}:{port}", core) as client:
                summary = client.run(client.command(1_000, "10s", maxConnections=50), 60)["summary"]
        finally:
            peers.ended(sink)
    expected_ms = {"p95": 500, "p99": 900, "max": 1000}
    measured_ms = {name: summary["responseTime"][name] / 1e6 for name in expected_ms}
    off = max(abs(measured_ms[name] / expected_ms[name] - 1) for name in expected_ms)
    figures = ", ".join(f"{name} {ms:.0f} ms" for name, ms in measured_ms.items())
    yield Row(
        "truth: 1,000/s for 10 s, 50 connections, a stall of 1 s",
        f"{summary['sent']:,} sent; response time {figures}; {off:.1%} off",
        "10,000 sent; 500, 900, 1000 ms within 2 %",
        summary["sent"] == 10_000 and off <= 0.02,
        f"latency p99 {summary['latency']['p99'] / 1e6:.0f} ms: what a closed loop would have said",
    )
