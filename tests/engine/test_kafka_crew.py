"""Whole attacks on brokers of librdkafka by real worker processes: every record accounted for, whatever happens."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import pytest
from confluent_kafka import Message

from load_tester.domain.attack import Ending, Order
from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.test_type import Registry
from load_tester.engine.crew import Crew
from load_tester.engine.interface import AttackRefused
from test_types import TEST_TYPES
from tests.engine.test_crew import Audience, adds_up
from tests.kafka_cluster import MESSAGE_TOO_LARGE, PRODUCE, KafkaCluster, kafka_cluster

pytestmark = pytest.mark.anyio

NURSERY = [sys.executable, "-P", "-m", "load_tester.cli.worker"]
TOPICS = ("ingest-events", "ingest-outcomes")


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    """Two brokers with the topics of Sentry."""
    with kafka_cluster(*TOPICS, brokers=2) as running:
        yield running


@asynccontextmanager
async def crew() -> AsyncIterator[Crew]:
    """A crew, and nothing left of it afterwards."""
    it = Crew(NURSERY, cores=2)
    try:
        yield it
    finally:
        await it.close()


@contextmanager
def still(cluster: KafkaCluster) -> Iterator[None]:
    """Brokers that take records and acknowledge none while the block runs."""
    cluster.delay(3_600_000)
    yield
    cluster.delay(0)


def order(target: KafkaCluster | list[str], test_type: str = "kafkaOutcome", **changes: Any) -> Order:
    """Four tenths of a second at 500/s, by two workers, unless changed."""
    kind = Registry(TEST_TYPES)[test_type]
    brokers = target.brokers if isinstance(target, KafkaCluster) else target
    params = {"brokers": brokers, **changes.pop("params", {})}
    assert kind.kafka is not None
    kafka = kind.kafka(kind.decode(params))
    fields: dict[str, Any] = {
        "run_id": "r",
        "target_url": kafka.url,
        "test_type": test_type,
        "params": params,
        "pacer": ConstantPacer(500, SECOND),
        "duration_ns": 400 * MILLISECOND,
        "timeout_ns": 20 * SECOND,
        "max_connections": 100,
        "seed": 1,
        "transport": "kafka",
        "kafka": kafka,
        "workers": 2,
    }
    return Order(**{**fields, **changes})


async def until(audience: Audience, heard: Callable[[], bool]) -> None:
    """Wait until it has been heard of."""
    with anyio.fail_after(30):
        while not heard():
            audience.heard.clear()
            await audience.heard.wait()


async def answered(audience: Audience, least: int) -> None:
    """Wait until so many records have been acknowledged."""
    await until(audience, lambda: audience.figures.answered >= least)


async def arrived(cluster: KafkaCluster, topic: str = "ingest-outcomes") -> list[Message]:
    """What has come to a topic."""
    return await anyio.to_thread.run_sync(cluster.records, topic)


def ids(records: list[Message]) -> list[str]:
    """The event ids of outcomes."""
    return [json.loads(record.value() or b"")["event_id"] for record in records]


async def test_two_workers_send_every_event_and_its_outcome_exactly_once(cluster: KafkaCluster) -> None:
    """What was planned is what arrived is what was reported, on both topics, with keys; each outcome has its event."""
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(cluster, "kafkaEvent", params={"maxBreadcrumbs": 2}), audience)
        assert attack.workers == 2
        outcome = await attack.wait()
    assert (outcome.ending, outcome.error, outcome.incidents, outcome.messages) == (Ending.FINISHED, None, (), {})
    figures = audience.figures
    assert (figures.planned, figures.sent, figures.answered, figures.status_codes) == (200, 200, 200, {"200": 200})
    assert {name: target.successes for name, target in figures.targets.items()} == {"event": 100, "outcome": 100}
    assert 0 < figures.latency.min <= figures.latency.max <= figures.response_time.max
    events, outcomes = await arrived(cluster, "ingest-events"), await arrived(cluster)
    messages = [msgspec.msgpack.decode(record.value() or b"") for record in events]
    assert [record.key() for record in events] == [bytes.fromhex(message["event_id"]) for message in messages]
    assert len({message["event_id"] for message in messages}) == 100
    assert sorted(ids(outcomes)) == sorted(message["event_id"] for message in messages)
    assert {record.key() for record in outcomes} == {None}
    assert figures.bytes_out == sum(len(record.value() or b"") for record in [*events, *outcomes])


async def test_an_unlimited_rate_keeps_all_that_may_be_in_flight_in_flight(cluster: KafkaCluster) -> None:
    """And every record of it arrives once."""
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(cluster, pacer=None, max_connections=6), audience)
        assert (await attack.wait()).ending == Ending.FINISHED
    records = ids(await arrived(cluster))
    assert audience.figures.answered == len(records) == len(set(records)) > 400
    assert audience.figures.connections_opened == 6


async def test_after_a_stop_what_brokers_have_not_acknowledged_is_aborted(cluster: KafkaCluster) -> None:
    """Records in flight get the grace, and are then given up; what comes of them later is counted no more."""
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(cluster, duration_ns=3600 * SECOND), audience)
        await answered(audience, 50)
        with still(cluster):
            await until(audience, lambda: audience.last.in_flight == 100)
            assert await attack.stop(0) == 100
            assert (await attack.wait()).ending == Ending.STOPPED
    figures = audience.figures
    assert adds_up(figures)
    assert figures.aborted >= 100
    assert figures.answered >= 50
    assert figures.sent == figures.answered + 100


async def test_records_that_are_not_acknowledged_in_time_are_timeouts(cluster: KafkaCluster) -> None:
    """Brokers that take them and say nothing: every hit ends once, in its time."""
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(cluster, duration_ns=2 * SECOND, timeout_ns=SECOND // 2), audience)
        await answered(audience, 50)
        with still(cluster):
            outcome = await attack.wait()
    figures = audience.figures
    assert outcome.ending == Ending.FINISHED
    assert (figures.planned, adds_up(figures)) == (1000, True)
    assert figures.errors.keys() <= {"timeout", "queued"}
    assert figures.errors["timeout"] >= 100
    assert figures.response_time.max >= SECOND // 2


async def test_brokers_that_die_and_come_back_cost_only_the_hits_of_that_time(cluster: KafkaCluster) -> None:
    """Hits in flight are reset, those that follow are refused, and all is well when the brokers are back."""
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(cluster, duration_ns=3600 * SECOND), audience)
        await answered(audience, 50)
        cluster.go_down()
        await until(audience, lambda: audience.figures.failed >= 50)
        cluster.come_up()
        await answered(audience, audience.figures.answered + 100)
        await attack.stop(SECOND)
        outcome = await attack.wait()
    figures = audience.figures
    assert adds_up(figures)
    assert "refused" in figures.errors
    assert figures.errors.keys() <= {"refused", "reset", "connect", "timeout"}
    assert "Connection refused" in outcome.messages["refused"]
    records = ids(await arrived(cluster))
    assert len(records) == len(set(records)), "nothing is sent twice"
    assert len(records) >= figures.answered


async def test_records_that_are_too_large_for_the_broker_are_rejected(cluster: KafkaCluster) -> None:
    """The report has the broker's words; the other records are not touched."""
    cluster.answer_next(PRODUCE, *[MESSAGE_TOO_LARGE] * 10)
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(cluster, workers=1, max_connections=1), audience)
        outcome = await attack.wait()
    figures = audience.figures
    assert (figures.answered, figures.errors) == (190, {"rejected": 10})
    assert outcome.messages == {"rejected": "Broker: Message size too large"}
    assert len(await arrived(cluster)) == 190


async def test_a_topic_that_does_not_exist_is_the_reason_of_every_failure(cluster: KafkaCluster) -> None:
    """Nothing is sent, and the first message names it."""
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(cluster, params={"topic": "nope"}), audience)
        outcome = await attack.wait()
    figures = audience.figures
    assert (figures.planned, figures.sent, figures.errors) == (200, 0, {"rejected": 200})
    assert outcome.messages == {"rejected": "topic 'nope': Broker: Unknown topic or partition"}


async def test_brokers_that_are_not_there_refuse_every_hit() -> None:
    """A dead cluster is a result, not an error of the program."""
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(["127.0.0.1:1"]), audience)
        outcome = await attack.wait()
    figures = audience.figures
    assert (outcome.ending, figures.planned, figures.failed, figures.sent) == (Ending.FINISHED, 200, 200, 0)
    assert figures.errors.keys() <= {"refused", "connect"}


async def test_a_killed_worker_is_replaced_and_what_it_had_not_reported_is_lost(cluster: KafkaCluster) -> None:
    """Its successor sends the rest of its share; no record arrives twice."""
    async with crew() as it:
        audience = Audience()
        attack = await it.start(order(cluster, duration_ns=2 * SECOND), audience)
        await answered(audience, 100)
        os.kill(attack.worker_pids[0], signal.SIGKILL)
        outcome = await attack.wait()
    figures = audience.figures
    assert (outcome.ending, figures.planned, adds_up(figures)) == (Ending.FINISHED, 1000, True)
    records = ids(await arrived(cluster))
    assert len(records) == len(set(records))
    assert figures.answered <= len(records) <= 1000


async def test_a_configuration_that_librdkafka_does_not_accept_refuses_the_attack(cluster: KafkaCluster) -> None:
    """Records that may wait longer than a hit may take: its own words say so."""
    async with crew() as it:
        with pytest.raises(AttackRefused, match=r"message\.timeout\.ms"):
            await it.start(order(cluster, params={"linger": "1s"}, timeout_ns=SECOND // 2), Audience())
