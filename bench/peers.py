"""The programs we are measured beside: nginx as the target, wrk, hey and vegeta as the other generators."""

import json
import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.machine import LOCALHOST, free_port, pinned
from bench.row import NotRun

PATIENCE_S: Final = 20.0
"""Beyond the time that a program was told to take."""

# One worker, nothing logged, everything answered with a few bytes: what is measured is the generator.
_NGINX_CONF: Final = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_max_body_size 1m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} backlog=8192;
        location / {{ return 200 "ok"; }}
    }}
}}
"""


def program(name: str) -> str:
    """The path of a program; system administrators' folders count.

    Raises:
        NotRun: it is not installed.
    """
    folders = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    found = shutil.which(name, path=folders)
    if found is None:
        raise NotRun(f"{name} is not installed")
    return found


@contextmanager
def nginx(core: int) -> Iterator[str]:
    """The URL of an nginx that answers everything with 200, on one core.

    Raises:
        NotRun: it is not installed, or does not start.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder:
        conf = Path(folder) / "nginx.conf"
        conf.write_text(_NGINX_CONF.format(folder=folder, host=LOCALHOST, port=port))
        argv = [program("nginx"), "-p", folder, "-c", str(conf), "-e", f"{folder}/error.log"]
        with subprocess.Popen(pinned(core, argv), stderr=subprocess.PIPE, text=True) as process:
            try:
                until_listening(port, process)
                yield f"http://{LOCALHOST}:{port}"
            finally:
                ended(process)


def until_listening(port: int, process: subprocess.Popen[str]) -> None:
    """Return when the process listens on the port of this machine.

    Raises:
        NotRun: it ended, or does not within `PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = process.stderr.read().strip() if process.stderr else ""
            raise NotRun(f"{process.args!r:.60} ended at once: {said[-300:]}")
        with socket.socket() as sock:
            if sock.connect_ex((LOCALHOST, port)) == 0:
                return
        time.sleep(0.02)
    raise NotRun(f"{process.args!r:.60} did not listen within {PATIENCE_S:g} s")


def ended(process: subprocess.Popen[str]) -> None:
    """Ask the process to end, and make it end when it does not."""
    process.terminate()
    try:
        process.wait(PATIENCE_S / 4)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Speed(NamedTuple):
    """Requests per second, and per second of the processor time that was used for them."""

    per_s: float
    per_cpu_s: float


def wrk(url: str, core: int, connections: int, seconds: int) -> Speed:
    """What wrk reaches with one thread."""
    argv = [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", url]
    before_s = _children_cpu_s()
    per_s = requests_per_s(_output(pinned(core, argv), seconds))
    return Speed(per_s, per_s * seconds / (_children_cpu_s() - before_s))


def hey(url: str, core: int, connections: int, seconds: int) -> float:
    """What hey reaches, in requests per second."""
    argv = [program("hey"), "-cpus", "1", "-c", str(connections), "-z", f"{seconds}s", url]
    return requests_per_s(_output(pinned(core, argv), seconds))


def vegeta(url: str, core: int, connections: int, seconds: int) -> float:
    """What vegeta reaches without a rate, in requests per second."""
    limits = [f"-workers={connections}", f"-max-workers={connections}", f"-connections={connections}"]
    argv = [program("vegeta"), "-cpus=1", "attack", "-rate=0", f"-duration={seconds}s", *limits]
    results = _run(pinned(core, argv), seconds, f"GET {url}\n".encode())
    report = json.loads(_run([program("vegeta"), "report", "-type=json"], seconds, results))
    return float(report["rate"])


def sleeper(core: int, rate: int, seconds: float) -> tuple[float, float]:
    """How late a thread wakes on this core that does nothing but sleep until each instant: p50 and p99 in ms.

    No generator can be more punctual than the machine that it runs on.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        began_ns, interval_ns = time.perf_counter_ns(), 1_000_000_000 // rate
        late_ms = []
        for n in range(1, int(rate * seconds)):
            due_ns = began_ns + n * interval_ns
            left_ns = due_ns - time.perf_counter_ns()
            if left_ns > 0:
                time.sleep(left_ns / 1e9)
            late_ms.append((time.perf_counter_ns() - due_ns) / 1e6)
    finally:
        os.sched_setaffinity(0, allowed)
    late_ms.sort()
    return late_ms[len(late_ms) // 2], late_ms[len(late_ms) * 99 // 100]


def _children_cpu_s() -> float:
    """The processor time of the programs that were started from here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _output(argv: list[str], seconds: int) -> str:
    return _run(argv, seconds, None).decode()


def _run(argv: list[str], seconds: int, given: bytes | None) -> bytes:
    try:
        done = subprocess.run(argv, input=given, capture_output=True, timeout=seconds + PATIENCE_S, check=True)
    except subprocess.SubprocessError as error:
        raise NotRun(f"{argv[0]} failed: {error}") from error
    return done.stdout


def requests_per_s(output: str) -> float:
    """Both wrk and hey report a line `Requests/sec: 12345.67`."""
    found = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    if found is None:
        raise NotRun(f"no rate in the output: {output[-200:]!r}")
    return float(found[1])
