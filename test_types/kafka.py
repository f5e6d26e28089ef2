"""What test types that send to Kafka share: their parameters, the cluster that these name, and the extra they need."""

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Annotated, Final, Protocol

from msgspec import Meta

from load_tester.domain.duration import MINUTE
from load_tester.domain.kafka import Acks, Compression, KafkaTarget, check_broker, check_topic
from load_tester.domain.parameter import Span
from load_tester.domain.project import ListedProjects
from load_tester.domain.target import InvalidTarget
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.params import check_projects

OUTCOMES: Final = "ingest-outcomes"
EVENTS: Final = "ingest-events"
REMEMBERED_PROJECTS: Final = 16_384


class Linger(Span):
    """How long records may wait to be sent together."""

    __slots__ = ()

    most_ns = MINUTE


Brokers = Annotated[
    tuple[Annotated[str, Meta(max_length=300)], ...],
    Meta(
        min_length=1,
        max_length=100,
        description="Brokers of the cluster, each `host:port`; those that are not listed are learnt from them.",
    ),
]
Acknowledged = Annotated[
    Acks,
    Meta(
        description="Who must have a record before it is acknowledged: `all` replicas that are in sync, their leader "
        "(`1`), or nobody (`0`: then it counts as soon as it is written to the connection)."
    ),
]
Compressed = Annotated[Compression, Meta(description="How the batches that records are sent in are compressed.")]
Lingering = Annotated[
    Linger, Meta(description="How long a record may wait for others to be sent with it; that is part of its latency.")
]
OverTls = Annotated[
    bool, Meta(description="Whether brokers are spoken to over TLS; `--ca` and `--insecure` say how they are verified.")
]
Topic = Annotated[str, Meta(max_length=300)]

LOCAL: Final = ("127.0.0.1:9092",)
AT_ONCE: Final = Linger(0)


class KafkaParams(Protocol):
    """The parameters that all these test types have."""

    @property
    def brokers(self) -> tuple[str, ...]:
        """See `Brokers`."""

    @property
    def acks(self) -> Acks:
        """See `Acknowledged`."""

    @property
    def compression(self) -> Compression:
        """See `Compressed`."""

    @property
    def linger(self) -> Linger:
        """See `Lingering`."""

    @property
    def tls(self) -> bool:
        """See `OverTls`."""


def cluster(params: KafkaParams, *topics: str) -> KafkaTarget:
    """Where the records go."""
    return KafkaTarget(
        brokers=params.brokers,
        topics=topics,
        acks=params.acks,
        compression=params.compression,
        linger_ns=params.linger.ns,
        tls=params.tls,
    )


def check_cluster(params: KafkaParams, **topics: str) -> None:
    """Raise `InvalidParams` for what is no broker, and for what is no topic, by the names of their parameters."""
    for number, broker in enumerate(params.brokers):
        try:
            check_broker(broker)
        except InvalidTarget as error:
            raise InvalidParams(str(error), f".brokers[{number}]") from error
    for name, topic in topics.items():
        try:
            check_topic(topic)
        except InvalidTarget as error:
            raise InvalidParams(str(error), f".{name}") from error


def project_ids(num_projects: int, context: BuildContext) -> Callable[[int], int]:
    """The numbers of the projects by their 0-based index: in Kafka, Sentry's projects have ids that are numbers.

    Raises:
        InvalidParams: there are not that many projects, or one of them has an id that is no number.
    """
    check_projects(num_projects, context)
    projects = context.projects
    if isinstance(projects, ListedProjects):  # those that are made up are numbers, and may be a million
        for number, project in enumerate(projects.projects[:num_projects], 1):
            if not project.project_id.isdecimal():
                raise InvalidParams(
                    f"project {number} of the projects file has the id {project.project_id!r}; Kafka needs numbers",
                    ".numProjects",
                )

    @lru_cache(maxsize=REMEMBERED_PROJECTS)
    def project_id(index: int) -> int:
        return int(projects.at(index).project_id)

    return project_id


def lacking(module: str, extra: str) -> str:
    """Why test types that need a module of an extra cannot be run here, and what to do; empty if they can."""
    return "" if find_spec(module) else f"it needs {module}, which is not installed: pip install 'load-tester[{extra}]'"


WHERE_RECORDS_GO: Final = """\
Each hit is one record. Records go to the cluster that `brokers` names, and not to the target URL, which may be left
out; runs and reports show the brokers as their target.

- Topics have to exist; none is made, so that a slip does not leave one behind. Hits for one that is missing fail as
  `rejected`.
- A record that was acknowledged counts as answered with the status 200; `acks` says what that is worth. Its latency
  runs from when it is handed to librdkafka to when the acknowledgement has come.
- At most `maxConnections` records are in flight; further hits wait in line. `timeout` is also the time after which
  librdkafka gives a record up.
- A record is sent once: one that is not acknowledged is a failed hit, and is not sent again.
- Projects have numbers for ids; a `projects.json` that has others is refused.
- It needs an extra where the load tester runs: `pip install 'load-tester[kafka]'`.
"""

UNAVAILABLE: Final = lacking("confluent_kafka", "kafka")
