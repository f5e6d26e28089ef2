"""Evaluates a script in a process of its own, so that whatever the script does ends in bounded time and memory.

Within one process it would not: an allocation that fails aborts the interpreter, or unwinds it in the middle of
something; values that are nested without end overflow its stack; a single operation can take minutes, in which nothing
else gets to run.

Where a process was that has been ended is not known. But a script always does the same, so it is evaluated once more,
silently and watched: the line it reaches is kept in memory that outlives the process.
"""

import os
import select
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from load_starter.budget import Limits
from load_starter.evaluator import OUT_OF_MEMORY, Evaluator, Marks
from load_starter.frames import Broken, Ended, Frame, Opened, Planned, Printed, Refused, frames
from load_starter.plan import Place, Plan
from load_starter.trouble import ScriptError, error_at

_PATIENCE: Final = 6
"""How many times the seconds of computing may pass in silence: others may be busy on the machine, too."""
_SLOWNESS: Final = 3
"""How many times the seconds of computing a script gets when it is watched, unless they are what it lacks."""
_SOME: Final = 1 << 16  # bytes to read at once


class Crash(Exception):
    """The evaluation of a script has failed by no fault of the script."""


def evaluate_apart(
    path: Path, load_server: str, print_line: Callable[[str], None], limits: Limits | None = None
) -> Plan:
    """Evaluate the script at `path` as `load_starter.script.evaluate_file` does, within `limits` whatever it does.

    Raises:
        ScriptError: the script cannot be read, has an error, or does not end within its limits.
        Crash: it is not the script that has an error.
    """
    limits = limits or Limits()
    attempt = _Attempt(limits, print_line)
    attempt.run(path, load_server)
    if attempt.failure:
        raise _located(attempt.failure, path, load_server, limits)
    if attempt.error:
        raise attempt.error
    assert attempt.plan is not None, "there is a plan, an error or a failure"
    return attempt.plan


def _located(failure: str, path: Path, load_server: str, limits: Limits) -> ScriptError:
    """The error for a failure at the line where it happens, or for the whole file when it does not happen again."""
    marks = Marks()
    more = 1 if failure == limits.out_of_time else _SLOWNESS
    again = _Attempt(replace(limits, seconds=limits.seconds * more), lambda _: None)
    again.run(path, load_server, marks)
    if again.error and again.error.message == failure:
        return again.error
    file, line = marks.last()
    if line and again.failure == failure:
        return error_at(failure, Place(list(again.sources)[file], line), again.sources)
    return ScriptError(failure, str(path))


@dataclass(slots=True)
class _Attempt:
    """One process that evaluates a script, and what is learnt from it: a plan, or an error, or why there is neither."""

    limits: Limits
    print_line: Callable[[str], None]
    plan: Plan | None = None
    error: ScriptError | None = None
    failure: str = ""
    sources: dict[str, str] = field(default_factory=dict)

    def run(self, path: Path, load_server: str, marks: Marks | None = None) -> None:
        """Start the process, and follow it to its end."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        stderr = os.memfd_create("stderr")
        evaluator = Evaluator(path, load_server, self.limits, marks, writer)
        pid = status = 0
        try:
            with _interrupts_deferred():
                pid = _forked(evaluator, stderr)
            os.close(writer)
            self._follow(reader)
        finally:
            if pid:
                os.kill(pid, signal.SIGKILL)  # changes nothing for one that has ended and is only waited for
                _, status = os.waitpid(pid, 0)
            complaint = os.pread(stderr, _SOME, 0).decode(errors="replace")
            os.close(stderr)
            os.close(reader)
        if not (self.plan or self.error or self.failure):
            self.failure = _explained(os.waitstatus_to_exitcode(status), complaint, self.limits)

    def _follow(self, reader: int) -> None:
        poll = select.poll()
        poll.register(reader, select.POLLIN)

        def receive() -> bytes:
            if poll.poll(self.limits.seconds * _PATIENCE * 1000):
                return os.read(reader, _SOME)
            self.failure = self.limits.out_of_time
            return b""

        for frame in frames(receive):
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        match frame:
            case Printed():
                self.print_line(frame.line)
            case Opened():
                self.sources[frame.name] = frame.source
            case Planned():
                self.plan = frame.plan()
            case Refused():
                self.error = frame.error()
            case Ended():
                self.failure = frame.reason
            case Broken():
                raise Crash(frame.report)


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Ctrl-C is for this process, which then ends its child; it must not come where the child is not known yet."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forked(evaluator: Evaluator, stderr: int) -> int:
    """Start a process that does nothing but evaluate; returns its id."""
    parent = os.getpid()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads. Those that there are belong to numpy, which computes nothing here.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        try:
            evaluator.confine(parent, stderr)
            evaluator.run()
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def _explained(exit_code: int, complaint: str, limits: Limits) -> str:
    """Why a process has ended without a word, from its exit status (negative for a signal) and its standard error."""
    if exit_code == -signal.SIGPROF:
        return limits.out_of_time
    if any(words in complaint for words in OUT_OF_MEMORY):
        return limits.out_of_memory
    if exit_code in (-signal.SIGSEGV, -signal.SIGBUS):
        return "the interpreter has run out of stack: is a value nested without end?"
    if exit_code < 0:
        return f"the interpreter was ended by {signal.Signals(-exit_code).name}"
    return f"the interpreter ended with status {exit_code}: {complaint.strip()[-200:]}"
