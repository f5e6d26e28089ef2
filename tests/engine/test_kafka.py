"""The transport of records against the brokers of librdkafka: what arrives, what is told, and when brokers go."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from typing import Any

import anyio
import msgspec
import pytest
import trustme
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

from load_tester.domain.attack import Order, Tls
from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.metrics import ErrorKind
from load_tester.domain.request import Record
from load_tester.engine.end_code import mark
from load_tester.engine.kafka import KafkaTransport, producer_config
from load_tester.engine.slot import Slot, SlotDialer
from load_tester.engine.transport import NO_HIT
from tests.kafka_cluster import MESSAGE_TOO_LARGE, PRODUCE, KafkaCluster, kafka_cluster

pytestmark = pytest.mark.anyio

LIMIT_S = 30
VALUE = Record("t", b"value")


class Owner:
    """Writes down what it is told of slots and hits."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()

    def connected(self, connection: Slot) -> None:
        """See `DialOwner`."""
        self.events.put_nowait(("connected", connection))

    def dial_failed(self, kind: ErrorKind, message: str) -> None:
        """See `DialOwner`."""
        self.events.put_nowait(("dial failed", kind, message))

    def hit_done(self, connection: Slot, status: int, at_ns: int | None = None) -> None:
        """See `DialOwner`."""
        assert at_ns is not None
        connection.seq = NO_HIT
        self.events.put_nowait(("done", status))

    def check_failed(self, message: str) -> None:
        """See `DialOwner`."""
        raise AssertionError("acknowledgements are not checked")

    def hit_failed(self, connection: Slot, kind: ErrorKind, message: str) -> None:
        """See `DialOwner`."""
        assert connection.closing
        connection.seq = NO_HIT
        self.events.put_nowait(("failed", kind, message))

    def disconnected(self, connection: Slot) -> None:
        """See `DialOwner`."""
        self.events.put_nowait(("disconnected",))

    async def next(self) -> tuple[Any, ...]:
        """The next event."""
        async with asyncio.timeout(LIMIT_S):
            return await self.events.get()


class Wire:
    """A transport and what it tells."""

    def __init__(self, owner: Owner, dialer: SlotDialer) -> None:
        self.owner = owner
        self.dialer = dialer

    async def dial(self) -> tuple[Any, ...]:
        """What comes of a dial."""
        self.dialer.dial()
        return await self.owner.next()

    async def slot(self) -> Slot:
        """A slot; the cluster can be reached."""
        what, slot = await self.dial()
        assert what == "connected"
        assert isinstance(slot, Slot)
        return slot

    async def sent(self, record: Record = VALUE) -> tuple[Any, ...]:
        """What comes of a record."""
        hit(await self.slot(), record)
        return await self.owner.next()


def hit(slot: Slot, record: Record = VALUE) -> None:
    """Send a record as a hit."""
    slot.seq = 1
    slot.write(record)


@contextlib.asynccontextmanager
async def wire(target: KafkaTarget, timeout_ns: int = 20 * SECOND, tls: Tls | None = None) -> AsyncIterator[Wire]:
    """A transport to that target."""
    owner = Owner()
    transport = KafkaTransport(msgspec.structs.replace(order(target, timeout_ns), tls=tls or Tls()), None)
    try:
        yield Wire(owner, transport.dialer(owner))
    finally:
        transport.close()


def order(target: KafkaTarget, timeout_ns: int = 20 * SECOND) -> Order:
    """An order that sends to the target."""
    return Order(
        run_id="r", target_url=target.url, test_type="t", params={}, pacer=None, duration_ns=SECOND,
        timeout_ns=timeout_ns, max_connections=10, seed=1, transport="kafka", kafka=target,
    )  # fmt: skip


def target_of(cluster: KafkaCluster, *topics: str) -> KafkaTarget:
    """The cluster as a target."""
    return KafkaTarget(brokers=tuple(cluster.brokers), topics=topics or ("t",))


async def arrivals(cluster: KafkaCluster, count: int) -> None:
    """Wait until so many records have come to the brokers."""
    async with asyncio.timeout(LIMIT_S):
        while cluster.requests(PRODUCE) < count:  # noqa: ASYNC110  # only the brokers know
            await asyncio.sleep(0)


async def test_a_record_arrives_as_it_was_and_is_acknowledged() -> None:
    """Value, key and headers are what the test type made; a record without a key has none."""
    with kafka_cluster("t") as cluster:
        async with wire(target_of(cluster)) as it:
            slot = await it.slot()
            for record in (VALUE, Record("t", b"", b"key", (("name", b"header"), ("name", b"again")))):
                hit(slot, record)
                assert await it.owner.next() == ("done", 200)
        arrived = sorted((record.value() or b"", record.key(), record.headers()) for record in cluster.records("t"))
        assert arrived == [(b"", b"key", [("name", b"header"), ("name", b"again")]), (b"value", None, None)]


async def test_records_without_a_key_are_spread_over_the_partitions() -> None:
    """Each goes to a partition of its own choice, however quickly they follow each other."""
    with kafka_cluster("t", brokers=2) as cluster:
        async with wire(target_of(cluster)) as it:
            slot = await it.slot()
            for _ in range(100):
                hit(slot)
                await it.owner.next()
        assert {record.partition() for record in cluster.records("t")} == {0, 1, 2, 3}


async def test_a_record_that_the_broker_refuses_is_rejected_with_its_words() -> None:
    """The slot is closed, and another one serves the next record."""
    with kafka_cluster("t") as cluster:
        async with wire(target_of(cluster)) as it:
            slot = await it.slot()
            cluster.answer_next(PRODUCE, MESSAGE_TOO_LARGE)
            hit(slot)
            assert await it.owner.next() == ("failed", ErrorKind.REJECTED, "Broker: Message size too large")
            assert await it.owner.next() == ("disconnected",)
            assert await it.sent() == ("done", 200)
        assert len(cluster.records("t")) == 1


async def test_a_record_is_not_sent_a_second_time() -> None:
    """An error after which librdkafka would try again by itself is the end of the hit."""
    network_exception = 13
    with kafka_cluster("t") as cluster:
        async with wire(target_of(cluster)) as it:
            slot = await it.slot()
            cluster.answer_next(PRODUCE, network_exception)
            hit(slot)
            what, kind, _ = await it.owner.next()
            assert (what, kind) == ("failed", ErrorKind.RESET)
        assert cluster.records("t") == []


async def test_a_topic_that_does_not_exist_is_told_and_not_made() -> None:
    """Every dial fails with the topic's name until it exists."""
    with kafka_cluster() as cluster:
        async with wire(target_of(cluster, "nope")) as it:
            refusal = ("dial failed", ErrorKind.REJECTED, "topic 'nope': Broker: Unknown topic or partition")
            assert await it.dial() == refusal
            assert await it.dial() == refusal
            cluster.make("nope")
            while (what := await it.dial()) == refusal:
                pass
            assert what[0] == "connected"


async def test_a_topic_that_may_not_be_written_is_told() -> None:
    """What the broker says about the topic is what the report says."""
    topic_authorization_failed = 29
    with kafka_cluster("good", "secret") as cluster:
        cluster.refuse("secret", topic_authorization_failed)
        async with wire(target_of(cluster, "good", "secret")) as it:
            assert await it.dial() == (
                "dial failed", ErrorKind.REJECTED, "topic 'secret': Broker: Topic authorization failed",
            )  # fmt: skip


async def test_a_topic_without_a_leader_is_waited_for() -> None:
    """It is being made: the first dial waits until it is there."""
    leader_not_available = 5
    with kafka_cluster("t") as cluster:
        cluster.refuse("t", leader_not_available)
        async with wire(target_of(cluster)) as it:
            it.dialer.dial()
            cluster.refuse("t", 0)
            assert (await it.owner.next())[0] == "connected"


async def test_a_topic_that_has_no_leader_in_time_is_told() -> None:
    """It is waited for as long as a hit may take."""
    leader_not_available = 5
    with kafka_cluster("t") as cluster:
        cluster.refuse("t", leader_not_available)
        async with wire(target_of(cluster), timeout_ns=50 * MILLISECOND) as it:
            assert await it.dial() == ("dial failed", ErrorKind.REJECTED, "topic 't': Broker: Leader not available")


async def test_records_in_flight_fail_when_the_brokers_go_and_new_ones_are_refused() -> None:
    """Then dials fail with the reason, and succeed as soon as the brokers are back."""
    with kafka_cluster("t") as cluster:
        async with wire(target_of(cluster)) as it:
            idle, busy = await it.slot(), await it.slot()
            hit(busy)
            assert await it.owner.next() == ("done", 200)
            cluster.delay(3_600_000)
            hit(busy)
            await arrivals(cluster, 2)
            cluster.go_down()
            events = {await it.owner.next() for _ in range(3)}
            message = "the connection to the broker broke before it had acknowledged the record"
            assert events == {("disconnected",), ("failed", ErrorKind.RESET, message)}
            assert (idle.closing, busy.closing) == (True, True)
            while (what := await it.dial())[1] is not ErrorKind.REFUSED:
                pass
            assert "Connection refused" in what[2]
            cluster.delay(0)
            cluster.come_up()
            while (what := await it.dial())[0] != "connected":
                pass
            hit(what[1])
            assert await it.owner.next() == ("done", 200)


async def test_brokers_that_are_not_there_are_refused() -> None:
    """Nobody listens: the dial that waited is told, and so is every other."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        broker = f"127.0.0.1:{bound.getsockname()[1]}"
        async with wire(KafkaTarget(brokers=(broker,), topics=("t",))) as it:
            for _ in range(2):
                what, kind, message = await it.dial()
                assert (what, kind) == ("dial failed", ErrorKind.REFUSED)
                assert message.endswith(f"Connect to ipv4#{broker} failed: Connection refused")


async def test_a_name_that_cannot_be_resolved_is_told() -> None:
    """The kind is that of HTTP."""
    async with wire(KafkaTarget(brokers=("nobody.invalid:9092",), topics=("t",))) as it:
        what, kind, message = await it.dial()
        assert (what, kind) == ("dial failed", ErrorKind.RESOLVE)
        assert "nobody.invalid:9092" in message


async def test_a_broker_that_never_answers_is_given_up() -> None:
    """Connected, and silent: the dial fails when the time of a hit is over."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker = f"127.0.0.1:{silent.getsockname()[1]}"
        async with wire(KafkaTarget(brokers=(broker,), topics=("t",)), timeout_ns=SECOND // 5) as it:
            assert await it.dial() == ("dial failed", ErrorKind.CONNECT, "no broker answered within 0.2 s")


async def test_what_is_no_broker_is_told_from_one_that_is_not_there() -> None:
    """Something listens there that speaks another protocol."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with wire(KafkaTarget(brokers=(f"127.0.0.1:{port}",), topics=("t",))) as it:
            what, kind, message = await it.dial()
            assert (what, kind) == ("dial failed", ErrorKind.CONNECT)
            assert message.endswith("(is it a Kafka broker?)")


async def test_a_record_that_was_given_up_is_not_told_of_again() -> None:
    """Its slot is closed and its report is dropped, also when it comes while the transport is closed."""
    with kafka_cluster("t") as cluster:
        async with wire(target_of(cluster)) as it:
            slot = await it.slot()
            cluster.delay(100)
            hit(slot)
            slot.seq = NO_HIT
            slot.close()
            cluster.delay(0)
            assert await it.owner.next() == ("disconnected",)
            assert await it.sent() == ("done", 200)
            assert it.owner.events.empty()
            cluster.delay(3_600_000)
            hit(await it.slot())
        assert it.owner.events.empty()


@contextlib.asynccontextmanager
async def over_tls(cluster: KafkaCluster, authority: trustme.CA) -> AsyncIterator[str]:
    """A broker that speaks TLS: what the one of the cluster says, with the port of its own where that says its port."""
    host, port = cluster.brokers[0].split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    (tcp,) = (await anyio.create_tcp_listener(local_host=host)).listeners
    listener = TLSListener(tcp, context, standard_compatible=False)
    own_port: int = tcp.extra(SocketAttribute.local_port)
    renamed = (struct.pack(">i", int(port)), struct.pack(">i", own_port))

    async def serve(client: ByteStream) -> None:
        with contextlib.suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            async with client, await anyio.connect_tcp(host, int(port)) as broker, anyio.create_task_group() as both:
                both.start_soon(ask, client, broker)
                while True:
                    await client.send((await broker.receive()).replace(*renamed))

    async def ask(client: ByteStream, broker: ByteStream) -> None:
        with contextlib.suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            while True:
                await broker.send(await client.receive())

    async with listener, anyio.create_task_group() as serving:
        serving.start_soon(listener.serve, serve)
        yield f"{host}:{own_port}"
        serving.cancel_scope.cancel()


async def test_records_go_over_tls_to_brokers_that_are_trusted() -> None:
    """By the authority of the order, or without looking; one that is not trusted gets nothing, and that is told."""
    authority = trustme.CA()
    with kafka_cluster("t") as cluster:
        async with over_tls(cluster, authority) as broker:
            target = KafkaTarget(brokers=(broker,), topics=("t",), tls=True)
            for trusted in (Tls(ca_pem=authority.cert_pem.bytes().decode()), Tls(verify=False)):
                async with wire(target, tls=trusted) as it:
                    assert await it.sent() == ("done", 200)
            async with wire(target, tls=Tls(ca_pem=trustme.CA().cert_pem.bytes().decode())) as it:
                what, kind, message = await it.dial()
                assert (what, kind) == ("dial failed", ErrorKind.TLS)
                assert "certificate verify failed" in message
        assert len(cluster.records("t")) == 2


async def test_responses_cannot_be_observed() -> None:
    """A test type that wants to see them is refused before anything is sent."""
    target = KafkaTarget(brokers=("127.0.0.1:1",), topics=("t",))
    with pytest.raises(ValueError, match="cannot be observed"):
        KafkaTransport(order(target), lambda _: None)


def test_a_record_is_written_with_its_size_and_its_mark() -> None:
    """Bytes are those of the value."""
    record = Record("t", b"value", b"key", target=3)
    assert KafkaTransport.encode(record) == (record, False, 5, mark(3))


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ({"acks": "1", "compression": "zstd"}, {"acks": "1", "compression.type": "zstd", "linger.ms": 0}),
        ({"linger_ns": 1_500_000}, {"linger.ms": 1.5, "message.timeout.ms": 250, "request.timeout.ms": 250}),
        ({}, {"retries": 0, "enable.idempotence": False, "bootstrap.servers": "a:1,b:2", "acks": "all"}),
    ],
)
def test_parameters_are_handed_on(target: dict[str, Any], told: dict[str, Any]) -> None:
    """What the test type asks for is what librdkafka is told; times are milliseconds there, rounded up."""
    config = producer_config(KafkaTarget(brokers=("a:1", "b:2"), topics=("t",), **target), 249_500_000, Tls())
    assert {name: config[name] for name in told} == told
    assert "security.protocol" not in config


@pytest.mark.parametrize(
    ("tls", "told"),
    [
        (Tls(), {"enable.ssl.certificate.verification": True}),
        (Tls(ca_pem="pem"), {"enable.ssl.certificate.verification": True, "ssl.ca.pem": "pem"}),
        (
            Tls(verify=False),
            {"enable.ssl.certificate.verification": False, "ssl.endpoint.identification.algorithm": "none"},
        ),
    ],
)
def test_certificates_are_verified_as_the_order_says(tls: Tls, told: dict[str, Any]) -> None:
    """As for HTTP: by the system's authorities, by those given, or not at all."""
    target = KafkaTarget(brokers=("a:1",), topics=("t",), tls=True)
    config = producer_config(target, SECOND, tls)
    assert {name: value for name, value in config.items() if "ssl" in name or "security" in name} == {
        "security.protocol": "ssl", **told,
    }  # fmt: skip
