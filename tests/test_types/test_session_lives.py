"""Test type `session` with `correlated`: what the updates of a session have in common, and how often it has which."""

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.request import Request
from test_types.session import MAX_OPEN, SESSION
from tests.test_types.chi_square import misfit, unevenness, unfairness
from tests.test_types.payloads import opened, requests

STATUSES = ("ok", "exited", "errored", "crashed", "abnormal")
WEIGHTS = tuple(f"{status}Weight" for status in STATUSES)
MIXED = {"okWeight": 6, "exitedWeight": 2, "erroredWeight": 1, "crashedWeight": 1}
MS_NS = 1_000_000


def made(params: dict[str, Any], hits: int, seed: int = 1) -> list[Request]:
    """The requests of the first hits, one each millisecond."""
    return requests(SESSION, {"correlated": True} | params, hits, seed, interval_ns=MS_NS)


def updates(params: dict[str, Any], hits: int, seed: int = 1) -> list[dict[str, Any]]:
    """The payloads of the first hits, one each millisecond."""
    return [opened(request)[1] for request in made(params, hits, seed)]


def lives(params: dict[str, Any], hits: int, seed: int = 1) -> list[list[dict[str, Any]]]:
    """The sessions of the first hits, each of them the list of its updates."""
    by_sid: dict[str, list[dict[str, Any]]] = {}
    for update in updates(params, hits, seed):
        by_sid.setdefault(update["sid"], []).append(update)
    return list(by_sid.values())


def ended(params: dict[str, Any], hits: int) -> list[list[dict[str, Any]]]:
    """The sessions among them that have ended."""
    return [life for life in lives(params, hits) if life[-1]["status"] != "ok"]


parameters = st.fixed_dictionaries(
    {
        "startedRange": st.sampled_from(["0s", "1h"]),
        "durationRange": st.sampled_from(["0s", "1us", "1s", "100h"]),
    },
    optional={
        **dict.fromkeys(("numReleases", "numEnvironments", "numUsers", "numProjects"), st.integers(0, 20)),
        **dict.fromkeys(WEIGHTS, st.integers(-2, 5)),
    },
)


@given(parameters, st.integers(0, 2**64))
def test_a_life_is_that_of_one_session(params: dict[str, Any], seed: int) -> None:
    """It starts once, counts up, keeps what it is, lasts longer and longer, and has nothing after its end."""
    for life in lives(params, 60, seed):
        assert [update["init"] for update in life] == [True] + [False] * (len(life) - 1)
        assert [update["seq"] for update in life] == list(range(len(life)))
        assert {update["status"] for update in life[:-1]} <= {"ok"}
        for name in ("did", "started"):
            assert len({update[name] for update in life}) == 1
        assert len({json.dumps(update["attrs"]) for update in life}) == 1
        assert all(earlier["duration"] <= later["duration"] for earlier, later in pairwise(life))
        assert all(earlier["timestamp"] < later["timestamp"] for earlier, later in pairwise(life))
        for update in life:
            assert list(update) == [
                "init", "started", "status", "errors", "duration", "sid", "did", "seq", "timestamp", "attrs",
            ]  # fmt: skip
            started, now = (datetime.fromisoformat(update[name]) for name in ("started", "timestamp"))
            assert started + timedelta(seconds=update["duration"]) <= now
            assert update["errors"] in (range(1, 20) if update["status"] == "errored" else range(1))


@given(st.integers(0, 2**64))
def test_all_updates_of_a_session_go_to_one_project(seed: int) -> None:
    """Path and key are those of the first update."""
    endpoints: dict[str, set[object]] = {}
    for request in made(MIXED | {"numProjects": 5, "numUsers": 7}, 100, seed):
        endpoints.setdefault(opened(request)[1]["sid"], set()).add((request.path, request.headers))
    assert {len(used) for used in endpoints.values()} == {1}


@pytest.mark.parametrize("users", [1, 50])
@pytest.mark.parametrize(
    "weights",
    [
        MIXED,
        {"okWeight": 1, "exitedWeight": 3, "abnormalWeight": 1},
        {"okWeight": 50, "exitedWeight": 1},
        {"exitedWeight": 1, "crashedWeight": 2},
    ],
)
def test_statuses_follow_their_weights(weights: dict[str, int], users: int) -> None:
    """Each status has its share of the hits, the same as without `correlated`, also where most hits are endings."""
    counts = Counter(update["status"] for update in updates(weights | {"numUsers": users}, 10_000))
    assert misfit(counts, {status: weights.get(f"{status}Weight", 0) for status in STATUSES}) < 1


def test_endings_follow_their_weights_whatever_the_session_was_like() -> None:
    """Long lives and short ones end in the same ways."""
    whole = ended(MIXED | {"numUsers": 20}, 30_000)
    for kind in ([life for life in whole if len(life) > 2], [life for life in whole if len(life) <= 2]):
        assert misfit(Counter(life[-1]["status"] for life in kind), {"exited": 2, "errored": 1, "crashed": 1}) < 1


def test_a_session_has_as_many_updates_as_there_are_hits_for_an_ending() -> None:
    """With an ending in four hits sessions have four updates on average.

    Of the three that follow the first, one is the last: so each of them is, with a probability of a third.
    """
    lengths = [len(life) for life in ended({"okWeight": 3, "exitedWeight": 1, "numUsers": 50}, 40_000)]
    assert abs(sum(lengths) / len(lengths) - 4) < 0.1
    between = Counter(min(length - 2, 8) for length in lengths if length > 1)
    assert misfit(between, {n: (2 / 3) ** n * (1 / 3 if n < 8 else 1) for n in range(9)}) < 1


def test_without_any_weight_sessions_have_three_updates_on_average() -> None:
    """Otherwise none would ever end."""
    lengths = [len(life) for life in ended({}, 9_000)]
    assert 2.8 < sum(lengths) / len(lengths) < 3.2
    assert {life[-1]["status"] for life in ended({}, 100)} == {"exited"}


def test_the_duration_grows_with_each_update_and_at_the_end_is_even() -> None:
    """A first update has lasted no time; the last one is uniform over `durationRange`, and above all before it."""
    whole = ended({"okWeight": 9, "exitedWeight": 1, "durationRange": "100s", "numUsers": 100}, 40_000)
    assert max(map(len, whole)) > 40
    assert {life[0]["duration"] for life in whole if len(life) > 1} == {0}
    assert all(earlier["duration"] < later["duration"] for life in whole for earlier, later in pairwise(life))
    assert unevenness((life[-1]["duration"] for life in whole), 0, 100) < 1


def test_starts_are_spread_over_their_range() -> None:
    """A session started before the longest duration and evenly within `startedRange`, counted from its first update."""
    firsts = [life[0] for life in lives(MIXED | {"startedRange": "100s", "durationRange": "10s"}, 9_000)]
    ages = [
        (datetime.fromisoformat(first["timestamp"]) - datetime.fromisoformat(first["started"])).total_seconds()
        for first in firsts
    ]
    assert unevenness(ages, 10, 110) < 1


def test_users_releases_and_environments_are_equally_likely() -> None:
    """Each comes up as often as the others, the first and the last too."""
    firsts = [life[0] for life in lives(MIXED | {"numUsers": 5, "numReleases": 3, "numEnvironments": 2}, 9_000)]
    assert unfairness((first["did"] for first in firsts), [f"u-{n}" for n in range(5)]) < 1
    assert unfairness((first["attrs"]["release"] for first in firsts), [f"r-1.0.{n}" for n in range(3)]) < 1
    assert unfairness((first["attrs"]["environment"] for first in firsts), ["environment-0", "environment-1"]) < 1


@pytest.mark.parametrize(("users", "most"), [(0, 1), (1, 1), (30, 30), (1_000_000, MAX_OPEN)])
def test_so_many_sessions_are_open_and_no_more(users: int, most: int) -> None:
    """As many as there are users, at most 10 000; then only those that are open are updated."""
    seen = updates({"okWeight": 1, "numUsers": users}, most + 100)
    assert [update["init"] for update in seen] == [True] * most + [False] * 100


def test_updates_of_a_session_are_far_apart() -> None:
    """They come in turn: between two updates of a session there is one of each of the others that are open."""
    seen = updates({"okWeight": 1, "numUsers": 40}, 400)
    assert [update["sid"] for update in seen] == [update["sid"] for update in seen[:40]] * 10


def test_where_no_session_is_open_one_starts_and_ends_at_once() -> None:
    """An ending always has a session that it can end."""
    for update in updates({"crashedWeight": 1, "durationRange": "5s"}, 50):
        assert (update["init"], update["seq"], update["status"]) == (True, 0, "crashed")


def test_each_worker_has_sessions_of_its_own() -> None:
    """The same seed repeats the bytes; another worker, which has another seed, shares no session."""
    assert made(MIXED, 500, seed=3) == made(MIXED, 500, seed=3)
    first, second = ({update["sid"] for update in updates(MIXED, 500, seed)} for seed in (3, 4))
    assert first.isdisjoint(second)


def test_without_correlated_nothing_is_correlated() -> None:
    """The default is that of the ancestors: every update has an id of its own."""
    assert len({update["sid"] for update in updates(MIXED | {"correlated": False}, 500)}) == 500
