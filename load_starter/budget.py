"""What the evaluation of a script may use: time, memory, nested calls. Scripts cannot loop for ever."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

MAX_LENGTH: Final = 64_000_000
"""How long one operator may make a string, list or tuple."""
MAX_RANGE: Final = 10_000_000
"""How many numbers one `range` may have."""
MAX_BITS: Final = 100_000
"""How large a whole number may be: multiplying much larger ones takes minutes, in which nothing can be asked."""


def peak_memory() -> int:
    """The largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may use.

    `seconds` are seconds of computing, `size_bytes` is what the process may grow by, `max_calls` is how deep calls may
    be nested (above 10 000 the interpreter's own stack is in danger).
    """

    seconds: float = 10.0
    size_bytes: int = 1 << 30
    max_calls: int = 1_000

    @property
    def out_of_time(self) -> str:
        """What to say of a script that has computed for too long."""
        return f"gave up after {self.seconds:g} s of computing: is there a loop that does not end?"

    @property
    def out_of_memory(self) -> str:
        """What to say of a script that has grown too large."""
        return f"gave up after using {self.size_bytes >> 20} MiB of memory: is there a loop that does not end?"


@dataclass(slots=True)
class Budget:
    """What is left of the limits of one evaluation, which asks `is_spent` again and again while it computes.

    Time is counted by `clock` and memory reported by `memory`, both from `begin` on.
    """

    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.thread_time
    memory: Callable[[], int] = peak_memory
    reason: str = ""
    """Why the evaluation was ended; empty as long as it was not."""
    _deadline: float = field(init=False, default=0.0)
    _ceiling: int = field(init=False, default=0)

    def begin(self) -> None:
        """Count from now on."""
        self._deadline = self.clock() + self.limits.seconds
        self._ceiling = self.memory() + self.limits.size_bytes

    def is_spent(self) -> bool:
        """Whether the evaluation has to end now."""
        if self.clock() > self._deadline:
            self.reason = self.limits.out_of_time
        elif self.memory() > self._ceiling:
            self.reason = self.limits.out_of_memory
        return bool(self.reason)
