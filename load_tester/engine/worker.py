"""The attack worker: one process, one event loop, one share of one attack.

It is told what to do over a socket (see `frames`), reports over the same socket, and ends when the attack has ended or
when the socket is closed from the other side, whatever it is doing then.
"""

import asyncio
import contextlib
import gc
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any, Final

import uvloop

from load_tester.domain.duration import SECOND
from load_tester.domain.files import CarriedFiles
from load_tester.domain.pacer import Share
from load_tester.domain.project import provider_of
from load_tester.domain.request import Observer, Response, Targeter
from load_tester.domain.test_type import BuildContext, Registry, Transport
from load_tester.engine import clock, frames
from load_tester.engine.assignment import Assignment, Payloads, Timing
from load_tester.engine.attacker import Attacker
from load_tester.engine.http import HttpTransport
from load_tester.engine.kafka import KafkaTransport
from load_tester.engine.transport import TransportMaker
from load_tester.engine.warmup import warm_up

BOOK_INTERVAL_S: Final = 0.02
BOOK_AT_LEAST: Final = 1_000
"""Fewer events than this wait for the next snapshot: booking has a fixed cost of about 0.1 ms."""
SNAPSHOT_INTERVAL_S: Final = 0.2
SATURATED: Final = 0.95
MAX_UNSENT_BYTES: Final = 1024 * 1024
"""With more than this waiting to be read by the control process, snapshots are put off; what they hold adds up."""
UNLIMITED_PAYLOAD_STEP_NS: Final = 1_000
"""With a seed and an unlimited rate, payloads are a microsecond apart: nothing else is the same in every run."""

_TRANSPORTS: Final[dict[Transport, TransportMaker]] = {"http": HttpTransport, "kafka": KafkaTransport}


def serve(sock: socket.socket, registry: Registry) -> None:
    """Be a worker: run the one attack that is planned over the socket, then return."""
    _end_with(sock)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sock, registry))


def _end_with(sock: socket.socket) -> None:
    """End the process as soon as the other side closes the socket, even in the middle of a payload generator."""

    def watch() -> None:
        poller = select.poll()
        poller.register(sock.fileno(), select.POLLRDHUP | select.POLLHUP)
        poller.poll()
        os._exit(1)

    threading.Thread(target=watch, name="end-with-control", daemon=True).start()


async def _serve(sock: socket.socket, registry: Registry) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=sock, limit=frames.MAX_FRAME_BYTES)
    plan = frames.to_worker.decode(await frames.read(reader))
    assert isinstance(plan, frames.Plan), "the first frame is the plan"
    try:
        shift = _Shift(plan, registry, writer)
    except Exception as error:  # noqa: BLE001  # a test type may raise anything; the run must say what
        writer.write(frames.encode(frames.Ready(refusal=f"{type(error).__name__}: {error}")))
    else:
        warm_up()
        # Whatever exists now lives as long as the process; looking through it again and again would only cause pauses.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        writer.write(frames.encode(frames.Ready()))
        await shift.work(reader)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class _Shift:
    """A worker's work on one attack: owns the attacker and reports on it."""

    def __init__(self, plan: frames.Plan, registry: Registry, writer: asyncio.StreamWriter) -> None:
        order = plan.order
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_defect)
        self._done = self._loop.create_future()
        self._failure: str | None = None
        self._reported_messages: set[str] = set()
        self._cpu_ns = self._wall_ns = 0
        targeter = _targeter(plan, registry)
        observe = None if targeter.observe is None else self._watch_over(targeter.observe)
        self._transport = transport = _TRANSPORTS[order.transport](order, observe)
        step_ns = UNLIMITED_PAYLOAD_STEP_NS if order.pacer is None and order.epoch_ns is not None else 0
        self._attacker = Attacker(
            Assignment(
                order.pacer, Share(plan.first, plan.step), order.duration_ns, order.timeout_ns, plan.max_connections
            ),
            Payloads(
                targeter.request,
                transport.encode,
                step_ns,
                ahead=targeter.observe is None,
                targets=targeter.targets,
                expected=targeter.expected,
                expected_of=targeter.expected_of,
                repeated=targeter.repeated,
            ),
            Timing(clock.monotonic_ns, clock.make_alarm),
            make_dialer=transport.dialer,
            on_done=self._end,
            on_failure=self._fail,
        )
        self._epoch_ns = order.epoch_ns

    async def work(self, reader: asyncio.StreamReader) -> None:
        """Run the attack from the start frame to its end."""
        listening = asyncio.ensure_future(self._listen(reader))
        try:
            await asyncio.wait((listening, self._done), return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                listening.result()
        finally:
            listening.cancel()
            self._attacker.close()
            self._transport.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            message = frames.to_worker.decode(await frames.read(reader))
            match message:
                case frames.Start(at_unix_ns):
                    self._start(at_unix_ns)
                case frames.Stop(grace_ns):
                    in_flight = self._attacker.stop()
                    self._writer.write(frames.encode(frames.Stopped(in_flight)))
                    self._loop.call_later(grace_ns / SECOND, self._attacker.abort)
                case frames.Plan():
                    raise AssertionError("a worker is planned once")

    def _start(self, at_unix_ns: int) -> None:
        self._wall_ns, self._cpu_ns = clock.monotonic_ns(), time.thread_time_ns()
        epoch_ns = at_unix_ns if self._epoch_ns is None else self._epoch_ns
        self._attacker.start(clock.monotonic_from_unix(at_unix_ns), epoch_ns)
        self._loop.call_later(BOOK_INTERVAL_S, self._book)
        self._loop.call_later(SNAPSHOT_INTERVAL_S, self._report)

    def _book(self) -> None:
        pending = self._attacker.recorder.pending
        if pending >= BOOK_AT_LEAST:
            self._attacker.recorder.flush()
        if not self._done.done():
            # With little to book the next snapshot does it: waking up for nothing costs as much as a hit.
            self._loop.call_later(
                BOOK_INTERVAL_S if pending >= BOOK_AT_LEAST // 10 else SNAPSHOT_INTERVAL_S, self._book
            )

    def _report(self) -> None:
        if self._done.done():
            return
        if self._writer.transport.get_write_buffer_size() < MAX_UNSENT_BYTES:
            self._snapshot(done=False)
        self._loop.call_later(SNAPSHOT_INTERVAL_S, self._report)

    def _snapshot(self, *, done: bool) -> None:
        attacker = self._attacker
        attacker.book()
        news = {k: m for k, m in attacker.recorder.messages.items() if k not in self._reported_messages}
        self._reported_messages.update(news)
        snapshot = frames.Snapshot(
            seconds=attacker.recorder.take(),
            open=attacker.open,
            in_flight=attacker.in_flight,
            waiting=attacker.waiting,
            saturated_ns=self._saturated_ns(),
            messages=news,
            done=done,
            failure=self._failure,
        )
        self._writer.write(frames.encode(snapshot))

    def _saturated_ns(self) -> int:
        """The time since the last call, if the loop used almost all of a core in it.

        Other threads are not counted: those of librdkafka have cores of their own.
        """
        wall_ns, cpu_ns = clock.monotonic_ns(), time.thread_time_ns()
        wall, cpu = wall_ns - self._wall_ns, cpu_ns - self._cpu_ns
        self._wall_ns, self._cpu_ns = wall_ns, cpu_ns
        return wall if cpu >= SATURATED * wall else 0

    def _fail(self, message: str) -> None:
        self._failure = message
        self._give_up()

    def _give_up(self) -> None:
        self._attacker.stop()
        self._attacker.abort()

    def _watch_over(self, observe: Observer) -> Observer:
        """The test type's observer, which may raise anything; then the run must end and say what."""

        def observe_or_fail(response: Response) -> str | None:
            try:
                return observe(response)
            except Exception as error:  # noqa: BLE001  # a test type may raise anything
                if self._failure is None:
                    what = f"{type(error).__name__}: {error}"
                    self._failure = f"the response to hit {response.seq} could not be observed: {what}"
                    # Not at once: the hit has been answered and is about to be booked as that.
                    self._loop.call_soon(self._give_up)
                return None

        return observe_or_fail

    def _on_defect(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback of ours raised: end the run as failed rather than carry on with figures nobody can trust."""
        if self._failure is None:
            loop.default_exception_handler(context)
            self._fail(f"defect in the attack worker: {context.get('exception') or context['message']!r}")

    def _end(self) -> None:
        self._snapshot(done=True)
        self._done.set_result(None)


def _targeter(plan: frames.Plan, registry: Registry) -> Targeter:
    order = plan.order
    test_type = registry[order.test_type]
    build: Callable[[Any, BuildContext], Targeter] = test_type.build
    context = BuildContext(
        Random(plan.random_seed),
        provider_of(order.projects),
        Share(plan.first, plan.step),
        CarriedFiles(order.files),
        order.target_url,
    )
    return build(test_type.decode(order.params), context)
