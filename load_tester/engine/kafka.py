"""Kafka as a transport: records by librdkafka's producer, through confluent-kafka, which is an optional extra.

Two threads help. One sleeps inside of librdkafka until acknowledgements come: it takes their instant and hands them to
the event loop. Polling from the loop instead would make latencies longer by half of the interval between two polls, and
keep the processor busy while slow brokers are waited for. The other one asks for metadata until the cluster can be
reached, at the start and whenever all of its brokers are gone.

Measured on two cores with a broker on loopback, median latency: 102 µs at 1 000/s and 91 µs at 20 000/s with the
thread, 138 µs and 120 µs polled every 100 µs, for the same processor time. The hand-over to the loop, 10 to 50 µs, is
in none of them: the instant is taken before.

What librdkafka is told, besides the parameters of the test type: every record is sent once (no retries; only a record
that a broker did not take because another one leads its partition goes to that one), to a partition chosen by its key
or at random, and is given up when the time of its hit is over. Brokers are connected to from the start, while the
worker gets ready; the first records may still have to wait for that.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from load_tester.domain.attack import Order, Tls
from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.metrics import ErrorKind
from load_tester.domain.request import Observer, Record
from load_tester.engine.clock import monotonic_ns
from load_tester.engine.contact import Contact, Trouble
from load_tester.engine.end_code import mark
from load_tester.engine.slot import DeliveryError, OnDelivery, Slot, SlotDialer
from load_tester.engine.transport import DialOwner, Round

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

POLL_S: Final = 0.1
"""The thread that polls looks this often whether it is still needed."""
LEADERLESS_S: Final = 0.05
"""How long after a look at a topic that has no leader yet the next one begins: it is being made."""
MAX_BATCH_BYTES: Final = 1_000_000_000
"""The most there is: how large a record may be, the broker decides."""
MAX_RECORDS: Final = 10_000_000
MAX_QUEUE_KBYTES: Final = 2_147_483_647
"""The most there is: how many records may be in flight, `max_connections` decides."""
MAX_REQUEST_TIMEOUT_MS: Final = 900_000


def producer_config(target: KafkaTarget, timeout_ns: int, tls: Tls) -> dict[str, Any]:
    """What librdkafka is told; see its CONFIGURATION.md."""
    timeout_ms = -(-timeout_ns // MILLISECOND)  # rounded up: the attacker gives a hit up first, and books it
    config = {
        "bootstrap.servers": ",".join(target.brokers),
        "acks": target.acks,
        "compression.type": target.compression,
        "linger.ms": target.linger_ns / MILLISECOND,
        "message.timeout.ms": timeout_ms,
        "request.timeout.ms": min(timeout_ms, MAX_REQUEST_TIMEOUT_MS),
        "retries": 0,
        "enable.idempotence": False,
        "allow.auto.create.topics": False,
        "sticky.partitioning.linger.ms": 0,
        "message.max.bytes": MAX_BATCH_BYTES,
        "queue.buffering.max.messages": MAX_RECORDS,
        "queue.buffering.max.kbytes": MAX_QUEUE_KBYTES,
        "socket.nagle.disable": True,
        "enable.sparse.connections": False,
        # Otherwise the list of brokers is started anew when all are gone, a thousand times a second.
        "metadata.recovery.strategy": "none",
        "reconnect.backoff.max.ms": 500,
        "log_level": 0,  # what goes wrong is told by `error_cb`
    }
    return config | (_tls_config(tls) if target.tls else {})


def _tls_config(tls: Tls) -> dict[str, Any]:
    config: dict[str, Any] = {"security.protocol": "ssl", "enable.ssl.certificate.verification": tls.verify}
    if not tls.verify:
        config["ssl.endpoint.identification.algorithm"] = "none"
    return config | ({} if tls.ca_pem is None else {"ssl.ca.pem": tls.ca_pem})


class KafkaTransport:
    """See `transport.Transport`.

    Raises:
        ImportError: the extra is not installed.
        ValueError: the test type wants to observe responses.
        confluent_kafka.KafkaException: librdkafka does not accept the configuration.
    """

    def __init__(self, order: Order, observe: Observer | None) -> None:
        import confluent_kafka  # noqa: PLC0415  # an optional extra, which most attacks do without

        if observe is not None:
            raise ValueError("acknowledgements of Kafka cannot be observed: there is nothing in them")
        assert order.kafka is not None, "an order for this transport names its cluster"
        self._kafka = confluent_kafka
        self._topics = order.kafka.topics
        self._timeout_s = order.timeout_ns / SECOND
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[tuple[Slot, KafkaError | None, int]] = deque()
        self._closing = threading.Event()
        self._producer = confluent_kafka.Producer(
            {**producer_config(order.kafka, order.timeout_ns, order.tls), "error_cb": self._on_error}
        )
        self._produce = self._producer.produce
        self._dialer: SlotDialer
        self._contact: Contact

    @staticmethod
    def encode(record: Record) -> Round:
        """See `transport.Transport`. The key and the headers of a record count as little as the headers of HTTP."""
        return Round(record, False, len(record.value), mark(record.target))

    def dialer(self, owner: DialOwner) -> SlotDialer:
        """See `transport.Transport`; there is one for each transport."""
        self._dialer = SlotDialer(owner, lambda dialer: Slot(dialer, self._send, self._report), self._loop.call_soon)
        self._contact = Contact(self._probe, self._dialer, self._loop)
        threading.Thread(target=self._poll, name="kafka-reports", daemon=True).start()
        return self._dialer

    def close(self) -> None:
        """See `transport.Transport`. Records that have not been sent yet never are."""
        self._closing.set()
        self._contact.close()
        self._producer.purge(blocking=False)

    # What slots call

    def _send(self, record: Record, on_delivery: OnDelivery) -> None:
        topic, value, key, headers, _ = record
        try:
            if headers:
                self._produce(topic, value, key, -1, on_delivery, headers=list(headers))
            else:
                self._produce(topic, value, key, -1, on_delivery)
        except self._kafka.KafkaException as error:  # larger than `MAX_BATCH_BYTES`
            self._loop.call_soon(on_delivery, error.args[0], None)
        except BufferError:  # as many as `MAX_RECORDS` wait, most of them given up
            self._loop.call_soon(on_delivery, self._kafka.KafkaError(self._kafka.KafkaError._QUEUE_FULL), None)  # noqa: SLF001  # its name for it

    # What librdkafka calls, in the thread that polls

    def _report(self, slot: Slot, error: "KafkaError | None") -> None:
        """Take the instant of an acknowledgement, or of what came instead, and tell the loop of it."""
        inbox = self._inbox
        inbox.append((slot, error, monotonic_ns()))
        if len(inbox) == 1:  # otherwise it was told, and has not taken them yet
            self._in_loop(self._take)

    def _on_error(self, error: "KafkaError") -> None:
        self._in_loop(self._contact.heard, error.name(), error.str())

    # Inside

    def _take(self) -> None:
        """Pass on what has been reported; what comes meanwhile waits for its turn."""
        inbox, reported = self._inbox, self._dialer.reported
        for _ in range(len(inbox)):
            slot, error, at_ns = inbox.popleft()
            reported(slot, None if error is None else DeliveryError(error.name(), error.str()), at_ns)
        if inbox:
            self._loop.call_soon(self._take)

    def _in_loop(self, callback: Any, *arguments: Any) -> None:
        # The loop may be closed at any time after `close`; then nobody wants to know.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _poll(self) -> None:
        """The thread that waits for acknowledgements."""
        while not self._closing.is_set():
            self._producer.poll(POLL_S)

    def _probe(self) -> Trouble | None:
        """Ask for all topics; returns what is wrong, after the timeout at the latest. Called in a thread."""
        deadline_s = time.monotonic() + self._timeout_s
        for topic in self._topics:
            trouble = self._probe_topic(topic, deadline_s)
            if trouble is not None:
                return trouble
        return None

    def _probe_topic(self, topic: str, deadline_s: float) -> Trouble | None:
        while True:
            try:
                known = self._producer.list_topics(topic, timeout=max(POLL_S, deadline_s - time.monotonic())).topics
            except self._kafka.KafkaException:
                return Trouble(ErrorKind.CONNECT, f"no broker answered within {self._timeout_s:g} s")
            error = known[topic].error
            if error is None:
                return None
            if error.name() != "LEADER_NOT_AVAILABLE" or time.monotonic() > deadline_s:
                return Trouble(ErrorKind.REJECTED, f"topic {topic!r}: {error.str()}")
            self._closing.wait(LEADERLESS_S)
