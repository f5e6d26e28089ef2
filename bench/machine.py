"""What the kernel says of processes, and the cores that measurements are pinned to (Linux: `/proc`, `taskset`)."""

import os
import shutil
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from bench.row import NotRun

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER_TICKS, _SYSTEM_TICKS = 1, 11, 12  # of `/proc/PID/stat`, counted behind the name
LOCALHOST: Final = "127.0.0.1"


def two_cores() -> tuple[int, int]:
    """A core for what sends, and another one for what answers.

    Raises:
        NotRun: this process may use one core only, or `taskset` is missing.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise NotRun("it needs two cores, and there is one")
    if shutil.which("taskset") is None:
        raise NotRun("taskset (Debian: util-linux) is not installed")
    return cores[0], cores[1]


def pinned(core: int, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` on one core only."""
    return ["taskset", "--cpu-list", str(core), *argv]


def cpu_s(pid: int) -> float:
    """The processor time that a process has used, in seconds; 0 when it has ended."""
    fields = _stat(pid)
    return (int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / _TICKS_PER_S if fields else 0.0


def rss_bytes(pid: int) -> int:
    """The memory of a process that is resident, in bytes; 0 when it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def descendants(pid: int) -> dict[int, int]:
    """The processes below `pid`, each with its parent."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[_PARENT])
    below = {pid}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    return {child: parents[child] for child in below if child != pid}


def workers_below(pid: int) -> list[int]:
    """The attack workers of a control process: forks of their parent, the nursery, hence with its command line."""
    below = descendants(pid).items()
    return sorted(child for child, parent in below if parent != pid and _argv(child) == _argv(parent) != b"")


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as sock:
        sock.bind((LOCALHOST, 0))
        port: int = sock.getsockname()[1]
        return port


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` behind the name, which may hold anything; empty when the process has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _argv(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
