"""A run: an attack with an identity and a history, as it is stored, served and reported."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from load_tester.domain.metrics import Figures


class RunState(StrEnum):
    """The states of a run; `load_tester.runs.state` has the table of how they follow each other."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


class TimelineSecond(msgspec.Struct, frozen=True, rename="camel"):
    """One second of a run, counted from 0 from the start of the attack."""

    second: int
    figures: Figures


def completed(seconds: Iterable[TimelineSecond]) -> tuple[TimelineSecond, ...]:
    """The timeline from its first second on, made of the seconds in which something happened, in order.

    Seconds in which nothing did are put in, and `connections_open` counts on from the second before.
    """
    timeline: list[TimelineSecond] = []
    is_open = 0
    for known in seconds:
        while len(timeline) < known.second:
            timeline.append(TimelineSecond(len(timeline), Figures(connections_open=is_open)))
        is_open += known.figures.connections_opened - known.figures.connections_closed
        timeline.append(TimelineSecond(known.second, msgspec.structs.replace(known.figures, connections_open=is_open)))
    return tuple(timeline)


class Run(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Everything known of one run except its seconds. Instants are UTC, spans integer nanoseconds.

    `command` is what was asked for, in full, with every default filled in, as `POST /command` would take it again.
    `error` is why a failed run failed; `incidents` is what went wrong without ending it; `error_messages` holds the
    first message of each kind of error. `generator_limited` with its `reasons` is explained in
    `load_tester.domain.verdict`. `elapsed_ns` runs from the start of the attack to its end, stragglers included.
    `scheduled_hits` are due within `scheduled_ns` from the start, unless it is stopped; `None` with an unlimited rate,
    and in records that are older than the field, which have 0 for `scheduled_ns`.
    """

    id: str
    state: RunState
    name: str = ""
    description: str = ""
    test_type: str = ""
    target_url: str = ""
    labels: tuple[tuple[str, ...], ...] = ()
    command: dict[str, Any] = msgspec.field(default_factory=dict)
    seed: int = 0
    workers: int = 0
    scheduled_hits: int | None = None
    scheduled_ns: int = 0
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    elapsed_ns: int = 0
    error: str | None = None
    incidents: tuple[str, ...] = ()
    error_messages: dict[str, str] = msgspec.field(default_factory=dict)
    connections_open: int = 0
    in_flight: int = 0
    waiting: int = 0
    generator_limited: bool = False
    reasons: tuple[str, ...] = ()
    summary: Figures = Figures()
