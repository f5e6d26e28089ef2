"""Where attack workers come from: a process that has everything imported and forks a worker when asked.

A new Python process needs a third of a second before its first line of ours; a fork needs milliseconds, shares its
memory with its siblings, and starts every attack from the same clean state. The nursery has no threads and no event
loop, which is what makes forking it safe.
"""

import gc
import os
import resource
import signal
import socket
import sys
import traceback
from typing import Final, NoReturn

from load_tester.domain.test_type import Registry
from load_tester.engine import worker
from load_tester.engine.warmup import warm_up

SINGLE_THREADED: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment for the nursery: numpy must not start threads of its own before a fork."""

PID_BYTES: Final = 8


def main(registry: Registry) -> NoReturn:
    """Serve the socket whose descriptor is the last argument: for each descriptor received, fork a worker on it.

    Answers each with the worker's process id in eight bytes, big-endian. Ends when the socket is closed.
    """
    control = socket.socket(fileno=int(sys.argv[-1]))
    # Ctrl-C in a terminal reaches every process of the group, but only the control process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    warm_up()
    gc.collect()
    gc.freeze()
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not request:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            control.close()
            _be_worker(descriptors[0], registry)
        os.close(descriptors[0])
        control.sendall(pid.to_bytes(PID_BYTES))


def _be_worker(descriptor: int, registry: Registry) -> NoReturn:
    status = 1
    try:
        worker.serve(socket.socket(fileno=descriptor), registry)
        status = 0
    except (ConnectionError, EOFError):
        pass  # the control process has gone; there is nobody to tell
    except BaseException:  # noqa: BLE001  # a forked child must never return into the nursery's loop
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
