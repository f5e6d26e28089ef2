"""Test type `transactionV2`: which project sends, and how long ago its transaction ended."""

from collections import Counter
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.project import ListedProjects, Project
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.transaction_v2 import TRANSACTION_V2
from tests.test_types.chi_square import misfit, unevenness, unfairness
from tests.test_types.payloads import opened, requests
from tests.test_types.transactions import check_transaction, delay_us, shapes, wire

SMALL = {"maxSpans": 0, "maxBreadcrumbs": 1}
UPSTREAM: list[dict[str, Any]] = [
    {
        "numProjects": 2,
        "relativeFreqWeight": 4,
        "timestampHistogram": [{"weight": 10, "maxDelay": "1s"}, {"weight": 5, "maxDelay": "10s"}],
    },
    {"numProjects": 3, "relativeFreqWeight": 1.5, "timestampHistogram": [{"weight": 1, "maxDelay": "2s"}]},
    {"numProjects": 4, "relativeFreqWeight": 1},
]


def seen(distribution: list[dict[str, Any]], hits: int, **more: Any) -> list[tuple[int, int]]:
    """Of each hit, the project's number and the delay of its transaction in microseconds."""
    made = requests(TRANSACTION_V2, SMALL | {"projectDistribution": distribution}, hits, **more)
    return [(int(request.path.split("/")[2]), delay_us(opened(request)[1])) for request in made]


def delays(histogram: list[dict[str, Any]], hits: int) -> list[int]:
    """The delays of one project's transactions in microseconds."""
    return [delay for _, delay in seen([{"timestampHistogram": histogram}], hits)]


buckets = st.lists(st.tuples(st.floats(0.001, 10), st.integers(0, 10**9)), min_size=1, max_size=4).map(
    lambda drawn: [
        {"weight": weight, "maxDelay": f"{max_us}us"}
        for (weight, _), max_us in zip(drawn, accumulate(step for _, step in drawn), strict=True)
    ]
)
profiles = st.fixed_dictionaries(
    {"numProjects": st.integers(1, 5), "relativeFreqWeight": st.floats(0.001, 10), "timestampHistogram": buckets}
)


@given(shapes, st.lists(profiles, min_size=1, max_size=4), st.integers(0, 2**64))
def test_every_field_is_as_described(shape: dict[str, Any], distribution: list[dict[str, Any]], seed: int) -> None:
    """The payload is that of a transaction; it ended within the last bucket of the profile its project is of."""
    ends = list(accumulate(profile["numProjects"] for profile in distribution))
    for request in requests(TRANSACTION_V2, wire(shape) | {"projectDistribution": distribution}, 3, seed):
        header, transaction = opened(request)
        check_transaction(header, transaction, shape)
        number = int(header["public_key"].lstrip("a"))
        assert request.path == f"/api/{number}/envelope/"
        profile = next(profile for profile, end in zip(distribution, ends, strict=True) if number <= end)
        longest_us = int(profile["timestampHistogram"][-1]["maxDelay"].removesuffix("us"))
        assert 0 <= delay_us(transaction) <= longest_us


def test_projects_are_as_frequent_as_their_profile_says() -> None:
    """Profiles own consecutive projects, and each of these sends in proportion to the weight of its profile."""
    numbers = Counter(number for number, _ in seen(UPSTREAM, 20_000))
    assert misfit(numbers, {1: 4, 2: 4, 3: 1.5, 4: 1.5, 5: 1.5, 6: 1, 7: 1, 8: 1, 9: 1}) < 1


def test_delays_follow_the_histogram_of_the_project() -> None:
    """Buckets are chosen by weight, delays are even within them, and each profile has its own."""
    made = seen(UPSTREAM, 20_000)
    first = [delay for number, delay in made if number <= 2]
    assert misfit(Counter(delay >= 1_000_000 for delay in first), {False: 10, True: 5}) < 1
    assert unevenness([delay for delay in first if delay < 1_000_000], 0, 999_999) < 1
    assert unevenness([delay for delay in first if delay >= 1_000_000], 1_000_000, 9_999_999) < 1
    assert unevenness([delay for number, delay in made if 3 <= number <= 5], 0, 1_999_999) < 1
    assert unevenness([delay for number, delay in made if number >= 6], 0, 999_999) < 1


def test_a_bucket_ends_before_its_limit() -> None:
    """From the limit before up to but not including its own, in microseconds, each equally likely."""
    made = delays([{"weight": 0, "maxDelay": "3us"}, {"maxDelay": "7us"}], 2_000)
    assert unfairness(made, [3, 4, 5, 6]) < 1


@pytest.mark.parametrize(
    ("histogram", "expected"),
    [
        ([{"maxDelay": "0s"}], {0}),
        ([{"maxDelay": "500ns"}], {0}),
        ([{"maxDelay": "2us"}, {"weight": 0, "maxDelay": "1h"}, {"maxDelay": "1h"}], {0, 1, 3_600_000_000}),
        ([{"weight": 5e-324, "maxDelay": "3us"}, {"weight": 5e-324, "maxDelay": "3us"}], {0, 1, 2, 3}),
        ([{"weight": 1e9, "maxDelay": "1us"}, {"weight": 0, "maxDelay": "8760h"}], {0}),
    ],
)
def test_a_bucket_without_a_width_is_one_delay(histogram: list[dict[str, Any]], expected: set[int]) -> None:
    """Equal limits are no crash but a fixed delay, and a bucket of weight 0 is never chosen."""
    assert set(delays(histogram, 200)) == expected


def test_a_profile_without_weight_keeps_its_projects() -> None:
    """Weight 0 disables a profile; those behind it keep their numbers."""
    distribution: list[dict[str, Any]] = [
        {"numProjects": 2},
        {"numProjects": 3, "relativeFreqWeight": 0},
        {"numProjects": 1},
    ]
    assert {number for number, _ in seen(distribution, 200)} == {1, 2, 6}


def test_the_first_and_the_last_listed_project_are_used() -> None:
    """Profiles own the entries of a projects file from its first to its last."""
    listed = ListedProjects([Project(str(10 * number), "key") for number in range(1, 10)])
    assert {number for number, _ in seen(UPSTREAM, 500, projects=listed)} == set(range(10, 100, 10))


def test_more_projects_than_are_listed_are_refused() -> None:
    """The projects of all profiles together are checked against the file."""
    params = TRANSACTION_V2.decode({"projectDistribution": UPSTREAM})
    with pytest.raises(InvalidParams, match="9 projects are asked for") as caught:
        TRANSACTION_V2.build(params, BuildContext(Random(1), ListedProjects([Project("1", "k")] * 8)))
    assert caught.value.path == ".projectDistribution"


def test_keys_of_profiles_match_without_regard_to_case() -> None:
    """`TimestampHistogram`, as the ancestor's YAML spells it, is `timestampHistogram`."""
    odd = [{"NumProjects": 2, "RelativeFreqWeight": 3, "TimestampHistogram": [{"Weight": 2, "MaxDelay": "5s"}]}]
    even = [{"numProjects": 2, "relativeFreqWeight": 3, "timestampHistogram": [{"weight": 2, "maxDelay": "5s"}]}]
    decoded = TRANSACTION_V2.decode({"PROJECTDISTRIBUTION": odd})
    assert decoded == TRANSACTION_V2.decode({"projectDistribution": even})


DISTRIBUTION = ".projectDistribution"
HISTOGRAM = ".projectDistribution[0].timestampHistogram"


@pytest.mark.parametrize(
    ("distribution", "path", "words"),
    [
        ([], DISTRIBUTION, "length >= 1"),
        ({}, DISTRIBUTION, "Expected `array`"),
        ([{}, {"numProjects": 0}], f"{DISTRIBUTION}[1].numProjects", ">= 1"),
        ([{"numProjects": 1.5}], f"{DISTRIBUTION}[0].numProjects", "Expected `int`"),
        ([{"relativeFreqWeight": -0.1}], f"{DISTRIBUTION}[0].relativeFreqWeight", ">= 0"),
        ([{"relativeFreqWeight": 0}] * 2, DISTRIBUTION, "no profile has a relativeFreqWeight above 0"),
        ([{"timestampHistograms": []}], f"{DISTRIBUTION}[0].timestampHistograms", "did you mean 'timestampHistogram'?"),
        ([{"timestampHistogram": []}], HISTOGRAM, "length >= 1"),
        ([{"timestampHistogram": [{}]}], f"{HISTOGRAM}[0]", "missing required field `maxDelay`"),
        ([{"timestampHistogram": [{"weight": 0, "maxDelay": "1s"}]}], HISTOGRAM, "no bucket has a weight above 0"),
        ([{"timestampHistogram": [{"weight": -1, "maxDelay": "1s"}]}], f"{HISTOGRAM}[0].weight", ">= 0"),
        ([{"timestampHistogram": [{"maxDelay": "-1s"}]}], f"{HISTOGRAM}[0].maxDelay", "out of range"),
        ([{"timestampHistogram": [{"maxDelay": 1}]}], f"{HISTOGRAM}[0].maxDelay", "Expected a duration"),
        (
            [{"timestampHistogram": [{"maxDelay": "2s"}, {"maxDelay": "3s"}, {"maxDelay": "1s"}]}],
            f"{HISTOGRAM}[2].maxDelay",
            "maxDelay (1s) is below that of the bucket before it (3s)",
        ),
    ],
)
def test_distributions_that_choose_nothing_are_refused(distribution: object, path: str, words: str) -> None:
    """What is empty, falls, has no weight or is unknown is refused before anything starts, with the field's path."""
    with pytest.raises(InvalidParams) as caught:
        TRANSACTION_V2.decode({"projectDistribution": distribution})
    assert (path, words in caught.value.message) == (caught.value.path, True), caught.value.message


def test_what_transactions_share_is_checked_here_too() -> None:
    """The parameters of the shape are refused as those of `transaction` are."""
    with pytest.raises(InvalidParams) as caught:
        TRANSACTION_V2.decode({"minSpans": 5, "maxSpans": 4})
    assert caught.value.path == ".minSpans"
