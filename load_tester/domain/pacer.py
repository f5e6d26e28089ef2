"""When each hit of an attack is due, in exact integer nanoseconds from the start of the attack."""

from dataclasses import dataclass
from typing import Protocol

from load_tester.domain.duration import SECOND


class Pacer(Protocol):
    """A schedule of hits."""

    def due(self, n: int) -> int:
        """When hit `n` (from 0) is due: nanoseconds from the start of the attack, never falling with `n`."""

    def rate(self, elapsed_ns: int) -> float:
        """The rate asked for at that instant of the attack, in hits per second."""

    def hits(self, duration_ns: int) -> int:
        """How many hits are due before `duration_ns`: the first one that is not is hit number `hits(duration_ns)`."""


@dataclass(frozen=True, slots=True)
class ConstantPacer:
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
