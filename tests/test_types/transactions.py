"""What tests of transactions share: parameters of any shape, and checks of envelope header and payload."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from test_types.spans import STATUSES
from tests.test_types.payloads import (
    NOW,
    bounds,
    check_breadcrumbs,
    check_contexts,
    check_trace,
    check_user,
    words,
)

RFC3339_US = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
DURATIONS = ("transactionDurationMin", "transactionDurationMax")

shapes = st.builds(
    lambda *parts: {name: value for part in parts for name, value in part.items()},
    bounds("minSpans", "maxSpans", 30),
    bounds("minBreadcrumbs", "maxBreadcrumbs", 8),
    bounds("transactionDurationMin", "transactionDurationMax", 10**13),
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("numReleases", "numUsers"), st.integers(0, 20)),
            **dict.fromkeys(
                ("breadcrumbCategories", "breadcrumbLevels", "breadcrumbsTypes", "breadcrumbMessages"), words
            ),
            **dict.fromkeys(("measurements", "operations"), words),
        },
    ),
)
"""Parameters that all types of transactions have; durations are in nanoseconds."""


def wire(shape: dict[str, Any]) -> dict[str, Any]:
    """The parameters as JSON has them."""
    return shape | {name: f"{shape[name]}ns" for name in DURATIONS}


def check_transaction(header: dict[str, Any], transaction: dict[str, Any], shape: dict[str, Any]) -> None:
    """Keys, types and ranges are those that the shape calls for, whoever sends it, and whenever it ended."""
    check_header(header, transaction)
    check_duration(transaction, shape)
    check_names(transaction, shape)
    check_user(transaction["user"], shape)
    contexts = transaction["contexts"]
    assert list(contexts) == ["os", "device", "app", "trace"]
    check_contexts(contexts)
    check_trace(contexts["trace"], shape.get("operations", []))
    check_breadcrumbs(transaction.get("breadcrumbs", []), shape, "breadcrumbsTypes")
    check_measurements(transaction, shape)
    spans = transaction.get("spans", [])
    assert ("spans" in transaction) == bool(spans)
    assert shape["minSpans"] <= len(spans) <= shape["maxSpans"]


def delay_us(transaction: dict[str, Any]) -> int:
    """How many microseconds ago the transaction ended."""
    return (NOW - datetime.fromisoformat(transaction["timestamp"])) // timedelta(microseconds=1)


def check_header(header: dict[str, Any], transaction: dict[str, Any]) -> None:
    """The envelope header has its four keys in alphabetical order and agrees with the payload."""
    assert list(header) == ["event_id", "public_key", "sent_at", "trace_id"]
    assert header["sent_at"] == "2025-01-02T15:04:05.123456789Z"
    assert header["event_id"] == transaction["event_id"]
    assert header["trace_id"] == transaction["contexts"]["trace"]["trace_id"]
    for name in ("event_id", "trace_id"):
        assert UUID(header[name]).hex == header[name]
        assert UUID(header[name]).version == 4


def check_duration(transaction: dict[str, Any], shape: dict[str, Any]) -> None:
    """The transaction took as long as allowed; its spans are inside of it."""
    assert RFC3339_US.fullmatch(transaction["timestamp"])
    assert RFC3339_US.fullmatch(transaction["start_timestamp"])
    end, start = (datetime.fromisoformat(transaction[name]) for name in ("timestamp", "start_timestamp"))
    microsecond = timedelta(microseconds=1)
    shortest, longest = (timedelta(microseconds=shape[name] / 1000) for name in DURATIONS)
    assert shortest - microsecond <= end - start <= longest
    trace = transaction["contexts"]["trace"]
    for number, span in enumerate(transaction.get("spans", [])):
        assert start.timestamp() <= span["start_timestamp"] <= span["timestamp"] <= end.timestamp()
        assert span["trace_id"] == trace["trace_id"]
        assert number > 0 or span["parent_span_id"] == trace["span_id"]
        assert span["status"] in STATUSES
        assert span.get("op") in (shape.get("operations") or [None])


def check_names(transaction: dict[str, Any], shape: dict[str, Any]) -> None:
    """Type, release, name, logger and environment are of their sets, and nothing else is in the payload."""
    assert set(transaction) <= {
        "type", "timestamp", "start_timestamp", "event_id", "release", "transaction", "logger", "environment", "user",
        "contexts", "breadcrumbs", "measurements", "spans",
    }  # fmt: skip
    assert transaction["type"] == "transaction"
    releases = [f"release{n}" for n in range(shape.get("numReleases", 0))]
    assert ("release" in transaction) == bool(releases)
    assert transaction.get("release", "") in [*releases, ""]
    assert transaction.get("transaction") in {None, *(f"mytransaction{n}" for n in range(100))}
    assert transaction.get("logger") in {None, "foo.bar.baz", "bam.baz.bad"}
    assert transaction["environment"] in {"production", "development", "staging"}


def check_measurements(transaction: dict[str, Any], shape: dict[str, Any]) -> None:
    """Every listed measurement has one value; without any there is no such key."""
    names = shape.get("measurements", [])
    assert ("measurements" in transaction) == bool(names)
    measurements = transaction.get("measurements", {})
    assert list(measurements) == names
    for measurement in measurements.values():
        assert list(measurement) == ["value"]
        assert isinstance(measurement["value"], float)
        assert 0 <= measurement["value"] <= 1000
