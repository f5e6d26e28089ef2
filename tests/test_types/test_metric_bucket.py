"""Test type `metricBucket`: every field of the payload, over many parameters and seeds."""

import json
import re
from collections.abc import Callable
from itertools import pairwise, product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.project import ListedProjects, Project
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.metric_bucket import METRIC_BUCKET
from tests.test_types.chi_square import unevenness, unfairness
from tests.test_types.payloads import bounds, opened, requests

KINDS = {"numCounters": "c", "numSets": "s", "numDistributions": "d", "numGauges": "g"}

parameters = st.builds(
    lambda *parts: {name: value for part in parts for name, value in part.items()},
    bounds("minMetricsInSets", "maxMetricsInSets", 12),
    bounds("minMetricsInDistribution", "maxMetricsInDistribution", 12),
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(KINDS, st.integers(0, 4)),
            **dict.fromkeys(("numProjects", "numMetricNames", "numValuesPerTag"), st.integers(0, 20)),
            "numTagsPerMetric": st.integers(0, 6),
        },
    ),
)


def buckets(params: dict[str, Any], hits: int) -> list[Any]:
    """The buckets of the first hits, one after the other."""
    return [bucket for request in requests(METRIC_BUCKET, params, hits) for bucket in opened(request)[1]]


@given(parameters, st.integers(0, 2**64))
def test_every_field_is_as_described(params: dict[str, Any], seed: int) -> None:
    """Keys, order, types and ranges of header and payload hold for any parameters and any seed."""
    counts = {kind: params.get(name, 0) for name, kind in KINDS.items()}
    kinds = "".join(kind * count for kind, count in counts.items()) or "c"
    for request in requests(METRIC_BUCKET, params, 3, seed):
        header, made = opened(request)
        assert list(header) == ["event_id", "public_key", "sent_at", "trace_id"]
        assert int(header["public_key"].lstrip("a")) in range(1, (params.get("numProjects") or 1) + 1)
        assert [bucket["type"] for bucket in made] == list(kinds)
        for bucket in made:
            check_bucket(bucket, params)
            VALUE_CHECKS[bucket["type"]](bucket["value"], params)


def check_bucket(bucket: dict[str, Any], params: dict[str, Any]) -> None:
    """A bucket has all keys and all tags; its name and its unit agree."""
    assert list(bucket) == ["name", "unit", "width", "type", "value", "timestamp", "tags"]
    name = re.fullmatch(r"([csdg]):transactions/metric(\d+)@(\w+)", bucket["name"])
    assert name is not None
    assert (name[1], name[3]) == (bucket["type"], bucket["unit"])
    assert int(name[2]) in range(params.get("numMetricNames") or 1)
    assert (bucket["unit"], bucket["width"], bucket["timestamp"]) == ("none", 2, 1_735_830_245)
    assert list(bucket["tags"]) == [f"t{number}" for number in range(1, params.get("numTagsPerMetric", 0) + 1)]
    assert set(bucket["tags"].values()) <= {f"v{value}" for value in range(1, (params.get("numValuesPerTag") or 1) + 1)}


def check_counter(value: Any, _params: dict[str, Any]) -> None:
    """A counter is always the same number."""
    assert value == 33


def check_set(value: list[Any], params: dict[str, Any]) -> None:
    """The values of a set are different integers, as many as allowed."""
    assert params["minMetricsInSets"] <= len(value) <= params["maxMetricsInSets"]
    assert all(isinstance(member, int) for member in value)
    assert all(1 <= later - earlier <= 5 for earlier, later in pairwise([0, *value]))


def check_distribution(value: list[Any], params: dict[str, Any]) -> None:
    """The values of a distribution rise, and are as many as allowed."""
    assert params["minMetricsInDistribution"] <= len(value) <= params["maxMetricsInDistribution"]
    assert all(isinstance(member, float) for member in value)
    assert all(0 <= later - earlier <= 5.000001 for earlier, later in pairwise([0.0, *value]))


def check_gauge(value: dict[str, Any], _params: dict[str, Any]) -> None:
    """The five numbers of a gauge are in their ranges and agree with each other."""
    assert list(value) == ["max", "min", "sum", "last", "count"]
    assert 1 <= value["min"] <= value["last"] <= value["max"] <= value["min"] + 100.000001
    assert value["min"] <= 101
    assert value["count"] in range(4, 54)
    assert value["sum"] == pytest.approx(value["count"] * (value["min"] + value["max"]) / 2, abs=1e-4)


VALUE_CHECKS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "c": check_counter,
    "s": check_set,
    "d": check_distribution,
    "g": check_gauge,
}


def test_without_any_count_there_is_one_counter() -> None:
    """`{}` and counts that are all 0 make a payload of one bucket, not an empty one."""
    assert [bucket["type"] for bucket in buckets({}, 1)] == ["c"]
    assert [bucket["type"] for bucket in buckets(dict.fromkeys(KINDS, 0), 1)] == ["c"]


def test_names_and_projects_are_equally_likely() -> None:
    """Each name and each project comes up, the first and the last as often as the others."""
    params = {"numMetricNames": 7, "numProjects": 5}
    assert unfairness((bucket["name"][21:-5] for bucket in buckets(params, 4_000)), map(str, range(7))) < 1
    assert unfairness((r.path[5] for r in requests(METRIC_BUCKET, params, 4_000)), "12345") < 1


@pytest.mark.parametrize("num_values", [3, 20])
def test_every_set_of_tags_is_equally_likely(num_values: int) -> None:
    """A name comes with `numValuesPerTag` to the power of `numTagsPerMetric` sets of tags, few or many of them."""
    params = {"numTagsPerMetric": 2, "numValuesPerTag": num_values, "numCounters": 10}
    made = [tuple(bucket["tags"].values()) for bucket in buckets(params, 600)]
    values = [f"v{value}" for value in range(1, num_values + 1)]
    assert set(made) == set(product(values, repeat=2))
    for tag in range(2):
        assert unfairness((tags[tag] for tags in made), values) < 1


def test_tags_of_which_there_are_very_many_sets_are_equally_likely() -> None:
    """Also where the sets are too many to be written out."""
    params = {"numTagsPerMetric": 12, "numValuesPerTag": 10}
    made = buckets(params, 2_000)
    for tag in ("t1", "t7", "t12"):
        assert unfairness((bucket["tags"][tag] for bucket in made), [f"v{value}" for value in range(1, 11)]) < 1


def test_both_ends_of_every_range_are_reached() -> None:
    """The fewest and the most values come up, each length equally likely, and so do the ends of the steps."""
    params = {
        "numSets": 1, "minMetricsInSets": 2, "maxMetricsInSets": 5,
        "numDistributions": 1, "minMetricsInDistribution": 0, "maxMetricsInDistribution": 3,
    }  # fmt: skip
    made = buckets(params, 3_000)
    sets = [bucket["value"] for bucket in made if bucket["type"] == "s"]
    assert unfairness(map(len, sets), range(2, 6)) < 1
    assert unfairness((later - earlier for value in sets for earlier, later in pairwise([0, *value])), range(1, 6)) < 1
    distributions = [bucket["value"] for bucket in made if bucket["type"] == "d"]
    assert unfairness(map(len, distributions), range(4)) < 1
    assert unevenness((value[0] for value in distributions if value), 0, 5) < 1


def test_gauges_are_spread_over_their_ranges() -> None:
    """Minimum, spread, last value and count are even."""
    made = [bucket["value"] for bucket in buckets({"numGauges": 1}, 4_000)]
    assert unevenness((value["min"] for value in made), 1, 101) < 1
    assert unevenness((value["max"] - value["min"] for value in made), 0, 100) < 1
    assert unevenness(((value["last"] - value["min"]) / (value["max"] - value["min"]) for value in made), 0, 1) < 1
    assert unfairness(((value["count"] - 4) // 5 for value in made), range(10)) < 1


def test_equal_limits_are_a_fixed_number() -> None:
    """A minimum that equals its maximum is a number of values, not a crash."""
    params = {"numSets": 1, "minMetricsInSets": 4, "maxMetricsInSets": 4}
    assert {len(bucket["value"]) for bucket in buckets(params, 50)} == {4}


def test_more_projects_than_are_listed_are_refused() -> None:
    """The number of projects is checked against the file when the targeter is built."""
    context = BuildContext(Random(1), ListedProjects([Project("5", "k5")]))
    with pytest.raises(InvalidParams, match="2 projects are asked for") as caught:
        METRIC_BUCKET.build(METRIC_BUCKET.decode({"numProjects": 2}), context)
    assert caught.value.path == ".numProjects"


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"minMetricsInSets": 5, "maxMetricsInSets": 4}, ".minMetricsInSets", "is above maxMetricsInSets (4)"),
        ({"minMetricsInDistribution": 11}, ".minMetricsInDistribution", "is above maxMetricsInDistribution (10)"),
        ({"numCounters": -1}, ".numCounters", ">= 0"),
        ({"numSets": 10_001}, ".numSets", "<= 10000"),
        ({"numTagsPerMetric": 1_001}, ".numTagsPerMetric", "<= 1000"),
        ({"numSet": 1}, ".numSet", "did you mean 'numSets'?"),
        ({"numSets": 5_000, "maxMetricsInSets": 201}, ".numSets", "1005000 values and tags; at most 1000000"),
        ({"numGauges": 10_000, "numTagsPerMetric": 100}, ".numTagsPerMetric", "1050000 values and tags"),
    ],
)
def test_parameters_that_make_no_payload_are_refused(params: dict[str, Any], path: str, words: str) -> None:
    """What is out of range, out of order, unknown or too much is refused, with the field's path."""
    with pytest.raises(InvalidParams) as caught:
        METRIC_BUCKET.decode(params)
    assert (path, words in caught.value.message) == (caught.value.path, True), caught.value.message


def test_the_largest_payload_can_be_made() -> None:
    """What is just allowed is made."""
    params = {
        "numDistributions": 9_999, "minMetricsInDistribution": 90, "maxMetricsInDistribution": 90,
        "numTagsPerMetric": 10, "numValuesPerTag": 1_000_000,
    }  # fmt: skip
    (request,) = requests(METRIC_BUCKET, params, 1)
    assert len(json.loads(request.body.split(b"\n")[2])) == 9_999
