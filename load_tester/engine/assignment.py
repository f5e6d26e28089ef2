"""What an attacker is given: its share of a schedule, what to send, and by which time."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from load_tester.domain.duration import SECOND
from load_tester.domain.pacer import Pacer, Share
from load_tester.domain.request import RequestMaker, Sendable
from load_tester.engine.clock import AlarmMaker, Clock
from load_tester.engine.transport import Round


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an attacker is to do: its share of a schedule.

    Attributes:
        pacer: the schedule of the whole attack; `None` for as fast as the target answers.
        share: the part of the hits that is sent from here.
        duration_ns: hits are due before this.
        timeout_ns: a hit that has not ended this long after it was due ends as failed.
        max_connections: at once.
    """

    pacer: Pacer | None
    share: Share
    duration_ns: int
    timeout_ns: int
    max_connections: int

    @property
    def total(self) -> int:
        """How many hits are planned; 0 without a schedule."""
        return self.share.count(self.pacer.hits(self.duration_ns)) if self.pacer else 0

    @property
    def peak(self) -> float:
        """The highest rate of the share at any time, in hits per second; infinite without a schedule."""
        return self.pacer.peak() / self.share.step if self.pacer else math.inf

    def due(self, i: int) -> int:
        """When hit `i` of the share is due, in nanoseconds from the start; there must be a schedule."""
        assert self.pacer is not None, "an unlimited rate has no schedule"
        return self.pacer.due(self.share.seq(i))

    def dues(self, first: int, end: int) -> NDArray[np.int64]:
        """When the hits from `first` up to but not including `end` are due."""
        return np.fromiter((self.due(i) for i in range(first, end)), np.int64, end - first)

    def due_count(self, elapsed_ns: int) -> int:
        """How many hits are due `elapsed_ns` after the start, that instant included; there must be a schedule."""
        assert self.pacer is not None, "an unlimited rate has no schedule"
        return self.share.count(self.pacer.hits(min(elapsed_ns + 1, self.duration_ns)))

    def by_second(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """The hits from `first` to `end` by the second in which they are due: when its first one is, and how many."""
        while first < end and self.pacer is not None:
            due = self.due(first)
            next_second = self.share.count(self.pacer.hits((due // SECOND + 1) * SECOND))
            yield due, min(end, next_second) - first
            first = next_second


@dataclass(frozen=True, slots=True)
class Payloads:
    """What an attacker sends.

    Attributes:
        make_request: the test type's.
        encode: how requests are written; the transport's.
        step_ns: with an unlimited rate, how far apart payloads are in their own time; 0: as far as they are sent.
        ahead: whether requests may be made before the responses to those before them have come.
        targets: what hits are; the targeter's.
        expected: the statuses that are successes; the targeter's.
        expected_of: the same for single targets; the targeter's.
        repeated: requests that are made again and again; the targeter's.
    """

    make_request: RequestMaker
    encode: Callable[[Any], Round]
    step_ns: int = 0
    ahead: bool = True
    targets: tuple[str, ...] = ()
    expected: frozenset[int] | None = None
    expected_of: Mapping[int, frozenset[int]] = field(default_factory=dict)
    repeated: Sequence[Sendable] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """The attacker's time: a clock, and alarms that ring by it."""

    clock: Clock
    make_alarm: AlarmMaker
