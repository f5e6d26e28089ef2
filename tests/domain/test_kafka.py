"""Where records go: which brokers and topics there can be, and how a cluster is shown."""

from collections.abc import Callable

import pytest

from load_tester.domain.kafka import KafkaTarget, check_broker, check_topic, is_kafka
from load_tester.domain.target import InvalidTarget


def accepts(check: Callable[[str], None], text: str) -> bool:
    """Whether a check lets the text pass."""
    try:
        check(text)
    except InvalidTarget:
        return False
    return True


@pytest.mark.parametrize(
    "broker",
    ["127.0.0.1:9092", "kafka:1", "kafka-1.example.:65535", "my_host:9092", "[::1]:9092", "[2001:db8::1]:9092"],
)
def test_a_broker_is_a_host_and_a_port(broker: str) -> None:
    """A name or an address, IPv6 in brackets."""
    assert accepts(check_broker, broker)


@pytest.mark.parametrize(
    "broker",
    [
        "", "kafka", "kafka:", ":9092", "kafka:0", "kafka:65536", "kafka:http", "kafka:-1", "kafka:1 ", " kafka:1",
        "kafka:9092,other:9092", "kafka://kafka:9092", "user@kafka:9092", "kafka:9092/x", "::1:9092", "[::1]", "[x]:1",
        "[fe80::1%eth0]x:1", "kaf\u0444a:9092", "kafka:\u0661", "kafka:9092\n",
    ],
)  # fmt: skip
def test_what_is_no_broker_is_refused_with_an_example(broker: str) -> None:
    """Whoever gives a URL, a list or no port is told what is expected."""
    with pytest.raises(InvalidTarget) as refusal:
        check_broker(broker)
    expected = "is not a broker; expected host:port, like kafka.example:9092 or [::1]:9092"
    assert str(refusal.value) == f"{broker!r} {expected}"


@pytest.mark.parametrize("topic", ["ingest-events", "a", "a.b_c-D9", "...", "x" * 249])
def test_names_of_topics_are_those_that_brokers_accept(topic: str) -> None:
    """Letters, digits, dot, underscore and dash."""
    assert accepts(check_topic, topic)


@pytest.mark.parametrize("topic", ["", ".", "..", "a b", "a/b", "\u00e9", "x" * 250, "a\n"])
def test_other_names_are_refused(topic: str) -> None:
    """A broker would refuse them, too, but later."""
    with pytest.raises(InvalidTarget, match="cannot be the name of a topic"):
        check_topic(topic)


def test_a_cluster_is_shown_as_a_url() -> None:
    """It stands where the target URL stands, and is recognised there."""
    url = KafkaTarget(brokers=("a:9092", "[::1]:9093"), topics=("t",)).url
    assert url == "kafka://a:9092,[::1]:9093"
    assert is_kafka(url)
    assert not is_kafka("http://kafka:9092")
