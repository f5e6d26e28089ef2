"""The target of attacks that send records: a Kafka cluster, its topics, and how records are handed to it."""

import ipaddress
import re
from typing import Final, Literal

import msgspec

from load_tester.domain.target import InvalidTarget

SCHEME: Final = "kafka"
MAX_TOPIC_LENGTH: Final = 249
_TOPIC: Final = re.compile(rf"(?!\.{{1,2}}\Z)[A-Za-z0-9._-]{{1,{MAX_TOPIC_LENGTH}}}")
_BROKER: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[^\]]+\]):(?P<port>[0-9]{1,5})")

Acks = Literal["all", "1", "0"]
"""Who has to have a record before it is acknowledged: all replicas in sync, their leader, or nobody."""

Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]


class KafkaTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where the records of an attack go, and how; there is nothing local to a machine in it.

    Attributes:
        brokers: some of the cluster's, each `host:port`; the rest is learnt from them.
        topics: all that the attack sends to. They have to exist before the first hit is sent; none is made.
        acks: what an acknowledgement says.
        compression: of the batches of records.
        linger_ns: how long a record may wait for others, to be sent together with them.
        tls: whether the brokers are spoken to over TLS; they are verified as the order says.
    """

    brokers: tuple[str, ...]
    topics: tuple[str, ...]
    acks: Acks = "all"
    compression: Compression = "none"
    linger_ns: int = 0
    tls: bool = False

    @property
    def url(self) -> str:
        """The target as it is shown: `kafka://host:port,host:port`."""
        return f"{SCHEME}://{','.join(self.brokers)}"


def is_kafka(target_url: str) -> bool:
    """Whether a target that is shown is a Kafka cluster."""
    return target_url.startswith(f"{SCHEME}://")


def check_broker(text: str) -> None:
    """Make sure that a text is the `host:port` of a broker.

    Raises:
        InvalidTarget: it is not.
    """
    parts = _BROKER.fullmatch(text)
    if parts is None or not (_is_host(parts["host"]) and 1 <= int(parts["port"]) <= 65535):
        raise InvalidTarget(f"{text!r} is not a broker; expected host:port, like kafka.example:9092 or [::1]:9092")


def check_topic(text: str) -> None:
    """Make sure that a text can be the name of a topic, by the rule of Apache Kafka's brokers.

    Raises:
        InvalidTarget: it cannot.
    """
    if not _TOPIC.fullmatch(text):
        raise InvalidTarget(
            f"{text!r} cannot be the name of a topic; expected up to {MAX_TOPIC_LENGTH} ASCII letters, digits and ._-"
        )


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return True
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True
