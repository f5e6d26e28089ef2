"""A Kafka cluster for tests: the one that librdkafka has for its own, with what consumers find in it.

Debian has no Kafka broker. librdkafka's mock brokers speak Kafka's protocol over TCP on 127.0.0.1, with all that is
needed to produce and to fetch, and they can be told to answer late, with errors, or not to be there. They keep the last
5 MB of each partition in memory. They have no TLS, no SASL, no replicas, and no limit on the size of records. The
interface is `rdkafka_mock.h`, called through ctypes in the library that confluent-kafka brings along.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import confluent_kafka
from confluent_kafka import Consumer, Message, TopicPartition

_LIBRARY: Final = next((Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs").glob("librdkafka-*.so*"))
_PRODUCER: Final = 0  # rd_kafka_type_t
_OK: Final = 0  # rd_kafka_conf_res_t, rd_kafka_resp_err_t
PRODUCE: Final = 0
"""The request by which records are sent, among the API keys of Kafka's protocol."""
MESSAGE_TOO_LARGE: Final = 10
PARTITIONS: Final = 4
LIMIT_S: Final = 30.0
"""What takes longer hangs."""

_rd = ctypes.CDLL(str(_LIBRARY))
_handle, _text, _int = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
for _name, _result, _arguments in (
    ("rd_kafka_conf_new", _handle, ()),
    ("rd_kafka_conf_set", _int, (_handle, _text, _text, _text, ctypes.c_size_t)),
    ("rd_kafka_new", _handle, (_int, _handle, _text, ctypes.c_size_t)),
    ("rd_kafka_destroy", None, (_handle,)),
    ("rd_kafka_handle_mock_cluster", _handle, (_handle,)),
    ("rd_kafka_mock_cluster_bootstraps", _text, (_handle,)),
    ("rd_kafka_mock_topic_create", _int, (_handle, _text, _int, _int)),
    ("rd_kafka_mock_topic_set_error", None, (_handle, _text, _int)),
    ("rd_kafka_mock_push_request_errors_array", None, (_handle, ctypes.c_int16, ctypes.c_size_t, _handle)),
    ("rd_kafka_mock_start_request_tracking", None, (_handle,)),
    ("rd_kafka_mock_get_requests", ctypes.POINTER(_handle), (_handle, ctypes.POINTER(ctypes.c_size_t))),
    ("rd_kafka_mock_request_api_key", ctypes.c_int16, (_handle,)),
    ("rd_kafka_mock_request_destroy_array", None, (ctypes.POINTER(_handle), ctypes.c_size_t)),
    ("rd_kafka_mock_broker_set_rtt", _int, (_handle, ctypes.c_int32, _int)),
    ("rd_kafka_mock_broker_set_down", _int, (_handle, ctypes.c_int32)),
    ("rd_kafka_mock_broker_set_up", _int, (_handle, ctypes.c_int32)),
):
    _function = getattr(_rd, _name)
    _function.restype, _function.argtypes = _result, _arguments


class KafkaCluster:
    """Mock brokers that run, numbered from 1."""

    def __init__(self, rk: int, brokers: int) -> None:
        self._mock = _rd.rd_kafka_handle_mock_cluster(rk)
        self._numbers = range(1, brokers + 1)
        _rd.rd_kafka_mock_start_request_tracking(self._mock)
        self.brokers: list[str] = _rd.rd_kafka_mock_cluster_bootstraps(self._mock).decode().split(",")

    def make(self, topic: str) -> None:
        """Make a topic of four partitions."""
        assert _rd.rd_kafka_mock_topic_create(self._mock, topic.encode(), PARTITIONS, 1) == _OK

    def refuse(self, topic: str, error: int) -> None:
        """Say that there is this error whenever somebody asks about the topic; 0 for none."""
        _rd.rd_kafka_mock_topic_set_error(self._mock, topic.encode(), error)

    def answer_next(self, request: int, *errors: int) -> None:
        """Answer the next requests of that kind with these errors."""
        _rd.rd_kafka_mock_push_request_errors_array(self._mock, request, len(errors), (_int * len(errors))(*errors))

    def delay(self, ms: int) -> None:
        """Answer every request so much later."""
        self._all("rtt", ms)

    def go_down(self) -> None:
        """Close all connections, and accept none."""
        self._all("down")

    def come_up(self) -> None:
        """Accept connections again, and what they send."""
        self._all("up")

    def requests(self, request: int) -> int:
        """How many requests of that kind have come, answered or not."""
        count = ctypes.c_size_t()
        requests = _rd.rd_kafka_mock_get_requests(self._mock, ctypes.byref(count))
        try:
            return [_rd.rd_kafka_mock_request_api_key(requests[n]) for n in range(count.value)].count(request)
        finally:
            _rd.rd_kafka_mock_request_destroy_array(requests, count)

    def records(self, topic: str) -> list[Message]:
        """All that has been produced to a topic, by partition."""
        consumer = Consumer(
            {"bootstrap.servers": ",".join(self.brokers), "group.id": "test", "log_level": 0, "fetch.wait.max.ms": 10}
        )
        try:
            return [message for partition in range(PARTITIONS) for message in _of(consumer, topic, partition)]
        finally:
            consumer.close()

    def _all(self, change: str, *arguments: int) -> None:
        for number in self._numbers:
            assert getattr(_rd, f"rd_kafka_mock_broker_set_{change}")(self._mock, number, *arguments) == _OK


def _of(consumer: Consumer, topic: str, partition: int) -> Iterator[Message]:
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=LIMIT_S)
    consumer.assign([TopicPartition(topic, partition, low)])
    for _ in range(low, high):
        message = consumer.poll(LIMIT_S)
        assert message is not None, f"a record of {topic}[{partition}] did not come within {LIMIT_S:g} s"
        assert message.error() is None, message.error()
        yield message


@contextmanager
def kafka_cluster(*topics: str, brokers: int = 1) -> Iterator[KafkaCluster]:
    """A cluster with these topics, gone when the block is left."""
    conf = _rd.rd_kafka_conf_new()
    why = ctypes.create_string_buffer(512)
    for name, value in (("test.mock.num.brokers", str(brokers)), ("log_level", "0")):
        assert _rd.rd_kafka_conf_set(conf, name.encode(), value.encode(), why, len(why)) == _OK, why.value
    rk = _rd.rd_kafka_new(_PRODUCER, conf, why, len(why))
    assert rk, why.value
    try:
        cluster = KafkaCluster(rk, brokers)
        for topic in topics:
            cluster.make(topic)
        yield cluster
    finally:
        _rd.rd_kafka_destroy(rk)
