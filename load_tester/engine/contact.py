"""What is known of a Kafka cluster: whether records can be sent to it, and if not, why."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from load_tester.domain.metrics import ErrorKind

RETRY_S: Final = 0.5
ALL_GONE: Final = "_ALL_BROKERS_DOWN"

_KINDS: Final = {"_RESOLVE": ErrorKind.RESOLVE, "_SSL": ErrorKind.TLS}
_STATISTICS: Final = re.compile(r" \(after \d+ms in state .*\)$")


class Trouble(NamedTuple):
    """Why no record can be sent."""

    kind: ErrorKind
    message: str


Probe = Callable[[], Trouble | None]
"""Looks at the cluster; `None`: it is in order."""


class Listener(Protocol):
    """Who wants to know."""

    def up(self) -> None:
        """Records can be sent."""

    def down(self, kind: ErrorKind, message: str) -> None:
        """No record can be sent; comes again when the reason changes."""


def trouble_of(name: str, text: str) -> Trouble:
    """What an error of librdkafka's about a broker means; `name` is what it calls it."""
    reason = _STATISTICS.sub("", text)
    if name == "_TRANSPORT" and "Connection refused" in reason:
        return Trouble(ErrorKind.REFUSED, reason)
    if name == "_BAD_MSG":
        return Trouble(ErrorKind.CONNECT, f"{reason} (is it a Kafka broker?)")
    return Trouble(_KINDS.get(name, ErrorKind.CONNECT), reason)


class Contact:
    """Looks at the cluster until it is in order, and again when all of its brokers are gone.

    Looking takes long where something is wrong, so it is done in a thread; all else is called in the loop.

    Args:
        probe: looks; returns what is wrong. Called in the thread.
        listener: told of every change.
        loop: where that is done.
        retry_s: how long after a look that found something wrong the next one begins.
    """

    def __init__(
        self, probe: Probe, listener: Listener, loop: asyncio.AbstractEventLoop, retry_s: float = RETRY_S
    ) -> None:
        self._probe = probe
        self._listener = listener
        self._loop = loop
        self._retry_s = retry_s
        self._is_lost = False
        self._losses = 0
        self._reason: Trouble | None = None
        self._is_closed = False
        self._wanted = threading.Event()
        self._wanted.set()
        threading.Thread(target=self._look, name="kafka-contact", daemon=True).start()

    def heard(self, name: str, text: str) -> None:
        """Librdkafka has told of an error; one of a single broker is only the reason for what may follow."""
        if self._is_closed:
            return
        if name == ALL_GONE:
            self._is_lost = True
            self._losses += 1
            self._wanted.set()
        else:
            self._reason = trouble_of(name, text)
        if self._is_lost:
            self._listener.down(*(self._reason or Trouble(ErrorKind.CONNECT, text)))

    def close(self) -> None:
        """Nothing is told any more, and the thread ends when it has looked for the last time."""
        self._is_closed = True
        self._wanted.set()

    def _judge(self, losses: int, trouble: Trouble | None) -> None:
        """Tell what a look has found, unless the cluster was lost since it began: then another look is on its way."""
        if self._is_closed or losses != self._losses:
            return
        if trouble is None:
            self._is_lost, self._reason = False, None
            self._listener.up()
        else:
            self._listener.down(*((self._is_lost and self._reason) or trouble))
            self._loop.call_later(self._retry_s, self._wanted.set)

    def _look(self) -> None:
        """The thread."""
        while True:
            self._wanted.wait()
            if self._is_closed:
                return
            self._wanted.clear()
            losses = self._losses
            trouble = self._probe()
            with contextlib.suppress(RuntimeError):  # the loop may be closed after `close`; then nobody wants to know
                self._loop.call_soon_threadsafe(self._judge, losses, trouble)
