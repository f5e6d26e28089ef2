"""The real programs as processes, and what can be asked of those that serve."""

import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, TypeVar

import httpx

LIMIT_S: Final = 60.0
"""What takes longer hangs."""
LOOK_S: Final = 0.02
"""Between two looks at something that is waited for."""
FINAL: Final = frozenset({"finished", "stopped", "failed"})
"""The states of runs that have ended."""
LOAD_TESTER: Final = (sys.executable, "-m", "load_tester")
LOAD_STARTER: Final = (sys.executable, "-m", "load_starter")

T = TypeVar("T")


def until(probe: Callable[[], T | None], what: str) -> T:
    """Ask again and again until the answer is a true one; returns it. `what` is waited for, if it does not come."""
    deadline = time.monotonic() + LIMIT_S
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"{what} did not come within {LIMIT_S:g} s"
        time.sleep(LOOK_S)
    return answer


class _Output:
    """Everything that a process writes to one stream, read while it runs."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def line_with(self, words: str) -> str | None:
        """The first line that has these words, waited for; `None` when the stream has ended without."""
        with self._news:
            heard = self._news.wait_for(lambda: self._ended or self._first(words) is not None, LIMIT_S)
            assert heard, f"{words!r} was not written within {LIMIT_S:g} s, but {self._lines}"
            return self._first(words)

    def text(self) -> str:
        """All of it; the process must have ended."""
        self._reader.join()
        return "".join(self._lines)

    def _first(self, words: str) -> str | None:
        return next((line.rstrip("\n") for line in self._lines if words in line), None)

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


class Ended(NamedTuple):
    """How a program ended, and what it wrote."""

    status: int
    out: str
    err: str


class Program:
    """A program that was started. Everything it writes is collected."""

    def __init__(self, argv: Sequence[str], cwd: Path | None, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            argv, cwd=cwd, env=_environment(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.pid = self._process.pid
        self._out = _Output(self._process.stdout)
        self._err = _Output(self._process.stderr)

    def line_with(self, words: str) -> str:
        """The first line of its output that has these words, waited for."""
        line = self._out.line_with(words)
        assert line is not None, f"{words!r} was never written: {self.ended()}"
        return line

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        """Send it a signal and wait for its end."""
        self.send(number)
        return self.ended()

    def ended(self) -> Ended:
        """Wait for its end."""
        status = self._process.wait(LIMIT_S)
        return Ended(status, self._out.text(), self._err.text())

    def clean_up(self) -> None:
        """End it, however it takes."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self.ended()


@contextmanager
def started(argv: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Iterator[Program]:
    """A program, running; it is ended when the block is left."""
    program = Program(argv, cwd, env or {})
    try:
        yield program
    finally:
        program.clean_up()


def ran(argv: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ended:
    """A program, run to its end."""
    with started(argv, cwd, env) as program:
        return program.ended()


class Sink:
    """A `load-tester sink` that runs."""

    def __init__(self, program: Program, http: httpx.Client) -> None:
        self.program = program
        self.url = program.line_with("://")
        self._http = http

    def stats(self) -> dict[str, Any]:
        """What it has counted."""
        stats: dict[str, Any] = self._http.get(f"{self.url}/stats").json()
        return stats

    @property
    def requests(self) -> int:
        """How many requests it has counted."""
        return int(self.stats()["requests"])

    def reset(self) -> None:
        """Have it forget all counts."""
        assert self._http.post(f"{self.url}/reset").status_code == 200

    def bodies(self) -> list[bytes]:
        """The bodies it has recorded, in order of arrival."""
        shown = self._http.get(f"{self.url}/requests").json()
        return [b64decode(one["bodyBase64"]) if "bodyBase64" in one else one["body"].encode() for one in shown]

    def hit(self, least: int = 1) -> int:
        """Wait until it has so many requests; returns how many it has."""
        return until(lambda: self.requests if self.requests >= least else None, f"request {least} at the sink")


@contextmanager
def sink(*options: str, http: httpx.Client | None = None) -> Iterator[Sink]:
    """A `load-tester sink` on a free port; `http` is needed where the sink does not answer plain HTTP."""
    with (
        started([*LOAD_TESTER, "sink", "--port", "0", *options]) as program,
        http or httpx.Client(trust_env=False) as client,
    ):
        yield Sink(program, client)


class Daemon:
    """A `load-tester serve` that runs."""

    def __init__(self, program: Program, http: httpx.Client) -> None:
        self.program = program
        self.url = program.line_with("Listening on").removeprefix("Listening on ")
        self.http = http
        http.base_url = httpx.URL(self.url)

    def command(self, test_type: str = "session", duration: str = "60s", rate: int = 100, **more: Any) -> str:
        """Start an attack; returns the id of its run."""
        members = {"testType": test_type, "attackDuration": duration, "numMessages": rate, **more}
        reply = self.http.post("/command", json=members)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["runId"])

    def stop(self, grace: str | None = None) -> dict[str, Any]:
        """Stop the attack; returns the reply."""
        return self._got("/stop", **({} if grace is None else {"grace": grace}))

    def status(self) -> dict[str, Any]:
        """What runs at present."""
        return self._got("/status")

    def run(self, run_id: str) -> dict[str, Any]:
        """What is known of a run, with its timeline."""
        return self._got(f"/runs/{run_id}")

    def runs(self, limit: int = 1000, offset: int = 0) -> dict[str, Any]:
        """A page of the list of runs."""
        return self._got("/runs", limit=limit, offset=offset)

    def finally_of(self, run_id: str) -> dict[str, Any]:
        """Wait for the end of a run; returns what is known of it then. The sum of its endings is what was planned."""
        run = until(lambda: run if (run := self.run(run_id))["state"] in FINAL else None, f"the end of run {run_id}")
        assert_all_accounted_for(run)
        return run

    def attacks_for(self, seconds: float) -> dict[str, Any]:
        """Wait until an attack is that old; returns its run."""

        def old_enough() -> dict[str, Any] | None:
            run: dict[str, Any] | None = self.status().get("run")
            return run if run is not None and run["elapsedNs"] > seconds * 1e9 else None

        return until(old_enough, f"an attack {seconds:g} s old")

    def idle(self) -> None:
        """Wait until nothing runs."""
        until(lambda: self.status()["status"] == "idle", "the end of the attack")

    def workers(self) -> set[int]:
        """The process ids of its attack workers: the children of its child."""
        return {worker for nursery in self.nurseries() for worker in _children(nursery)}

    def nurseries(self) -> set[int]:
        """The process ids of its children, which fork the workers: one, or none."""
        return _children(self.program.pid)

    def _got(self, path: str, **query: str | int) -> dict[str, Any]:
        reply = self.http.get(path, params=query)
        assert reply.status_code == 200, reply.text
        content: dict[str, Any] = reply.json()
        return content


@contextmanager
def daemon(target: str | None, data_dir: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Daemon]:
    """A `load-tester serve` on a free port."""
    url = [] if target is None else ["--target-url", target]
    argv = [*LOAD_TESTER, "serve", "--port", "0", *url, "--data-dir", str(data_dir), *options]
    with started(argv, env=env) as program, httpx.Client(trust_env=False, timeout=LIMIT_S) as http:
        yield Daemon(program, http)


def assert_all_accounted_for(run: Mapping[str, Any]) -> None:
    """Every planned hit of a run that has ended has exactly one ending."""
    figures = run["summary"]
    endings = {name: figures[name] for name in ("answered", "failed", "aborted", "lost")}
    assert sum(endings.values()) == figures["planned"], endings
    # A hit whose response is not as expected is answered, and an error besides.
    assert figures["failed"] == sum(n for kind, n in figures["errors"].items() if kind not in ("status", "check"))
    assert figures["answered"] == sum(figures["statusCodes"].values())
    if "timeline" in run:
        for name in ("planned", "sent", *endings):
            assert sum(second["figures"][name] for second in run["timeline"]) == figures[name], name


def are_gone(pids: set[int]) -> bool:
    """Whether none of these processes exists."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def _children(parent: int) -> set[int]:
    """The processes that this one has started and that run."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name in parentheses, which may hold anything: the state and the parent.
            state, ppid = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it has ended meanwhile
        if int(ppid) == parent and state != "Z":
            found.add(int(stat.parent.name))
    return found


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests without what could set options, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOAD_TESTER_", "LOAD_STARTER_"))}
    return {**kept, **more}
