"""Helps tests: scripts as texts, a clock whose time passes at once, a load tester that only says that it attacks."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.lowlevel
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from load_starter.budget import Budget
from load_starter.plan import AttackTest, Plan
from load_starter.script import evaluate
from load_starter.trouble import ScriptError
from load_starter.vocabulary import Mistake
from load_tester.domain.histogram import Distribution
from load_tester.domain.metrics import Figures
from load_tester.domain.run import Run, RunState

EPOCH = datetime(2025, 1, 2, 15, 4, 5, tzinfo=UTC)
"""When the fakes' calendar begins."""


LOAD_SERVER = "http://tester.test:8000"
"""The load tester of scripts that name none."""


def plan_of(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    print_line: Callable[[str], None] = lambda _: None,
    budget: Budget | None = None,
) -> Plan:
    """Evaluate a script called `plan.star`, which can load `files`.

    Raises:
        ScriptError: the script has an error.
    """

    def read(name: str) -> str:
        try:
            return (files or {})[name]
        except KeyError:
            raise Mistake(f"there is no file {name}") from None

    return evaluate("plan.star", text, LOAD_SERVER, print_line=print_line, read=read, budget=budget)


def error_of(text: str, files: Mapping[str, str] | None = None, *, budget: Budget | None = None) -> str:
    """What `plan_of` says is wrong with a script; an `AssertionError` when nothing is."""
    try:
        plan_of(text, files, budget=budget)
    except ScriptError as error:
        return str(error)
    raise AssertionError("the script has no error")


def value_of(expression: str, before: str = "") -> Any:
    """The value of an expression behind the statements `before`, as JSON has it: durations as texts."""
    plan = plan_of(f"{before}\nadd_vegeta_test(Second, 'any', 1, Second, {{'value': {expression}}})")
    (step,) = plan.steps
    assert isinstance(step, AttackTest)
    return step.params["value"]


class VirtualClock:
    """A clock in which sleeping takes no time, but lets it pass; it owns its time."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self.elapsed_s

    def now(self) -> datetime:
        """The calendar, which begins at `EPOCH`."""
        return EPOCH + timedelta(seconds=self.elapsed_s)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.elapsed_s += seconds
        await anyio.lowlevel.checkpoint()


def figures(planned: int = 100, answered: int | None = None) -> Figures:
    """Plausible figures of a run, of whose hits all or only some were answered."""
    answered = planned if answered is None else answered
    failed = planned - answered
    times = Distribution(100_000, 200_000, 150_000, 300_000, 400_000, 900_000, 1_000_000, 1_100_000, answered)
    return Figures(
        planned=planned,
        sent=planned,
        answered=answered,
        failed=failed,
        successes=answered,
        success=answered / planned if planned else 0.0,
        status_codes={"200": answered} if answered else {},
        errors={"refused": failed} if failed else {},
        rate=10.5,
        pace=10.5,
        throughput=10.0,
        latency=times,
        response_time=times,
        lag=times,
    )


@dataclass
class FakeLoadTester:
    """A load tester that attacks nothing. It owns what happened to it: `requests`, `commands`, `runs`.

    Attributes:
        looks: how often a run is looked at before it ends by itself; `None` for never.
        ending: the state in which a run ends by itself.
        summary: the figures of every run.
        refusal: status and JSON body of the answer to commands, instead of accepting them.
        flaws: the verdicts on commands by their test type, where something is wrong.
        defaults: what the record of a run says of what its command leaves open.
        is_upstream: answer like go-load-tester, which has no runs.
        commanded: set when a command has arrived.
    """

    looks: int | None = 1
    ending: RunState = RunState.FINISHED
    summary: Figures = field(default_factory=figures)
    refusal: tuple[int, dict[str, str]] | None = None
    flaws: dict[str, dict[str, str]] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    is_upstream: bool = False
    requests: list[str] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    commanded: threading.Event = field(default_factory=threading.Event)

    def app(self) -> Starlette:
        """The HTTP API."""
        routes = {
            "/command": (self._command, ["POST"]),
            "/validate": (self._validate, ["POST"]),
            "/stop": (self._stop, ["GET", "POST"]),
            "/status": (self._status, ["GET"]),
            "/runs/{id}": (self._run, ["GET"]),
        }
        return Starlette(
            routes=[
                Route(form, endpoint, methods=methods)
                for path, (endpoint, methods) in routes.items()
                for form in (path, f"{path}/")
            ]
        )

    async def _command(self, request: Request) -> Response:
        self.requests.append("POST /command")
        command = await request.json()
        self.commands.append(command)
        self.commanded.set()
        if self.refusal is not None:
            return _json(self.refusal[1], self.refusal[0])
        if self.is_upstream:
            return PlainTextResponse("Command Accepted")
        run = Run(
            id=f"run-{len(self.runs) + 1}",
            state=RunState.RUNNING,
            command=self.defaults | command,
            created_at=EPOCH,
            summary=self.summary,
        )
        self.runs[run.id] = run
        return _json({"status": "ok", "runId": run.id})

    async def _validate(self, request: Request) -> Response:
        self.requests.append("POST /validate")
        if self.is_upstream:
            return PlainTextResponse("404 page not found", 404)
        return _json([self.flaws.get(command["testType"], {"status": "ok"}) for command in await request.json()])

    async def _stop(self, _: Request) -> Response:
        self.requests.append("GET /stop")
        for run in self.runs.values():
            if run.state is RunState.RUNNING:
                self.runs[run.id] = msgspec.structs.replace(run, state=RunState.STOPPED)
        return _json({"status": "ok"})

    async def _status(self, _: Request) -> Response:
        if self.is_upstream:
            return PlainTextResponse("404 page not found", 404)
        if self.looks is not None:
            self.looks -= 1
        if self.looks is not None and self.looks < 0:
            self.runs = {id_: _ended(run, self.ending) for id_, run in self.runs.items()}
        for run in self.runs.values():
            if run.state is RunState.RUNNING:
                return _json({"status": "running", "run": run})
        return _json({"status": "idle"})

    async def _run(self, request: Request) -> Response:
        self.requests.append("GET /runs")
        run = self.runs.get(request.path_params["id"])
        return _json({"error": "there is no such run"}, 404) if run is None else _json(run)


@contextmanager
def served(fake: FakeLoadTester) -> Iterator[str]:
    """Serve a fake on a free port of the loopback interface, from a thread; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(fake.app(), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _ended(run: Run, state: RunState) -> Run:
    return msgspec.structs.replace(run, state=state) if run.state is RunState.RUNNING else run


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
