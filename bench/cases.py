"""What each test type is measured with: parameters, the least speed required, and a peer."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from bench import peer_payload
from bench.peer_payload import (
    BREADCRUMBS,
    BUCKETS_OF_A_KIND,
    FRAMES,
    MEASUREMENTS,
    OPERATIONS,
    ROWS,
    SPANS,
    TAGS,
    VALUES,
    Encode,
    Maker,
)
from load_tester.domain.files import CarriedFiles
from load_tester.domain.project import MadeUpProjects
from load_tester.domain.request import Request
from load_tester.domain.test_type import BuildContext, TestType
from test_types.clickhouse_insert import CLICKHOUSE_INSERT
from test_types.clickhouse_query import CLICKHOUSE_QUERY
from test_types.event import EVENT
from test_types.http import HTTP
from test_types.kafka_event import KAFKA_EVENT
from test_types.kafka_outcome import KAFKA_OUTCOME
from test_types.metric_bucket import METRIC_BUCKET
from test_types.project_config import PROJECT_CONFIG
from test_types.replay import REPLAY
from test_types.session import SESSION
from test_types.transaction import TRANSACTION
from test_types.transaction_v2 import TRANSACTION_V2

LINES: Final = 10_000
"""Of the access log that is replayed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test type: the parameters it is measured with, the least rate required, and its peer with an encoder.

    `answer` makes the body of the response to a request, for a test type that learns from responses: then learning is
    part of what is measured. `files` are what its parameters name; those of a trace are sent again and again.
    """

    name: str
    test_type: TestType[Any]
    params: dict[str, Any]
    required: int
    peer: Callable[[Encode], Maker] | None
    answer: Callable[[Request], bytes] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def context(self) -> BuildContext:
        """What the builder of a single worker may use."""
        return BuildContext(random.Random(1), MadeUpProjects(), files=CarriedFiles(self.files))


def access_log() -> bytes:
    """A log of `LINES` requests to a thousand paths, a hundred in each second."""
    start = datetime(2025, 1, 2, 15, 4, 5, tzinfo=UTC)
    return "".join(
        f"192.0.2.{number % 256} - - [{start + timedelta(seconds=number // 100):%d/%b/%Y:%H:%M:%S %z}] "
        f'"GET /item/{number * 7 % 1000}?from={number % 3} HTTP/1.1" 200 5120 "https://shop.example/" "Mozilla/5.0"\n'
        for number in range(LINES)
    ).encode()


def configs(request: Request) -> bytes:
    """What Sentry answers to a request for project configs; nothing of use to an invalidation."""
    if request.target:
        return b"{}"
    keys = msgspec.json.decode(request.body)["publicKeys"]
    return msgspec.json.encode({"configs": {key: {"slug": "project", "config": {}} for key in keys}, "pending": []})


_SESSION: Final = {
    "numProjects": 10, "startedRange": "1h", "durationRange": "2m", "numReleases": 10, "numEnvironments": 5,
    "numUsers": 1000, "okWeight": 4, "exitedWeight": 3, "erroredWeight": 2, "crashedWeight": 1,
}  # fmt: skip
_TRANSACTION: Final = {
    "transactionDurationMin": "1s", "transactionDurationMax": "10s", "minSpans": SPANS, "maxSpans": SPANS,
    "minBreadcrumbs": BREADCRUMBS, "maxBreadcrumbs": BREADCRUMBS, "numReleases": 10, "numUsers": 1000,
    "measurements": list(MEASUREMENTS), "operations": list(OPERATIONS),
}  # fmt: skip
_PROFILES: Final = [
    {"numProjects": 2, "relativeFreqWeight": 4, "timestampHistogram": [{"weight": 10, "maxDelay": "1s"}]},
    {
        "numProjects": 8,
        "timestampHistogram": [{"weight": 9, "maxDelay": "1s"}, {"weight": 1, "maxDelay": "1h"}],
    },
]
_EVENT: Final = {
    "numProjects": 10, "numEventGroups": 100, "numUsers": 1000, "minBreadcrumbs": BREADCRUMBS,
    "maxBreadcrumbs": BREADCRUMBS, "withJavascriptStacktrace": True, "minFrames": FRAMES, "maxFrames": FRAMES,
}  # fmt: skip
_METRICS: Final = {
    "numProjects": 10, "numMetricNames": 50,
    **dict.fromkeys(("numCounters", "numSets", "numDistributions", "numGauges"), BUCKETS_OF_A_KIND),
    **dict.fromkeys(("minMetricsInSets", "maxMetricsInSets"), VALUES),
    **dict.fromkeys(("minMetricsInDistribution", "maxMetricsInDistribution"), VALUES),
    "numTagsPerMetric": TAGS, "numValuesPerTag": 5,
}  # fmt: skip

_SESSIONS: Final = partial(peer_payload.enveloped, peer_payload.session, "session")
_TRANSACTIONS: Final = partial(peer_payload.enveloped, peer_payload.transaction, "transaction")
_EVENTS: Final = partial(peer_payload.enveloped, peer_payload.event, "event")
_BUCKETS: Final = partial(peer_payload.enveloped, peer_payload.metric_buckets, "metric_buckets")

_STATIC: Final = [{"path": f"/items/{number}", "weight": number} for number in range(1, 6)]
_TEMPLATE: Final = {
    "method": "POST", "path": "/users/${user}/orders",
    "body": {"json": {"user": "${user}", "order": "${order}", "color": "${color}", "state": "new"}},
    "variables": {
        "user": {"valueType": "randomInt", "config": {"min": 1, "max": 100_000}},
        "order": {"valueType": "uuid"},
        "color": {"valueType": "randomSet", "config": {"alphabet": ["red", "green", "blue"]}},
    },
}  # fmt: skip

CASES: Final = (
    Case("session", SESSION, _SESSION, 60_000, _SESSIONS),
    Case(
        "correlated session",
        SESSION,
        {**_SESSION, "correlated": True},
        60_000,
        _SESSIONS,
    ),
    Case(
        "transaction",
        TRANSACTION,
        {**_TRANSACTION, "numProjects": 10, "transactionTimestampSpread": "5s"},
        15_000,
        _TRANSACTIONS,
    ),
    Case(
        "transactionV2",
        TRANSACTION_V2,
        {**_TRANSACTION, "projectDistribution": _PROFILES},
        15_000,
        _TRANSACTIONS,
    ),
    Case(
        "event",
        EVENT,
        {**_EVENT, "framing": "envelope"},
        30_000,
        _EVENTS,
    ),
    Case(
        "metricBucket",
        METRIC_BUCKET,
        _METRICS,
        25_000,
        _BUCKETS,
    ),
    Case("clickhouseQuery", CLICKHOUSE_QUERY, {}, 1_000_000, None),
    Case("clickhouseInsert", CLICKHOUSE_INSERT, {"batchSize": ROWS}, 8_000, peer_payload.insert),
    Case(
        "projectConfig",
        PROJECT_CONFIG,
        {
            "numRelays": 50, "numProjects": 1000, "minBatchSize": 5, "maxBatchSize": 20, "batchInterval": "5s",
            "projectInvalidationRatio": 0.02,
        },
        15_000,
        None,
        answer=configs,
    ),
    Case(
        "kafkaOutcome",
        KAFKA_OUTCOME,
        {
            "numProjects": 10, "acceptedWeight": 8, "filteredWeight": 1, "rateLimitedWeight": 1, "invalidWeight": 1,
            "abuseWeight": 1,
        },
        200_000,
        peer_payload.outcome,
    ),
    Case("kafkaEvent without outcomes", KAFKA_EVENT, {**_EVENT, "sendOutcome": False}, 30_000, peer_payload.message),
    Case("http: five static targets,", HTTP, {"targets": _STATIC}, 1_000_000, None),
    Case("http: a template with three providers,", HTTP, _TEMPLATE, 80_000, peer_payload.order),
    Case("replay", REPLAY, {"file": "access.log", "byPath": True}, 1_000_000, None, files={"access.log": access_log()}),
)  # fmt: skip
