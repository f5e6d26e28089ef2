"""Programs that the benchmark of Kafka runs beside the product: brokers, and bare loops around librdkafka's producer.

`python -m bench.kafka_programs brokers` prints the address of a mock broker, which ends with its standard input.
`... flood ADDRESS SECONDS` prints how many records per second a loop has acknowledged that does nothing else.
`... blocking ADDRESS SECONDS` prints what the median latency is, in microseconds, of records sent one by one, a
thousand a second, by a loop that sleeps in librdkafka until each is acknowledged.
"""

import statistics
import sys
import time
from typing import Any, Final

from confluent_kafka import Producer

TOPIC: Final = "ingest-outcomes"
IN_FLIGHT: Final = 1000
VALUE: Final = b"x" * 123
"""As long as the outcomes of the product are."""
INTERVAL_NS: Final = 1_000_000


def brokers() -> None:
    """Run a broker with the topic."""
    producer = _producer({"test.mock.num.brokers": 1})
    known = producer.list_topics(TOPIC, timeout=10)
    print(",".join(f"{broker.host}:{broker.port}" for broker in known.brokers.values()), flush=True)
    sys.stdin.read()


def flood(address: str, seconds: float) -> None:
    """Keep as many records in flight as the attack does."""
    producer = _producer({"bootstrap.servers": address})
    acknowledged = sent = 0

    def on_delivery(error: object, _message: object) -> None:
        nonlocal acknowledged
        assert error is None, error
        acknowledged += 1

    produce, poll = producer.produce, producer.poll
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(IN_FLIGHT - sent + acknowledged):
            produce(TOPIC, VALUE, on_delivery=on_delivery)
            sent += 1
        poll(0.01)
    producer.flush()
    print(acknowledged / (time.perf_counter() - began))


def blocking(address: str, seconds: float) -> None:
    """Send one record after the other, on schedule."""
    producer = _producer({"bootstrap.servers": address})
    latencies: list[int] = []
    began = time.perf_counter_ns()
    for number in range(int(seconds * 1e9 / INTERVAL_NS)):
        time.sleep(max(0, began + number * INTERVAL_NS - time.perf_counter_ns()) / 1e9)
        sent = time.perf_counter_ns()
        producer.produce(
            TOPIC, VALUE, on_delivery=lambda *_, sent=sent: latencies.append(time.perf_counter_ns() - sent)
        )
        while len(latencies) <= number:
            producer.poll(1)
    print(statistics.median(latencies) / 1000)


def _producer(config: dict[str, Any]) -> Producer:
    producer = Producer({"acks": "all", "linger.ms": 0, "log_level": 0, **config})
    producer.list_topics(TOPIC, timeout=10)
    return producer


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["brokers"]:
            brokers()
        case ["flood", address, seconds]:
            flood(address, float(seconds))
        case ["blocking", address, seconds]:
            blocking(address, float(seconds))
        case _:
            sys.exit(__doc__)
