"""Payloads made in the plain way: `uuid`, `datetime`, `random.choice`, one dict per object.

They have the shape of what the test types make with the parameters of `generation.CASES`.
"""

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

import msgspec

from test_types.breadcrumbs import CATEGORIES, LEVELS, MESSAGES, TYPES
from test_types.contexts import BRANDS, FLAGS, MANUFACTURERS, ORIENTATIONS, SIZES
from test_types.event_shape import WORDS
from test_types.stack_trace import BUNDLES, JAVASCRIPT_ERRORS

SPANS: Final = 20
BREADCRUMBS: Final = 15
OPERATIONS: Final = ("browser", "http", "db")
MEASUREMENTS: Final = ("fp", "lcp")
FRAMES: Final = 20
BUCKETS_OF_A_KIND: Final = 2
VALUES: Final = 10
TAGS: Final = 3
ROWS: Final = 100

Encode = Callable[[Any], bytes]
"""Encodes a tree of dicts."""
Maker = Callable[[int, int], bytes]
"""Makes one payload: `(seq, now_ns)`."""


def enveloped(tree: Callable[[], Any], item_type: str, encode: Encode) -> Maker:
    """A generator that encodes a tree of dicts per payload, framed as an envelope."""

    def make(_seq: int, _now_ns: int) -> bytes:
        header = encode({"event_id": uuid.uuid4().hex, "sent_at": datetime.now(UTC).isoformat()})
        payload = encode(tree())
        return b"\n".join((header, encode({"type": item_type, "length": len(payload)}), payload, b""))

    return make


def outcome(encode: Encode) -> Maker:
    """A generator of outcomes that encodes a dict."""

    def make(_seq: int, _now_ns: int) -> bytes:
        number = random.choices(range(5), (8, 1, 1, 1, 1))[0]
        reason = (None, "filtered", "limit reached", "bad event", "abuse")[number]
        tree = {
            "project_id": random.randint(1, 10),
            "timestamp": datetime.now(UTC).isoformat(timespec="microseconds"),
            "outcome": number,
            "event_id": uuid.uuid4().hex,
        }
        return encode(tree if reason is None else {**tree, "reason": reason})

    return make


def message(encode: Encode) -> Maker:
    """A generator of events in messages for Kafka that encodes a tree of dicts, and a dict around it."""

    def make(_seq: int, _now_ns: int) -> bytes:
        event_id, project = uuid.uuid4().hex, random.randint(1, 10)
        payload = encode({**event(), "event_id": event_id, "project": project}).decode()
        return msgspec.msgpack.encode(
            {
                "type": "event",
                "payload": payload,
                "start_time": datetime.now(UTC).timestamp(),
                "event_id": event_id,
                "project_id": project,
                "attachments": [],
            }
        )

    return make


def insert(encode: Encode) -> Maker:
    """A generator of inserts that encodes a dict per row."""

    def make(seq: int, _now_ns: int) -> bytes:
        return b"".join([encode(row(number)) + b"\n" for number in range(seq * ROWS, seq * ROWS + ROWS)])

    return make


def order(encode: Encode) -> Maker:
    """A generator of orders that encodes a dict; the path is in front of the body."""

    def make(_seq: int, _now_ns: int) -> bytes:
        user = random.randint(1, 100_000)
        color = random.choice(("red", "green", "blue"))
        body = encode({"user": user, "order": str(uuid.uuid4()), "color": color, "state": "new"})
        return f"/users/{user}/orders".encode() + body

    return make


def row(number: int) -> dict[str, Any]:
    """A row in the plain way."""
    return {
        "id": number,
        "name": random.choice(("red", "green", "blue")),
        "time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "value": random.uniform(0, 1),
    }


def session() -> dict[str, Any]:
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


def transaction() -> dict[str, Any]:
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
        "user": user(),
        "contexts": contexts()
        | {
            "trace": {
                "type": "trace",
                "trace_id": trace_id,
                "span_id": span_id,
                "parent_span_id": uuid.uuid4().hex[:16],
                "op": random.choice(OPERATIONS),
                "status": "ok",
            },
        },
        "breadcrumbs": breadcrumbs(now),
        "measurements": {name: {"value": random.uniform(0, 1000)} for name in MEASUREMENTS},
        "spans": list(spans(trace_id, span_id, start.timestamp(), now.timestamp())),
    }


def user() -> dict[str, Any]:
    """A user in the plain way."""
    return {
        "ip_address": ".".join(str(random.randrange(255)) for _ in range(4)),
        "username": f"Hobgoblin{random.random():.6f}",
        "id": str(random.randrange(1000)),
    }


def contexts() -> dict[str, Any]:
    """Operating system, device and app in the plain way."""
    return {
        "os": operating_system() if random.random() < 0.5 else {},
        "device": device() if random.random() < 0.5 else {},
        "app": {"type": "app", "app_version": "1.2.3", "app_build": "1.2.3"} if random.random() < 0.5 else {},
    }


def breadcrumbs(now: datetime) -> list[dict[str, Any]]:
    """Breadcrumbs in the plain way."""
    return [
        {
            "timestamp": now.timestamp(),
            "type": random.choice(TYPES),
            "category": random.choice(CATEGORIES),
            "level": random.choice(LEVELS),
            "message": random.choice(MESSAGES),
        }
        for _ in range(BREADCRUMBS)
    ]


def operating_system() -> dict[str, Any]:
    """An operating system in the plain way."""
    version = ".".join(str(random.randrange(10)) for _ in range(3))
    return {"type": "os", "rooted": random.random() < 0.5, "version": version, "name": "Android"}


def device() -> dict[str, Any]:
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


def spans(trace_id: str, root_id: str, start: float, end: float) -> Iterator[dict[str, Any]]:
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


def event() -> dict[str, Any]:
    """An event with a JavaScript stack trace in the plain way."""
    now = datetime.now(UTC)
    kind, value = random.choice(JAVASCRIPT_ERRORS)
    return {
        "event_id": uuid.uuid4().hex,
        "platform": "javascript",
        "timestamp": now.timestamp(),
        "level": random.choice(("error", "debug")),
        "fingerprint": [f"fingerprint{random.randrange(100)}"],
        "release": f"release{random.randrange(10)}",
        "transaction": f"mytransaction{random.randrange(100)}",
        "logger": random.choice(("foo.bar.baz", "bam.baz.bad")),
        "environment": random.choice(("production", "development", "staging")),
        "logentry": {"formatted": " ".join(random.choices(WORDS, k=8))},
        "user": user(),
        "contexts": contexts(),
        "breadcrumbs": breadcrumbs(now),
        "exception": {
            "values": [
                {
                    "type": kind,
                    "value": value,
                    "mechanism": {"type": "onerror", "handled": False},
                    "stacktrace": {"frames": [frame() for _ in range(FRAMES)]},
                }
            ]
        },
    }


def frame() -> dict[str, Any]:
    """A frame of a JavaScript stack trace in the plain way."""
    file, in_app, functions = random.choice(BUNDLES)
    return {
        "filename": file,
        "function": random.choice(functions),
        "lineno": random.randint(1, 200),
        "colno": random.randint(1, 80),
        "in_app": in_app,
    }


def metric_buckets() -> list[dict[str, Any]]:
    """Metric buckets in the plain way."""
    now_s = int(datetime.now(UTC).timestamp())
    values = (("c", counter), ("s", members), ("d", distribution), ("g", gauge))
    return [
        {
            "name": f"{kind}:transactions/metric{random.randrange(50)}@none",
            "unit": "none",
            "width": 2,
            "type": kind,
            "value": make(),
            "timestamp": now_s,
            "tags": {f"t{number}": f"v{random.randint(1, 5)}" for number in range(1, TAGS + 1)},
        }
        for kind, make in values
        for _ in range(BUCKETS_OF_A_KIND)
    ]


def counter() -> int:
    """The value of a counter."""
    return 33


def members() -> list[int]:
    """The values of a set in the plain way."""
    return list(accumulate(random.randint(1, 5) for _ in range(VALUES)))


def distribution() -> list[float]:
    """The values of a distribution in the plain way."""
    return list(accumulate(random.uniform(0, 5) for _ in range(VALUES)))


def gauge() -> dict[str, Any]:
    """The values of a gauge in the plain way."""
    least, most, count = random.uniform(1, 101), random.uniform(101, 201), random.randint(4, 53)
    last = random.uniform(least, most)
    return {"max": most, "min": least, "sum": count * (least + most) / 2, "last": last, "count": count}
