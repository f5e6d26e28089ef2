"""How fast payloads are made, on one core, beside a generator that encodes a tree of dicts per payload.

Speeds are payloads per second of CPU time, so that other work on the machine does not count against them. The peer
makes payloads of the same shape in the plain way (`peer_payload.py`) and is encoded once with `json` and once with
msgspec; the ratio to it is the figure that carries over to other machines. What is always the same has no peer. The
size of a payload is that of the body.

Run it with `python -m bench.generation`.
"""

import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from bench.row import Row
from load_tester.domain.project import MadeUpProjects
from load_tester.domain.request import Request, RequestMaker
from load_tester.domain.test_type import BuildContext, TestType
from test_types.clickhouse_insert import CLICKHOUSE_INSERT
from test_types.clickhouse_query import CLICKHOUSE_QUERY
from test_types.event import EVENT
from test_types.http import HTTP
from test_types.metric_bucket import METRIC_BUCKET
from test_types.session import SESSION
from test_types.transaction import TRANSACTION
from test_types.transaction_v2 import TRANSACTION_V2

REPEATS: Final = 9
REPEAT_S: Final = 0.25
"""CPU seconds of one repeat, about."""

START_NS: Final = 1_735_830_245_123_456_789
INTERVAL_NS: Final = 20_000
"""From hit to hit, as at 50 000 hits per second."""
SIZED: Final = 1_000
"""So many payloads are looked at to say how large one is."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test type: the parameters it is measured with, the least rate required, and its peer with an encoder."""

    name: str
    test_type: TestType[Any]
    params: dict[str, Any]
    required: int
    peer: Callable[[Encode], Maker] | None


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
    Case("http: five static targets,", HTTP, {"targets": _STATIC}, 1_000_000, None),
    Case("http: a template with three providers,", HTTP, _TEMPLATE, 80_000, peer_payload.order),
)


def ours(case: Case) -> RequestMaker:
    """The test type's own generator."""
    context = BuildContext(random.Random(1), MadeUpProjects())
    return case.test_type.build(case.test_type.decode(case.params), context).request


def size_bytes(make: RequestMaker) -> float:
    """How large a body is, on average."""
    return statistics.fmean(len(_request(make, seq).body) for seq in range(SIZED))


def _request(make: RequestMaker, seq: int) -> Request:
    request: Request = make(seq, START_NS + seq * INTERVAL_NS)
    return request


def speeds(make: Callable[[int, int], object]) -> tuple[float, float]:
    """Payloads per second of CPU time: the best and the median of the repeats."""
    hits = max(10, int(REPEAT_S / _seconds(make, 200) * 200))
    measured = sorted(hits / _seconds(make, hits) for _ in range(REPEATS))
    return measured[-1], statistics.median(measured)


def _seconds(make: Callable[[int, int], object], hits: int) -> float:
    started = time.process_time()
    for seq in range(hits):
        make(seq, START_NS + seq * INTERVAL_NS)
    return time.process_time() - started


def rows() -> Iterator[Row]:
    """What was measured of each case; it is as required when the median reaches that."""
    for case in CASES:
        make = ours(case)
        best, median = speeds(make)
        yield Row(
            what=f"{case.name} payloads per second and core",
            measured=f"{median:,.0f} (best {best:,.0f}), {size_bytes(make):,.0f} bytes each",
            required=f">= {case.required:,}",
            ok=median >= case.required,
            peers=_beside(case, median),
        )


def _beside(case: Case, median: float) -> str:
    if case.peer is None:
        return ""
    _, with_json = speeds(case.peer(lambda tree: json.dumps(tree).encode()))
    _, with_msgspec = speeds(case.peer(msgspec.json.encode))
    return (
        f"{median / with_json:.1f} times as fast as dicts through json, "
        f"{median / with_msgspec:.1f} times as fast as dicts through msgspec"
    )


def main() -> None:
    """Print the table."""
    for row in rows():
        print(f"{row.what}: {row.measured}; required {row.required}: {'ok' if row.ok else 'MISSED'}; {row.peers}")


if __name__ == "__main__":
    main()
