"""Test type `transaction`: every field of the payload, over many parameters and seeds."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_tester.domain.test_type import InvalidParams
from test_types.contexts import SIZES
from test_types.transaction import TRANSACTION
from tests.test_types.chi_square import unevenness
from tests.test_types.payloads import DEVICE, NOW, OPTIONAL, opened, requests
from tests.test_types.transactions import check_transaction, delay_us, shapes, wire


def transactions(params: dict[str, Any], hits: int) -> list[dict[str, Any]]:
    """The payloads of the first hits, all of them now."""
    return [opened(request)[1] for request in requests(TRANSACTION, params, hits)]


@settings(deadline=None)
@given(shapes, st.integers(0, 10**14), st.integers(0, 20), st.integers(0, 2**64))
def test_every_field_is_as_described(shape: dict[str, Any], spread_ns: int, num_projects: int, seed: int) -> None:
    """Keys, types and ranges of envelope header and payload hold for any parameters and any seed."""
    own = {"transactionTimestampSpread": f"{spread_ns}ns", "numProjects": num_projects}
    for request in requests(TRANSACTION, wire(shape) | own, 3, seed):
        header, transaction = opened(request)
        check_transaction(header, transaction, shape)
        assert 0 <= delay_us(transaction) <= spread_ns / 1000
        assert int(header["public_key"].lstrip("a")) in range(1, (num_projects or 1) + 1)


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
    for each in transactions(params, 4000):
        end, start = (datetime.fromisoformat(each[name]) for name in ("timestamp", "start_timestamp"))
        durations.append((end - start) / timedelta(seconds=1))
        delays.append((NOW - end) / timedelta(seconds=1))
    assert unevenness(durations, 2, 4) < 1
    assert unevenness(delays, 0, 10) < 1


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
