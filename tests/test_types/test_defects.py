"""The defects of the ancestor's generators that must not come back, each with its own test."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from load_tester.domain.project import MadeUpProjects
from load_tester.domain.test_type import BuildContext, TestType
from test_types.metric_bucket import METRIC_BUCKET
from test_types.session import SESSION
from test_types.transaction import TRANSACTION

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
AFTERNOON = datetime.fromisoformat("2025-01-02T15:04:05.123456Z")


def payloads(test_type: TestType[Any], params: dict[str, Any], hits: int = 50) -> list[Any]:
    """The payloads of the first hits of an attack, all of them in the same afternoon."""
    context = BuildContext(Random(7), MadeUpProjects())
    request = test_type.build(test_type.decode(params), context).request
    return [json.loads(request(seq, AFTERNOON_NS).body.split(b"\n")[2]) for seq in range(hits)]


def moment(text: str) -> datetime:
    """An RFC 3339 text."""
    return datetime.fromisoformat(text)


def test_an_afternoon_is_written_with_a_24_hour_clock() -> None:
    """15:04 is not written as 03:04."""
    (session,) = payloads(SESSION, {}, 1)
    assert session["timestamp"] == session["started"] == "2025-01-02T15:04:05.123Z"
    (transaction,) = payloads(TRANSACTION, {}, 1)
    assert transaction["timestamp"] == "2025-01-02T15:04:05.123456Z"


def test_the_ranges_of_a_session_are_not_swapped() -> None:
    """`startedRange` spreads the start and `durationRange` the duration."""
    wide_start = payloads(SESSION, {"startedRange": "10h", "durationRange": "1s"})
    assert max(session["duration"] for session in wide_start) <= 1
    assert min(moment(session["started"]) for session in wide_start) < AFTERNOON - timedelta(hours=8)
    wide_duration = payloads(SESSION, {"startedRange": "1s", "durationRange": "10h"})
    assert max(session["duration"] for session in wide_duration) > 8 * 3600
    starts = [moment(session["started"]) for session in wide_duration]
    assert max(starts) - min(starts) <= timedelta(seconds=1)


def test_a_session_ends_before_now() -> None:
    """However long it lasted, no session ends after the time it is reported at."""
    for session in payloads(SESSION, {"startedRange": "500ms", "durationRange": "2h"}, 500):
        assert moment(session["started"]) + timedelta(seconds=session["duration"]) <= moment(session["timestamp"])


def test_a_range_below_a_second_is_not_turned_into_a_millisecond() -> None:
    """A start range of 900 ms is spread over 900 ms."""
    starts = [moment(session["started"]) for session in payloads(SESSION, {"startedRange": "900ms"}, 300)]
    assert max(starts) - min(starts) > timedelta(milliseconds=800)


def test_the_spread_of_transactions_is_no_constant() -> None:
    """The time since the end of a transaction differs from hit to hit, up to the spread."""
    delays = [
        AFTERNOON - moment(each["timestamp"]) for each in payloads(TRANSACTION, {"transactionTimestampSpread": "1h"})
    ]
    assert len(set(delays)) == len(delays)
    assert (
        timedelta() <= min(delays) < timedelta(minutes=15) < timedelta(minutes=45) < max(delays) <= timedelta(hours=1)
    )


def test_the_shortest_duration_of_transactions_is_kept() -> None:
    """`transactionDurationMin` is the least, not ignored."""
    params = {"transactionDurationMin": "5s", "transactionDurationMax": "6s"}
    for each in payloads(TRANSACTION, params):
        duration = moment(each["timestamp"]) - moment(each["start_timestamp"])
        assert timedelta(seconds=5) <= duration <= timedelta(seconds=6)


def test_keys_are_those_of_the_sentry_protocol() -> None:
    """The name, the type, a breadcrumb's type, the system's build and measurements are where Relay looks for them."""
    seen = payloads(TRANSACTION, {"measurements": ["lcp"], "minBreadcrumbs": 1})
    assert all(each["type"] == "transaction" for each in seen)
    assert any("transaction" in each for each in seen)
    assert not any("transactionJob" in each for each in seen)
    breadcrumbs = [breadcrumb for each in seen for breadcrumb in each["breadcrumbs"]]
    assert all("type" in breadcrumb and "ty" not in breadcrumb for breadcrumb in breadcrumbs)
    systems = [each["contexts"]["os"] for each in seen if each["contexts"]["os"]]
    assert systems
    assert all("build" in system and "built" not in system for system in systems)
    assert all(list(each["measurements"]["lcp"]) == ["value"] for each in seen)


def test_the_times_of_a_transaction_have_fractions_and_enclose_its_spans() -> None:
    """No span lies outside of its transaction."""
    for each in payloads(TRANSACTION, {"minSpans": 5, "transactionDurationMax": "10ms"}):
        start, end = moment(each["start_timestamp"]).timestamp(), moment(each["timestamp"]).timestamp()
        assert all(start <= span["start_timestamp"] <= span["timestamp"] <= end for span in each["spans"])


@pytest.mark.parametrize("test_type", [SESSION, TRANSACTION, METRIC_BUCKET])
@pytest.mark.parametrize("number", [0, None])
def test_counts_of_zero_or_none_have_defaults(test_type: TestType[Any], number: int | None) -> None:
    """No count that is 0, null or absent breaks the generator; sessions then have one user, release and environment."""
    params = {name: number for name in test_type.field_names() if name.startswith(("num", "ok"))}
    seen = payloads(test_type, params)
    if test_type is SESSION:
        assert {each["did"] for each in seen} == {"u-0"}
        assert {each["attrs"]["release"] for each in seen} == {"r-1.0.0"}


def test_tags_without_values_have_one_value() -> None:
    """Tags whose number of values is 0 are no crash."""
    (bucket,) = payloads(METRIC_BUCKET, {"numTagsPerMetric": 2, "numValuesPerTag": 0}, 1)[0]
    assert bucket["tags"] == {"t1": "v1", "t2": "v1"}


def test_the_values_of_a_set_differ() -> None:
    """What is in a set is in it once, so that it has the size that was asked for."""
    params = {"numSets": 1, "minMetricsInSets": 50, "maxMetricsInSets": 50}
    assert {len(set(bucket["value"])) for payload in payloads(METRIC_BUCKET, params) for bucket in payload} == {50}


def test_the_unit_of_a_metric_is_the_one_in_its_name() -> None:
    """A name that ends in `@none` has the unit `none`."""
    for (bucket,) in payloads(METRIC_BUCKET, {}):
        assert bucket["name"].rpartition("@")[2] == bucket["unit"] == "none"


@pytest.mark.parametrize(("number", "name"), [(3, "Spans"), (4, "Breadcrumbs")])
def test_equal_limits_are_a_fixed_number(number: int, name: str) -> None:
    """A minimum that equals its maximum is a number, not a crash, and the maximum is included."""
    for each in payloads(TRANSACTION, {f"min{name}": number, f"max{name}": number}):
        assert len(each[name.lower()]) == number


def test_an_equal_shortest_and_longest_duration_is_a_fixed_duration() -> None:
    """Also durations may have no range."""
    params = {"transactionDurationMin": "250ms", "transactionDurationMax": "250ms"}
    for each in payloads(TRANSACTION, params):
        assert moment(each["timestamp"]) - moment(each["start_timestamp"]) == timedelta(milliseconds=250)


def test_session_ids_leak_neither_time_nor_machine() -> None:
    """Session ids are random UUIDs (version 4), not made from the clock and the network card."""
    assert {UUID(session["sid"]).version for session in payloads(SESSION, {})} == {4}
