"""What decides: one attack at a time, each with its run's record, from the command to the last figure."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec

from load_tester.domain.attack import Tls
from load_tester.domain.command import Command
from load_tester.domain.duration import SECOND
from load_tester.domain.project import Project
from load_tester.domain.run import Run, TimelineSecond
from load_tester.domain.test_type import Registry
from load_tester.engine.interface import Engine
from load_tester.runs.store import RunPage, RunStore

DEFAULT_GRACE_NS = SECOND


class Site(msgspec.Struct, frozen=True):
    """What all attacks have in common: the URL, how its TLS is verified, the projects (`None` for made-up ones)."""

    target_url: str
    tls: Tls = Tls()
    projects: tuple[Project, ...] | None = None


class Stopped(msgspec.Struct, frozen=True):
    """What a stop did: the run that was alive, if any, and how many of its hits were in flight."""

    run_id: str | None
    in_flight: int


class Supervisor:
    """Runs one attack at a time and keeps the records. An async context manager: it works from entering to leaving.

    Entering repairs the records of runs whose process ended while they were alive; leaving stops what runs, and
    waits until its record is written. It owns neither the engine nor the store: whoever made them closes them.
    """

    def __init__(
        self,
        engine: Engine,
        store: RunStore,
        registry: Registry,
        site: Site,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.registry = registry
        self.site = site

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    async def start(self, command: Command) -> Run:
        """Replace the attack that runs by a new one; returns when the new one has started.

        The attack that is replaced sends nothing more; its hits in flight end in the background.

        Raises:
            InvalidCommand: a first request could not be made; the attack that runs was not touched.
            AttackRefused: the engine could not start it; its record says so.
        """
        raise NotImplementedError

    async def stop(self, grace_ns: int = DEFAULT_GRACE_NS) -> Stopped:
        """Stop the attack that runs: nothing more is sent when this returns. Hits in flight get `grace_ns` to end."""
        raise NotImplementedError

    async def wait(self, run_id: str) -> Run:
        """Wait for the end of the run; returns its final record. Raises `UnknownRun`."""
        raise NotImplementedError

    def current(self) -> Run | None:
        """The live record of the attack that runs, with its figures so far; `None` when there is none."""

    @property
    def store_error(self) -> str | None:
        """Why results cannot be written at the moment; they are kept in memory and tried again. `None` if they can."""

    async def run(self, run_id: str) -> Run:
        """The run, live if it is alive. Raises `UnknownRun`."""
        raise NotImplementedError

    async def runs(self, limit: int, offset: int = 0) -> RunPage:
        """At most `limit` runs, newest first, from number `offset` of all."""
        raise NotImplementedError

    async def timeline(self, run_id: str) -> tuple[TimelineSecond, ...]:
        """The figures of each second of the run, as far as they are stored (a running one is up to a second behind)."""
        raise NotImplementedError

    async def delete(self, run_id: str) -> None:
        """Delete a run that has ended. Raises `UnknownRun` or `RunAlive`."""
