"""Ctrl-C and its relatives: the first asks for an orderly end, the second does not ask."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED: Final = 130
"""The exit status of a program that was ended by Ctrl-C."""


@contextmanager
def interruptions() -> Iterator[asyncio.Event]:
    """An event that the first of `SIGNALS` sets; the second one ends the process at once with status 130.

    To be used in the main thread, inside of the event loop.
    """
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()

    def interrupt() -> None:
        if interrupted.is_set():
            show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
            sys.stderr.write(f"{show_cursor}\nended at once\n")
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        interrupted.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, interrupt)
    try:
        yield interrupted
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
