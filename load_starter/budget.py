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


def peak_memory() -> int:
    """The largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass(slots=True)
class Budget:
    """The limits of one evaluation, which asks `is_spent` again and again while it computes.

    `seconds` are seconds of computing as `clock` counts them, `size_bytes` is what the process may grow by as `memory`
    reports it, `max_calls` is how deep calls may be nested (above 10 000 the interpreter's own stack is in danger).
    """

    seconds: float = 10.0
    size_bytes: int = 1 << 30
    max_calls: int = 1_000
    clock: Callable[[], float] = time.thread_time
    memory: Callable[[], int] = peak_memory
    reason: str = ""
    """Why the evaluation was ended; empty as long as it was not."""
    _deadline: float = field(init=False)
    _ceiling: int = field(init=False)

    def __post_init__(self) -> None:
        self._deadline = self.clock() + self.seconds
        self._ceiling = self.memory() + self.size_bytes

    def is_spent(self) -> bool:
        """Whether the evaluation has to end now."""
        if self.clock() > self._deadline:
            self.reason = f"gave up after {self.seconds:g} s of computing: is there a loop that does not end?"
        elif self.memory() > self._ceiling:
            self.reason = (
                f"gave up after using {self.size_bytes >> 20} MiB of memory: is there a loop that does not end?"
            )
        return bool(self.reason)
