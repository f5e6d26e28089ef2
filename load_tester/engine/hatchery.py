"""The control process's side of the nursery: asks it for workers and holds the links to them."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from typing import Final

from load_tester.domain.pacer import Share
from load_tester.engine import frames
from load_tester.engine.interface import AttackRefused
from load_tester.engine.nursery import PID_BYTES, SINGLE_THREADED

HATCH_LIMIT_S: Final = 30.0
"""A nursery that has not answered after this long (its first start imports everything) is given up."""


class WorkerLink:
    """The control process's end of a worker's socket, and the account of what came over it.

    Owned by the attack: `planned`, `ended` and `open` add up what the worker has reported of its hits and connections,
    `in_flight` is its last reading, `in_flight_at_stop` the one that came with its confirmation of a stop. `quiet` is
    set when it sends no further hit: it has confirmed a stop, or ended.
    """

    def __init__(self, pid: int, share: Share, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.share = share
        self.planned = 0
        self.ended = 0
        self.open = 0
        self.in_flight = 0
        self.in_flight_at_stop = 0
        self.quiet = asyncio.Event()
        self._reader = reader
        self._writer = writer

    def send(self, message: frames.ToWorker) -> None:
        """Send a message; a worker that has ended does not mind."""
        if not self._writer.is_closing():
            self._writer.write(frames.encode(message))

    async def receive(self) -> frames.FromWorker:
        """The worker's next message.

        Raises:
            EOFError, ConnectionError: the worker has ended.
        """
        message: frames.FromWorker = frames.from_worker.decode(await frames.read(self._reader))
        return message

    def kill(self) -> None:
        """End the worker at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Close the socket, which ends the worker if it has not ended yet."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Hatchery:
    """Starts the nursery when needed, again if it died, and gets workers from it."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = tuple(argv)
        self._nursery: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._asking = asyncio.Lock()

    @property
    def pid(self) -> int:
        """The process id of the nursery; 0 when it does not run."""
        return self._nursery.pid if self._nursery is not None else 0

    async def open(self) -> None:
        """Start the nursery and see it fork: afterwards workers are there in milliseconds.

        Raises:
            AttackRefused: it cannot be started.
        """
        link = await self.hatch(Share(0, 1))
        await link.close()

    async def hatch(self, share: Share) -> WorkerLink:
        """A fresh worker, waiting for its plan.

        Raises:
            AttackRefused: there is none to be had; the message says why.
        """
        ours, theirs = socket.socketpair()
        try:
            async with self._asking:
                pid = await asyncio.to_thread(self._ask, theirs)
        except OSError as error:
            ours.close()
            raise AttackRefused(f"no attack worker could be started: {error}") from error
        finally:
            theirs.close()
        ours.setblocking(False)  # the method takes it by position only
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=frames.MAX_FRAME_BYTES)
        return WorkerLink(pid, share, reader, writer)

    async def close(self) -> None:
        """End the nursery."""
        async with self._asking:
            self._end()

    def _ask(self, descriptor: socket.socket) -> int:
        """Have a worker forked on a descriptor; a nursery that has died meanwhile is started again, once."""
        if self._nursery is None or self._nursery.poll() is not None:
            self._begin()
        try:
            return self._fork(descriptor)
        except OSError:
            self._begin()
            return self._fork(descriptor)

    def _fork(self, descriptor: socket.socket) -> int:
        assert self._control is not None, "the nursery was started"
        socket.send_fds(self._control, [b"f"], [descriptor.fileno()])
        answer = self._control.recv(PID_BYTES, socket.MSG_WAITALL)
        if len(answer) < PID_BYTES:
            raise ConnectionError("the nursery of the attack workers ended; its own message is above")
        return int.from_bytes(answer)

    def _begin(self) -> None:
        self._end()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(HATCH_LIMIT_S)
        with theirs:
            self._nursery = subprocess.Popen(  # noqa: S603  # the command line is our own
                [*self._argv, str(theirs.fileno())], pass_fds=[theirs.fileno()], env={**os.environ, **SINGLE_THREADED}
            )

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._nursery is not None:
            self._nursery.wait()
            self._nursery = None
