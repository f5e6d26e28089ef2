"""How fast payloads are made, on one core, beside a generator that encodes a tree of dicts per payload.

Speeds are payloads per second of CPU time, so that other work on the machine does not count against them. The peer
makes payloads of the same shape in the plain way (`uuid`, `datetime`, `random.choice`, one dict per object) and is
encoded once with `json` and once with msgspec; the ratio to it is the figure that carries over to other machines.

Run it with `python -m bench.generation`.
"""

import json
import random
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from load_tester.domain.project import MadeUpProjects
from load_tester.domain.test_type import BuildContext, TestType
from test_types.breadcrumbs import CATEGORIES, LEVELS, MESSAGES, TYPES
from test_types.contexts import BRANDS, FLAGS, MANUFACTURERS, ORIENTATIONS, SIZES
from test_types.session import SESSION
from test_types.transaction import TRANSACTION

REPEATS: Final = 9
REPEAT_S: Final = 0.25
"""CPU seconds of one repeat, about."""

START_NS: Final = 1_735_830_245_123_456_789
INTERVAL_NS: Final = 20_000
"""From hit to hit, as at 50 000 hits per second."""

SPANS: Final = 20
BREADCRUMBS: Final = 15
OPERATIONS: Final = ("browser", "http", "db")
MEASUREMENTS: Final = ("fp", "lcp")

Maker = Callable[[int, int], object]
"""Makes one payload: `(seq, now_ns)`."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test type: the parameters it is measured with, the least rate required, and its peer's tree of dicts."""

    test_type: TestType[Any]
    params: dict[str, Any]
    required: int
    peer: Callable[[], dict[str, Any]]


def peer_session() -> dict[str, Any]:
    """A session in the plain way."""
    now = datetime.now(UTC)
    status = random.choices(("ok", "exited", "errored", "crashed"), (4, 3, 2, 1))[0]
    started = now - timedelta(seconds=120) - timedelta(seconds=random.uniform(0, 3600))
    return {
        "init": status == "ok",
        "started": started.isoformat(timespec="milliseconds"),
        "status": status,
        "errors": random.randint(1, 19) if status == "errored" else 0,
        "duration": random.uniform(0, 120),
        "sid": uuid.uuid4().hex,
        "did": f"u-{random.randrange(1000)}",
        "seq": 0 if status == "ok" else random.randrange(5),
        "timestamp": now.isoformat(timespec="milliseconds"),
        "attrs": {
            "release": f"r-1.0.{random.randrange(10)}",
            "environment": f"environment-{random.randrange(5)}",
        },
    }


def peer_transaction() -> dict[str, Any]:
    """A transaction in the plain way."""
    now = datetime.now(UTC)
    start = now - timedelta(seconds=random.uniform(1, 10))
    trace_id, span_id = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    return {
        "type": "transaction",
        "timestamp": now.isoformat(),
        "start_timestamp": start.isoformat(),
        "event_id": uuid.uuid4().hex,
        "release": f"release{random.randrange(10)}",
        "transaction": f"mytransaction{random.randrange(100)}",
        "logger": random.choice(("foo.bar.baz", "bam.baz.bad")),
        "environment": random.choice(("production", "development", "staging")),
        "user": {
            "ip_address": ".".join(str(random.randrange(255)) for _ in range(4)),
            "username": f"Hobgoblin{random.random():.6f}",
            "id": str(random.randrange(1000)),
        },
        "contexts": {
            "os": peer_os() if random.random() < 0.5 else {},
            "device": peer_device() if random.random() < 0.5 else {},
            "app": {"type": "app", "app_version": "1.2.3", "app_build": "1.2.3"} if random.random() < 0.5 else {},
            "trace": {
                "type": "trace",
                "trace_id": trace_id,
                "span_id": span_id,
                "parent_span_id": uuid.uuid4().hex[:16],
                "op": random.choice(OPERATIONS),
                "status": "ok",
            },
        },
        "breadcrumbs": [
            {
                "timestamp": now.timestamp(),
                "type": random.choice(TYPES),
                "category": random.choice(CATEGORIES),
                "level": random.choice(LEVELS),
                "message": random.choice(MESSAGES),
            }
            for _ in range(BREADCRUMBS)
        ],
        "measurements": {name: {"value": random.uniform(0, 1000)} for name in MEASUREMENTS},
        "spans": list(peer_spans(trace_id, span_id, start.timestamp(), now.timestamp())),
    }


def peer_os() -> dict[str, Any]:
    """An operating system in the plain way."""
    version = ".".join(str(random.randrange(10)) for _ in range(3))
    return {"type": "os", "rooted": random.random() < 0.5, "version": version, "name": "Android"}


def peer_device() -> dict[str, Any]:
    """A device in the plain way."""
    return {
        "type": "device",
        "model": "NYC-1",
        "arch": f"x{random.random():.6f}",
        "battery_level": random.randrange(101),
        "orientation": random.choice(ORIENTATIONS),
        "manufacturer": random.choice(MANUFACTURERS),
        "brand": random.choice(BRANDS),
        "screen_dpi": random.randrange(1000),
        **{flag: random.random() < 0.5 for flag in FLAGS},
        **{size: random.randrange(1_000_000) for size in SIZES},
    }


def peer_spans(trace_id: str, root_id: str, start: float, end: float) -> Iterator[dict[str, Any]]:
    """A span tree in the plain way."""
    parents = [(root_id, start, end)]
    made = 0
    for parent_id, first, last in parents:
        children = min(random.randint(1, 3), SPANS - made)
        if not children:
            return
        made += children
        width = (last - first) / children
        for number in reversed(range(children)):
            span_id = uuid.uuid4().hex[:16]
            lower, upper = first + width * number, first + width * (number + 1)
            parents.append((span_id, lower, upper))
            yield {
                "timestamp": upper,
                "start_timestamp": lower,
                "op": random.choice(OPERATIONS),
                "span_id": span_id,
                "parent_span_id": parent_id,
                "trace_id": trace_id,
                "status": "ok" if random.random() < 0.99 else "aborted",
            }


CASES: Final = (
    Case(
        SESSION,
        {
            "numProjects": 10, "startedRange": "1h", "durationRange": "2m", "numReleases": 10, "numEnvironments": 5,
            "numUsers": 1000, "okWeight": 4, "exitedWeight": 3, "erroredWeight": 2, "crashedWeight": 1,
        },
        60_000,
        peer_session,
    ),
    Case(
        TRANSACTION,
        {
            "numProjects": 10, "transactionTimestampSpread": "5s", "transactionDurationMin": "1s",
            "transactionDurationMax": "10s", "minSpans": SPANS, "maxSpans": SPANS, "minBreadcrumbs": BREADCRUMBS,
            "maxBreadcrumbs": BREADCRUMBS, "numReleases": 10, "numUsers": 1000, "measurements": list(MEASUREMENTS),
            "operations": list(OPERATIONS),
        },
        15_000,
        peer_transaction,
    ),
)  # fmt: skip


def ours(case: Case) -> Maker:
    """The test type's own generator."""
    context = BuildContext(random.Random(1), MadeUpProjects())
    return case.test_type.build(case.test_type.decode(case.params), context).request


def plain(tree: Callable[[], dict[str, Any]], encode: Callable[[Any], bytes], item_type: str) -> Maker:
    """A generator that encodes a tree of dicts per payload, framed as an envelope."""

    def make(_seq: int, _now_ns: int) -> bytes:
        header = encode({"event_id": uuid.uuid4().hex, "sent_at": datetime.now(UTC).isoformat()})
        payload = encode(tree())
        return b"\n".join((header, encode({"type": item_type, "length": len(payload)}), payload, b""))

    return make


def speeds(make: Maker) -> tuple[float, float]:
    """Payloads per second of CPU time: the best and the median of the repeats."""
    hits = max(10, int(REPEAT_S / _seconds(make, 200) * 200))
    measured = sorted(hits / _seconds(make, hits) for _ in range(REPEATS))
    return measured[-1], statistics.median(measured)


def _seconds(make: Maker, hits: int) -> float:
    started = time.process_time()
    for seq in range(hits):
        make(seq, START_NS + seq * INTERVAL_NS)
    return time.process_time() - started


def rows() -> list[tuple[str, str, str, bool]]:
    """What was measured, the figure, what is required, and whether the median reaches it."""
    table = []
    for case in CASES:
        name = case.test_type.name
        best, median = speeds(ours(case))
        _, with_json = speeds(plain(case.peer, lambda tree: json.dumps(tree).encode(), name))
        _, with_msgspec = speeds(plain(case.peer, msgspec.json.encode, name))
        measured = (
            f"{median:,.0f} (best {best:,.0f}): {median / with_json:.1f} times as fast as dicts through json, "
            f"{median / with_msgspec:.1f} times as fast as dicts through msgspec"
        )
        what = f"{name} payloads per second and core"
        table.append((what, measured, f">= {case.required:,}", median >= case.required))
    return table


def main() -> None:
    """Print the table."""
    for what, measured, required, ok in rows():
        print(f"{what}: {measured}; required {required}: {'ok' if ok else 'MISSED'}")


if __name__ == "__main__":
    main()
