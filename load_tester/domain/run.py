"""A run: an attack with an identity and a history, as it is stored, served and reported."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

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
    """One second of a run."""

    second: Annotated[int, Meta(description="Counted from 0 from the start of the attack.")]
    figures: Annotated[Figures, Meta(description="What happened in it.")]


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
    """An attack with an identity and a history. Instants are UTC, spans integer nanoseconds."""

    id: Annotated[str, Meta(description="Sorts by time.")]
    state: Annotated[RunState, Meta(description="How far it has come.")]
    name: Annotated[str, Meta(description="As in the command.")] = ""
    description: Annotated[str, Meta(description="As in the command.")] = ""
    test_type: Annotated[str, Meta(description="What is sent.")] = ""
    target_url: Annotated[str, Meta(description="What is attacked.")] = ""
    labels: Annotated[tuple[tuple[str, ...], ...], Meta(description="As in the command.")] = ()
    command: Annotated[
        dict[str, Any],
        Meta(description="What was asked for, with every default filled in; `POST /command` takes it again."),
    ] = msgspec.field(default_factory=dict)
    seed: Annotated[int, Meta(description="Of all randomness; drawn if the command has none.")] = 0
    workers: Annotated[int, Meta(description="Attack worker processes.")] = 0
    scheduled_hits: Annotated[
        int | None,
        Meta(description="How many hits are due unless it is stopped; `null` for an unlimited rate."),
    ] = None
    scheduled_ns: Annotated[int, Meta(description="Within how long from the start they are due.")] = 0
    created_at: Annotated[datetime, Meta(description="When the command was accepted.")]
    started_at: Annotated[datetime | None, Meta(description="When the attack started.")] = None
    ended_at: Annotated[datetime | None, Meta(description="When its last hit had ended.")] = None
    elapsed_ns: Annotated[
        int, Meta(description="From the start of the attack to its end, stragglers included; or until now.")
    ] = 0
    error: Annotated[str | None, Meta(description="Why a failed run failed.")] = None
    incidents: Annotated[
        tuple[str, ...], Meta(description="What went wrong without ending it: a lost worker, a store out of order.")
    ] = ()
    error_messages: Annotated[dict[str, str], Meta(description="The first message of each kind of error.")] = (
        msgspec.field(default_factory=dict)
    )
    connections_open: Annotated[int, Meta(description="Connections at present.")] = 0
    in_flight: Annotated[int, Meta(description="Hits that were sent and have not ended.")] = 0
    waiting: Annotated[int, Meta(description="Hits that are due and wait for a connection.")] = 0
    generator_limited: Annotated[
        bool, Meta(description="Whether the figures may show our limits rather than the target's.")
    ] = False
    reasons: Annotated[tuple[str, ...], Meta(description="Why that may be.")] = ()
    summary: Annotated[Figures, Meta(description="The figures of the whole run.")] = Figures()
