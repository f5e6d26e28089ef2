"""When each hit of an attack is due, in exact integer nanoseconds from the start of the attack."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol, Self

import msgspec
import numpy as np

from load_tester.domain.duration import SECOND


class Pacer(Protocol):
    """A schedule of hits."""

    def due(self, n: int) -> int:
        """When hit `n` (from 0) is due: nanoseconds from the start of the attack, never falling with `n`."""

    def rate(self, elapsed_ns: int) -> float:
        """The rate asked for at that instant of the attack, in hits per second."""

    def hits(self, duration_ns: int) -> int:
        """How many hits are due before `duration_ns`: the first one that is not is hit number `hits(duration_ns)`."""

    def peak(self) -> float:
        """The highest rate there is at any time, in hits per second: what the workers must be able to send."""


class ConstantPacer(msgspec.Struct, frozen=True, tag="constant"):
    """`num_messages` hits in every `per_ns` nanoseconds, evenly spaced: hit n is due at ⌊n · per / num_messages⌋.

    Exact at every n: there is no interval that could be rounded and then summed up.

    Raises:
        ValueError: `num_messages` or `per_ns` is not positive.
    """

    num_messages: int
    per_ns: int

    def __post_init__(self) -> None:
        if self.num_messages <= 0 or self.per_ns <= 0:
            raise ValueError(f"a rate needs positive numbers, not {self.num_messages} per {self.per_ns} ns")

    def due(self, n: int) -> int:
        """⌊n · per / num_messages⌋ nanoseconds."""
        return n * self.per_ns // self.num_messages

    def rate(self, elapsed_ns: int) -> float:
        """The same at every instant."""
        del elapsed_ns
        return self.num_messages * SECOND / self.per_ns

    def hits(self, duration_ns: int) -> int:
        """⌈duration · num_messages / per⌉: the smallest n with due(n) ≥ duration.

        due(n) ≥ d ⟺ n · per / num ≥ d (d is an integer, so the floor changes nothing) ⟺ n ≥ d · num / per.
        """
        return max(0, -(-duration_ns * self.num_messages // self.per_ns))

    def peak(self) -> float:
        """The same rate."""
        return self.rate(0)


class TracePacer(msgspec.Struct, frozen=True, tag="trace", dict=True):
    """Hits at recorded instants: hit n is due at the nth of them. Made by `of`.

    `instants` are nanoseconds from the start, little-endian int64, none below the one before it. What is asked of it
    beyond the trace (`due` of a hit that is not in it) raises `IndexError`.
    """

    instants: bytes

    @classmethod
    def of(cls, instants_ns: Iterable[int]) -> Self:
        """The schedule with these instants, in nanoseconds from the start.

        Raises:
            ValueError: there is none, one is negative, or one is before the one before it.
        """
        dues = np.fromiter(instants_ns, "<i8")
        if not dues.size or dues[0] < 0:
            raise ValueError("a trace needs an instant, and none before its start")
        if (np.diff(dues) < 0).any():
            raise ValueError("the instants of a trace must not go back")
        return cls(dues.tobytes())

    @cached_property
    def _dues(self) -> Sequence[int]:
        """An array of Python's own: looking up one number in it takes a third of the time it takes in one of numpy."""
        return array("q", np.frombuffer(self.instants, "<i8").astype(np.int64).tobytes())

    @property
    def end_ns(self) -> int:
        """Just behind the last hit: with this duration all of them are sent."""
        return self._dues[-1] + 1

    def due(self, n: int) -> int:
        """The recorded instant."""
        return self._dues[n]

    def rate(self, elapsed_ns: int) -> float:
        """How many hits are due within the second around that instant."""
        low = max(0, elapsed_ns - SECOND // 2)
        return float(self.hits(low + SECOND) - self.hits(low))

    def hits(self, duration_ns: int) -> int:
        """How many instants are before it."""
        return bisect_left(self._dues, duration_ns)

    def peak(self) -> float:
        """The most hits that are due within any second that begins with one."""
        dues = np.frombuffer(self.instants, "<i8")
        return float((np.searchsorted(dues, dues + SECOND) - np.arange(dues.size)).max())


Pacing = ConstantPacer | TracePacer
"""The schedules there are, as they travel."""


@dataclass(frozen=True, slots=True)
class Share:
    """One worker's part of a schedule: the hits `first`, `first + step`, `first + 2·step` … of the whole attack.

    With worker k of m holding the share (k, m), the shares are disjoint and complete, whatever the pacer.
    """

    first: int
    step: int

    def seq(self, i: int) -> int:
        """The number within the whole attack of this share's hit number `i`."""
        return self.first + i * self.step

    def count(self, hits: int) -> int:
        """How many of the first `hits` hits of the attack are in this share."""
        return max(0, -(-(hits - self.first) // self.step))

    def after(self, hits: int) -> "Share":
        """What is left of this share behind the first `hits` hits of the attack."""
        return Share(self.seq(self.count(hits)), self.step)


ALL_HITS: Final = Share(0, 1)
"""The share of a single worker."""
