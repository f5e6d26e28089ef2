"""Test type `kafkaOutcome`: every field, the weights and the reasons."""

import json
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.project import ListedProjects, Project
from test_types.kafka_outcome import KAFKA_OUTCOME
from tests.test_types.chi_square import misfit, unfairness
from tests.test_types.records import records

WEIGHTS = ("acceptedWeight", "filteredWeight", "rateLimitedWeight", "invalidWeight", "abuseWeight")
REASONS = ("filteredReasons", "rateLimitedReasons", "invalidReasons", "abuseReasons")
texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=3, unique=True)
parameters = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(WEIGHTS, st.integers(-1, 5)),
        **dict.fromkeys(REASONS, texts),
        **dict.fromkeys(("numProjects", "numOrganizations"), st.integers(0, 20)),
    },
)


def outcomes(params: dict[str, Any], hits: int, seed: int = 1, **more: Any) -> list[dict[str, Any]]:
    """The values of the first records."""
    return [json.loads(record.value) for record in records(KAFKA_OUTCOME, params, hits, seed, **more)]


@given(parameters, st.integers(0, 2**64))
def test_every_field_is_as_described(params: dict[str, Any], seed: int) -> None:
    """Keys, types and ranges hold for any parameters and any seed."""
    defaults = KAFKA_OUTCOME.encode(KAFKA_OUTCOME.decode(params))
    for outcome in outcomes(params, 3, seed):
        assert UUID(outcome["event_id"]).version == 4
        assert "-" not in outcome["event_id"]
        assert outcome["timestamp"] == "2025-01-02T15:04:05.123456Z"
        project, organizations = outcome["project_id"], params.get("numOrganizations", 0)
        assert 1 <= project <= max(1, params.get("numProjects", 1))
        assert outcome.get("org_id") == ((project - 1) % organizations + 1 if organizations else None)
        number = outcome["outcome"]
        assert defaults[WEIGHTS[number]] > 0 or (number == 0 and all(defaults[weight] <= 0 for weight in WEIGHTS))
        assert outcome.get("reason") in ((defaults[REASONS[number - 1]] if number else ()) or [None])
        assert set(outcome) <= {"project_id", "org_id", "timestamp", "outcome", "reason", "event_id"}


def test_records_go_to_the_topic_without_a_key() -> None:
    """So each is sent to a partition chosen at random."""
    for record in records(KAFKA_OUTCOME, {"topic": "mine"}, 5):
        assert (record.topic, record.key, record.headers, record.target) == ("mine", None, (), 0)


def test_outcomes_follow_their_weights_and_reasons_are_equally_likely() -> None:
    """On a sample of 20 000."""
    params = dict(zip(WEIGHTS, (5, 3, 0, 2, 1), strict=True)) | {"filteredReasons": ["a", "b", "c"]}
    made = outcomes(params, 20_000)
    assert misfit(Counter(outcome["outcome"] for outcome in made), {0: 5, 1: 3, 2: 0, 3: 2, 4: 1}) < 1
    assert unfairness([outcome["reason"] for outcome in made if outcome["outcome"] == 1], "abc") < 1


def test_projects_are_equally_likely() -> None:
    """On a sample of 20 000, and those of a projects file are numbers, too."""
    made = outcomes({"numProjects": 10}, 20_000)
    assert unfairness([outcome["project_id"] for outcome in made], range(1, 11)) < 1
    (outcome,) = outcomes({}, 1, projects=ListedProjects([Project("4711", "k")]))
    assert outcome["project_id"] == 4711


@pytest.mark.parametrize(("weight", "number", "reason"), [
    ("acceptedWeight", 0, None), ("filteredWeight", 1, "filtered"), ("rateLimitedWeight", 2, "limit reached"),
    ("invalidWeight", 3, "bad event"), ("abuseWeight", 4, "abuse"),
])  # fmt: skip
def test_a_single_weight_fixes_the_outcome(weight: str, number: int, reason: str | None) -> None:
    """With the reason that Sentry's older load tester had for it."""
    assert {(one["outcome"], one.get("reason")) for one in outcomes({weight: 1}, 20)} == {(number, reason)}
