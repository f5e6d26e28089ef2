"""Test type `transaction`: every field of the payload, over many parameters and seeds."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_tester.domain.project import MadeUpProjects
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.breadcrumbs import CATEGORIES, LEVELS, MESSAGES, TYPES
from test_types.contexts import BRANDS, FLAGS, SIZES
from test_types.spans import STATUSES
from test_types.transaction import TRANSACTION

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
NOW = datetime.fromisoformat("2025-01-02T15:04:05.123456Z")
NOW_S = 1_735_830_245.123456
SPAN_ID = re.compile("[0-9a-f]{16}")
RFC3339_US = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
VERSION = re.compile(r"\d\.\d\.\d")


def envelopes(params: dict[str, Any], hits: int, seed: int = 1) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The envelope headers and payloads of the first hits, all of them now."""
    targeter = TRANSACTION.build(TRANSACTION.decode(params), BuildContext(Random(seed), MadeUpProjects()))
    for seq in range(hits):
        header, _, payload, _ = targeter.request(seq, AFTERNOON_NS).body.split(b"\n")
        yield json.loads(header), json.loads(payload)


def transactions(params: dict[str, Any], hits: int, seed: int = 1) -> list[dict[str, Any]]:
    """The payloads of the first hits, all of them now."""
    return [payload for _, payload in envelopes(params, hits, seed)]


def bounds(low: str, high: str, largest: int) -> st.SearchStrategy[dict[str, int]]:
    """Two parameters in order."""
    return st.tuples(st.integers(0, largest), st.integers(1, largest)).map(
        lambda pair: {low: min(pair), high: max(pair)}
    )


words = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), max_size=4, unique=True)
parameters = st.builds(
    lambda *parts: {name: value for part in parts for name, value in part.items()},
    bounds("minSpans", "maxSpans", 30),
    bounds("minBreadcrumbs", "maxBreadcrumbs", 8),
    bounds("transactionDurationMin", "transactionDurationMax", 10**13),
    st.fixed_dictionaries(
        {"transactionTimestampSpread": st.integers(0, 10**14)},
        optional={
            **dict.fromkeys(("numReleases", "numUsers", "numProjects"), st.integers(0, 20)),
            **dict.fromkeys(
                ("breadcrumbCategories", "breadcrumbLevels", "breadcrumbsTypes", "breadcrumbMessages"), words
            ),
            **dict.fromkeys(("measurements", "operations"), words),
        },
    ),
)
DURATIONS = ("transactionDurationMin", "transactionDurationMax", "transactionTimestampSpread")


@settings(deadline=None)
@given(parameters, st.integers(0, 2**64))
def test_every_field_is_as_described(params: dict[str, Any], seed: int) -> None:
    """Keys, types and ranges of envelope header and payload hold for any parameters and any seed."""
    wire = params | {name: f"{params[name]}ns" for name in DURATIONS}
    for header, transaction in envelopes(wire, 3, seed):
        check_header(header, transaction, params)
        check_times(transaction, params)
        check_names(transaction, params)
        check_user(transaction["user"], params)
        check_contexts(transaction["contexts"], params)
        check_breadcrumbs(transaction.get("breadcrumbs", []), params)
        check_measurements(transaction, params)
        spans = transaction.get("spans", [])
        assert ("spans" in transaction) == bool(spans)
        assert params["minSpans"] <= len(spans) <= params["maxSpans"]


def check_header(header: dict[str, Any], transaction: dict[str, Any], params: dict[str, Any]) -> None:
    """The envelope header has its four keys in alphabetical order and agrees with the payload."""
    assert list(header) == ["event_id", "public_key", "sent_at", "trace_id"]
    assert header["sent_at"] == "2025-01-02T15:04:05.123456789Z"
    assert header["event_id"] == transaction["event_id"]
    assert header["trace_id"] == transaction["contexts"]["trace"]["trace_id"]
    assert int(header["public_key"].lstrip("a")) in range(1, (params.get("numProjects") or 1) + 1)
    for name in ("event_id", "trace_id"):
        assert UUID(header[name]).hex == header[name]
        assert UUID(header[name]).version == 4


def check_times(transaction: dict[str, Any], params: dict[str, Any]) -> None:
    """The transaction ended within the spread before now and took as long as allowed; its spans are inside of it."""
    assert RFC3339_US.fullmatch(transaction["timestamp"])
    assert RFC3339_US.fullmatch(transaction["start_timestamp"])
    end, start = (datetime.fromisoformat(transaction[name]) for name in ("timestamp", "start_timestamp"))
    microsecond = timedelta(microseconds=1)
    assert timedelta() <= NOW - end <= timedelta(microseconds=params["transactionTimestampSpread"] / 1000)
    shortest, longest = (timedelta(microseconds=params[name] / 1000) for name in DURATIONS[:2])
    assert shortest - microsecond <= end - start <= longest
    trace = transaction["contexts"]["trace"]
    for number, span in enumerate(transaction.get("spans", [])):
        assert start.timestamp() <= span["start_timestamp"] <= span["timestamp"] <= end.timestamp()
        assert span["trace_id"] == trace["trace_id"]
        assert number > 0 or span["parent_span_id"] == trace["span_id"]
        assert span["status"] in STATUSES
        assert span.get("op") in (params.get("operations") or [None])


def check_names(transaction: dict[str, Any], params: dict[str, Any]) -> None:
    """Type, release, name, logger and environment are of their sets, and nothing else is in the payload."""
    assert set(transaction) <= {
        "type", "timestamp", "start_timestamp", "event_id", "release", "transaction", "logger", "environment", "user",
        "contexts", "breadcrumbs", "measurements", "spans",
    }  # fmt: skip
    assert transaction["type"] == "transaction"
    releases = [f"release{n}" for n in range(params.get("numReleases", 0))]
    assert ("release" in transaction) == bool(releases)
    assert transaction.get("release", "") in [*releases, ""]
    assert transaction.get("transaction") in {None, *(f"mytransaction{n}" for n in range(100))}
    assert transaction.get("logger") in {None, "foo.bar.baz", "bam.baz.bad"}
    assert transaction["environment"] in {"production", "development", "staging"}


def check_user(user: dict[str, Any], params: dict[str, Any]) -> None:
    """The user has an address, and with `numUsers` above 0 a name and an id."""
    octets = user.pop("ip_address").split(".")
    assert len(octets) == 4
    assert all(octet in {str(n) for n in range(255)} for octet in octets)
    num_users = params.get("numUsers", 0)
    assert set(user) == ({"username", "id"} if num_users else set())
    if num_users:
        assert re.fullmatch(r"Hobgoblin[01]\.\d{6}", user["username"])
        assert user["id"] in {str(n) for n in range(num_users)}


def check_contexts(contexts: dict[str, Any], params: dict[str, Any]) -> None:
    """Each context is empty or has its fields; the trace is always there."""
    assert list(contexts) == ["os", "device", "app", "trace"]
    if system := contexts["os"]:
        assert set(system) == {"type", "rooted", "kernel_version", "version", "build", "name"}
        assert (system["type"], isinstance(system["rooted"], bool)) == ("os", True)
        assert VERSION.fullmatch(system["version"])
        assert system["name"] in {"Android", "NookPhone"}
    if app := contexts["app"]:
        assert VERSION.fullmatch(app.pop("app_version"))
        assert VERSION.fullmatch(app.pop("app_build"))
        assert app == {"type": "app", "app_identifier": "io.sentry.sample", "app_name": "sample"}
    if contexts["device"]:
        check_device(contexts["device"])
    trace = contexts["trace"]
    assert set(trace) - {"op"} == {"type", "trace_id", "span_id", "parent_span_id", "status"}
    assert trace["type"] == "trace"
    assert trace.get("op") in (params.get("operations") or [None])
    assert trace["status"] in STATUSES
    assert SPAN_ID.fullmatch(trace["span_id"])
    assert SPAN_ID.fullmatch(trace["parent_span_id"])


DEVICE: dict[str, Callable[[Any], bool]] = {
    "type": lambda value: value == "device",
    "model": lambda value: value == "NYC-1",
    "model_id": lambda value: value == "NYC",
    "arch": lambda value: re.fullmatch(r"x[01]\.\d{6}", value) is not None,
    "orientation": lambda value: value in {"portrait", "landscape"},
    "manufacturer": lambda value: value in {"Google", "Hasbro"},
    "brand": lambda value: value in BRANDS,
    "boot_time": lambda value: NOW_S - 7 * 86_400 - 1 <= int(value) <= NOW_S,
}
"""What a device always has."""

OPTIONAL: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str),
    "family": lambda value: isinstance(value, str),
    "screen_resolution": lambda value: re.fullmatch(r"\d+x\d+", value) is not None,
    "battery_level": lambda value: value in range(1, 101),
    "screen_density": lambda value: value in range(1, 5),
    "screen_dpi": lambda value: value in range(1, 1000),
    **dict.fromkeys(FLAGS, lambda value: value is True),
    **dict.fromkeys(SIZES, lambda value: value in range(1, 1_000_000)),
}
"""What a device has unless it is zero, false or empty."""


def check_device(device: dict[str, Any]) -> None:
    """Every field of a device is in its range; those that are zero or false are left out."""
    assert set(DEVICE) <= set(device) <= set(DEVICE | OPTIONAL)
    for name, value in device.items():
        assert (DEVICE | OPTIONAL)[name](value), (name, value)


def check_breadcrumbs(breadcrumbs: list[dict[str, Any]], params: dict[str, Any]) -> None:
    """There are as many breadcrumbs as allowed, of the words given or the default ones, all of them now."""
    assert params["minBreadcrumbs"] <= len(breadcrumbs) <= params["maxBreadcrumbs"]
    for breadcrumb in breadcrumbs:
        assert list(breadcrumb) == ["timestamp", "type", "category", "level", "message"]
        assert breadcrumb["timestamp"] == NOW_S
        assert breadcrumb["type"] in (params.get("breadcrumbsTypes") or TYPES)
        assert breadcrumb["category"] in (params.get("breadcrumbCategories") or CATEGORIES)
        assert breadcrumb["level"] in (params.get("breadcrumbLevels") or LEVELS)
        assert breadcrumb["message"] in (params.get("breadcrumbMessages") or MESSAGES)


def check_measurements(transaction: dict[str, Any], params: dict[str, Any]) -> None:
    """Every listed measurement has one value; without any there is no such key."""
    names = params.get("measurements", [])
    assert ("measurements" in transaction) == bool(names)
    measurements = transaction.get("measurements", {})
    assert list(measurements) == names
    for measurement in measurements.values():
        assert list(measurement) == ["value"]
        assert isinstance(measurement["value"], float)
        assert 0 <= measurement["value"] <= 1000


def test_both_ends_of_every_range_are_reached() -> None:
    """Minimum and maximum of spans and breadcrumbs come up, and so do all releases and users."""
    params = {
        "minSpans": 2, "maxSpans": 4, "minBreadcrumbs": 1, "maxBreadcrumbs": 3, "numReleases": 2, "numUsers": 3,
    }  # fmt: skip
    seen = transactions(params, 500)
    assert {len(each["spans"]) for each in seen} == {2, 3, 4}
    assert {len(each["breadcrumbs"]) for each in seen} == {1, 2, 3}
    assert {each["release"] for each in seen} == {"release0", "release1"}
    assert {each["user"]["id"] for each in seen} == {"0", "1", "2"}
    assert {octet for each in transactions({}, 2000) for octet in each["user"]["ip_address"].split(".")} == {
        str(n) for n in range(255)
    }


def test_a_maximum_of_0_breadcrumbs_means_50() -> None:
    """As in the tool the parameters come from, 0 stands for the default."""
    lengths = {len(each.get("breadcrumbs", ())) for each in transactions({"maxBreadcrumbs": 0}, 1000)}
    assert lengths == set(range(51))


def test_what_may_be_missing_is_missing_as_often_as_described() -> None:
    """Half of the names and contexts and a third of the loggers are left out; every optional device field comes up."""
    seen = transactions({"maxSpans": 0, "maxBreadcrumbs": 1}, 4000)
    for share, present in (
        (1 / 2, [each for each in seen if "transaction" in each]),
        (2 / 3, [each for each in seen if "logger" in each]),
        (1 / 2, [each for each in seen if each["contexts"]["os"]]),
        (1 / 2, [each for each in seen if each["contexts"]["app"]]),
        (1 / 2, [each for each in seen if each["contexts"]["device"]]),
    ):
        assert 0.94 * share < len(present) / len(seen) < 1.06 * share
    devices = [each["contexts"]["device"] for each in seen if each["contexts"]["device"]]
    assert {name for device in devices for name in device} == set(DEVICE | OPTIONAL)
    assert {name for device in devices for name in OPTIONAL if name not in device} >= set(OPTIONAL) - set(SIZES)


def test_durations_and_delays_are_spread_evenly() -> None:
    """Durations are uniform between minimum and maximum, and so are the times since the end within the spread."""
    params = {
        "transactionDurationMin": "2s", "transactionDurationMax": "4s", "transactionTimestampSpread": "10s",
        "maxSpans": 0, "maxBreadcrumbs": 1,
    }  # fmt: skip
    durations, delays = [], []
    for each in transactions(params, 2000):
        end, start = (datetime.fromisoformat(each[name]) for name in ("timestamp", "start_timestamp"))
        durations.append((end - start).total_seconds())
        delays.append((NOW - end).total_seconds())
    for values, low, high in ((durations, 2, 4), (delays, 0, 10)):
        margin = (high - low) / 100
        assert low <= min(values) < low + margin
        assert high - margin < max(values) <= high
        assert abs(sum(values) / len(values) - (low + high) / 2) < 3 * margin


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"minSpans": 5, "maxSpans": 4}, ".minSpans", "minSpans (5) is above maxSpans (4)"),
        ({"minSpans": 11}, ".minSpans", "minSpans (11) is above maxSpans (10)"),
        ({"minBreadcrumbs": 9, "maxBreadcrumbs": 3}, ".minBreadcrumbs", "maxBreadcrumbs (3)"),
        ({"minBreadcrumbs": 51, "maxBreadcrumbs": 0}, ".minBreadcrumbs", "maxBreadcrumbs (50)"),
        (
            {"transactionDurationMin": "2m", "transactionDurationMax": "90s"},
            ".transactionDurationMin",
            "transactionDurationMin (2m0s) is above transactionDurationMax (1m30s)",
        ),
        ({"transactionDurationMin": "-1s"}, ".transactionDurationMin", "it must be 0s to 8760h0m0s"),
        ({"transactionTimestampSpread": "9000h"}, ".transactionTimestampSpread", "it must be 0s to 8760h0m0s"),
        ({"maxSpans": 10_001}, ".maxSpans", "<= 10000"),
        ({"measurements": ["lcp", "fp", "lcp"]}, ".measurements[2]", "'lcp' is listed twice"),
        (
            {"breadcrumbMessages": ["x"] * 50, "breadcrumbLevels": ["y"] * 50},
            ".breadcrumbMessages",
            "22500 combinations",
        ),
        ({"operations": [""]}, ".operations[0]", "length >= 1"),
        ({"breadcrumbLevels": ["x"] * 51}, ".breadcrumbLevels", "length <= 50"),
        ({"breadcrumbTypes": []}, ".breadcrumbTypes", "did you mean 'breadcrumbsTypes'?"),
    ],
)
def test_parameters_that_make_no_transaction_are_refused(params: dict[str, Any], path: str, words: str) -> None:
    """What is out of range, out of order or unknown is refused before anything starts, with the field's path."""
    with pytest.raises(InvalidParams) as caught:
        TRANSACTION.decode(params)
    assert caught.value.path == path
    assert words in caught.value.message
