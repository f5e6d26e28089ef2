"""What the process does that is forked to evaluate a script: it confines itself, evaluates, and says what comes of it.

The limits are the kernel's, for what the budget cannot see: the interpreter asks the budget only between a thousand
steps of the script, and one step can take minutes or gigabytes.
"""

import ctypes
import faulthandler
import mmap
import os
import resource
import signal
import struct
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from load_starter.budget import Budget, Limits
from load_starter.frames import Broken, Ended, Frame, Opened, Planned, Printed, Refused, framed
from load_starter.plan import Plan
from load_starter.script import evaluate_file
from load_starter.trouble import ScriptError

OUT_OF_MEMORY: Final = ("memory allocation of", "out of memory", "capacity overflow", "len overflow")
"""How Rust says on standard error, or in a panic, that a value does not fit into memory."""

_GRACE_S: Final = 0.2  # the kernel's limit comes later than the budget's, which knows the line
_RESERVE: Final = (
    4  # the kernel counts what is reserved, the budget what is used: this part of the size is allowed more
)
_PR_SET_PDEATHSIG: Final = 1  # see prctl(2)


class Marks:
    """The line that a script has reached, in memory that a forked process shares, and that survives it."""

    _LAYOUT: Final = struct.Struct("=II")

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def reached(self, file: int, line: int) -> None:
        """Keep this line, which counts from 1, of the file with this number."""
        self._LAYOUT.pack_into(self._memory, 0, file, line)

    def last(self) -> tuple[int, int]:
        """The file and the line that were reached last; the line is 0 when there was none."""
        file, line = self._LAYOUT.unpack_from(self._memory)
        return file, line


@dataclass(slots=True)
class Evaluator:
    """Evaluates one script, and writes frames about it to the descriptor `output`; keeps `marks` when it has any."""

    path: Path
    load_server: str
    limits: Limits
    marks: Marks | None
    output: int
    _opened: int = field(default=0, init=False)

    def confine(self, parent: int, stderr: int) -> None:
        """Let the kernel end this process when it uses too much, or when the `parent` ends; to be called in a fork.

        Whatever is written to standard output and standard error goes to the descriptor `stderr`.
        """
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        os.environ["RUST_BACKTRACE"] = "0"  # a panic without memory would hang in its attempt to find names for it
        faulthandler.disable()  # it would write of a crash to where the parent wants it
        os.dup2(stderr, 1)
        os.dup2(stderr, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit_memory(self.limits.size_bytes + self.limits.size_bytes // _RESERVE)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, self.limits.seconds + _GRACE_S)

    def run(self) -> None:
        """Evaluate the script, and say what it comes to."""
        try:
            self._say(Planned.of(self._plan()))
        except ScriptError as error:
            self._say(Refused.of(error))
        except MemoryError:
            self._say_in_need(Ended(self.limits.out_of_memory))
        except BaseException as error:  # noqa: BLE001 - all of them are reported, and the interpreter's panics are no Exception
            self._say_in_need(self._described(error))

    def opened(self, name: str, source: str) -> int:
        """Say which file comes next; see `load_starter.script.Watcher`."""
        self._say(Opened(name, source))
        self._opened += 1
        return self._opened - 1

    def reached(self, file: int, line: int) -> None:
        """Keep the line; see `load_starter.script.Watcher`."""
        assert self.marks is not None, "only then there is a watcher"
        self.marks.reached(file, line)

    def _plan(self) -> Plan:
        return evaluate_file(
            self.path,
            self.load_server,
            lambda line: self._say(Printed(line)),
            Budget(self.limits),
            self if self.marks is not None else None,
        )

    def _described(self, error: BaseException) -> Frame:
        if any(words in str(error) for words in OUT_OF_MEMORY):
            return Ended(self.limits.out_of_memory)
        if type(error).__name__ == "PanicException":
            return Ended(f"the interpreter failed: {error}")
        return Broken("".join(traceback.format_exception(error)))

    def _say_in_need(self, frame: Frame) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        self._say(frame)

    def _say(self, frame: Frame) -> None:
        data = memoryview(framed(frame))
        while data:
            data = data[os.write(self.output, data) :]


def _limit_memory(size_bytes: int) -> None:
    """Let this process grow by so much, unless it may have less anyway."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    size = pages * mmap.PAGESIZE + size_bytes
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    smallest = min(limit for limit in (size, soft, hard) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, (smallest, hard))
