"""Test type `session`: every field of the payload, over many parameters and seeds."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_tester.domain.project import ListedProjects, MadeUpProjects, Project, ProjectProvider
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.session import SESSION

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
NOW = datetime.fromisoformat("2025-01-02T15:04:05.123Z")
MS = timedelta(milliseconds=1)
WEIGHTS = ("okWeight", "exitedWeight", "erroredWeight", "crashedWeight", "abnormalWeight")
MIXED = dict.fromkeys(WEIGHTS, 1)


def sessions(
    params: dict[str, Any], hits: int, seed: int = 1, projects: ProjectProvider | None = None
) -> Iterator[dict[str, Any]]:
    """The payloads of the first hits, all of them now."""
    targeter = SESSION.build(SESSION.decode(params), BuildContext(Random(seed), projects or MadeUpProjects()))
    for seq in range(hits):
        yield json.loads(targeter.request(seq, AFTERNOON_NS).body.split(b"\n")[2])


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"startedRange": st.integers(0, 10**14), "durationRange": st.integers(0, 10**14)},
        optional={
            **dict.fromkeys(("numReleases", "numEnvironments", "numUsers", "numProjects"), st.integers(0, 50)),
            **dict.fromkeys(WEIGHTS, st.integers(-2, 5)),
        },
    ),
    st.integers(0, 2**64),
)
def test_every_field_is_as_described(params: dict[str, Any], seed: int) -> None:
    """Keys, order, types and ranges of the payload hold for any parameters and any seed."""
    ranges = {name: params[name] for name in ("startedRange", "durationRange")}
    for session in sessions(params | {name: f"{ns}ns" for name, ns in ranges.items()}, 5, seed):
        assert list(session) == [
            "init", "started", "status", "errors", "duration", "sid", "did", "seq", "timestamp", "attrs",
        ]  # fmt: skip
        assert session["timestamp"] == "2025-01-02T15:04:05.123Z"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", session["started"])
        assert isinstance(session["duration"], float)
        assert 0 <= session["duration"] <= params["durationRange"] / 1e9
        started = datetime.fromisoformat(session["started"])
        assert NOW - timedelta(microseconds=sum(ranges.values()) / 1000) - MS <= started
        assert started + timedelta(seconds=session["duration"]) <= NOW
        assert session["status"] in {"ok", "exited", "errored", "crashed", "abnormal"}
        assert session["init"] is (session["status"] == "ok")
        assert session["seq"] in (range(1) if session["init"] else range(5))
        assert session["errors"] in (range(1, 20) if session["status"] == "errored" else range(1))
        assert UUID(session["sid"]).hex == session["sid"]
        assert UUID(session["sid"]).version == 4
        assert session["did"] in {f"u-{user}" for user in range(params.get("numUsers") or 1)}
        assert list(session["attrs"]) == ["release", "environment"]
        assert session["attrs"]["release"] in {f"r-1.0.{n}" for n in range(params.get("numReleases") or 1)}
        assert session["attrs"]["environment"] in {
            f"environment-{n}" for n in range(params.get("numEnvironments") or 1)
        }


def test_every_value_of_a_range_is_reached() -> None:
    """Counts, sequence numbers, errors and statuses reach both of their ends."""
    params = {**MIXED, "numUsers": 3, "numReleases": 2, "numEnvironments": 2}
    seen = list(sessions(params, 3000))
    assert {session["did"] for session in seen} == {"u-0", "u-1", "u-2"}
    assert {session["attrs"]["release"] for session in seen} == {"r-1.0.0", "r-1.0.1"}
    assert {session["attrs"]["environment"] for session in seen} == {"environment-0", "environment-1"}
    assert {session["status"] for session in seen} == {"ok", "exited", "errored", "crashed", "abnormal"}
    for status in ("exited", "errored", "crashed", "abnormal"):
        assert {session["seq"] for session in seen if session["status"] == status} == set(range(5))
    assert {session["errors"] for session in seen if session["status"] == "errored"} == set(range(1, 20))


def test_started_and_duration_are_spread_over_their_own_ranges() -> None:
    """The start lies within `startedRange` before the longest duration, evenly; the duration in its own range."""
    seen = list(sessions({"startedRange": "100s", "durationRange": "10s"}, 2000))
    ages = sorted((NOW - datetime.fromisoformat(session["started"])).total_seconds() for session in seen)
    assert 10 <= ages[0] < 10.5
    assert 109.5 < ages[-1] <= 110
    assert 57 < sum(ages) / len(ages) < 63
    durations = sorted(session["duration"] for session in seen)
    assert 0 <= durations[0] < 0.05
    assert 9.95 < durations[-1] <= 10
    assert 4.7 < sum(durations) / len(durations) < 5.3


def test_statuses_follow_their_weights() -> None:
    """A status of weight 0 never comes, one of weight 2 twice as often as one of weight 1."""
    counts = Counter(session["status"] for session in sessions({"exitedWeight": 2, "crashedWeight": 1}, 3000))
    assert set(counts) == {"exited", "crashed"}
    assert 1.8 < counts["exited"] / counts["crashed"] < 2.2


@pytest.mark.parametrize("weights", [{}, dict.fromkeys(WEIGHTS, 0), dict.fromkeys(WEIGHTS, -1)])
def test_without_weights_every_session_is_ok(weights: dict[str, int]) -> None:
    """When no weight is above 0 the status is `ok`."""
    assert {session["status"] for session in sessions(weights, 100)} == {"ok"}


def test_session_ids_differ() -> None:
    """Every update has its own session id."""
    assert len({session["sid"] for session in sessions(MIXED, 1000)}) == 1000


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"startedRange": "-1s"}, ".startedRange"),
        ({"durationRange": "-1ns"}, ".durationRange"),
        ({"startedRange": "8761h"}, ".startedRange"),
        ({"durationRange": "10"}, ".durationRange"),
        ({"numUsers": -1}, ".numUsers"),
        ({"numProjects": 1_000_001}, ".numProjects"),
        ({"okWeight": 1.5}, ".okWeight"),
    ],
)
def test_parameters_out_of_range_are_refused(params: dict[str, Any], path: str) -> None:
    """What no session could be made of is refused before anything starts."""
    with pytest.raises(InvalidParams) as caught:
        SESSION.decode(params)
    assert caught.value.path == path


def test_more_projects_than_are_listed_are_refused() -> None:
    """The number of projects is checked against the file when the targeter is built."""
    context = BuildContext(Random(1), ListedProjects([Project("5", "k5")]))
    with pytest.raises(InvalidParams, match="2 projects are asked for") as caught:
        SESSION.build(SESSION.decode({"numProjects": 2}), context)
    assert caught.value.path == ".numProjects"
