"""Test type `kafkaEvent`: the messages that consumers of Kafka take, and the outcomes that follow them."""

import json
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.pacer import Share
from load_tester.domain.request import Record
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.event import EVENT
from test_types.event_shape import EventShape
from test_types.kafka_event import KAFKA_EVENT
from tests.test_types.chi_square import unfairness
from tests.test_types.records import AFTERNOON_NS, records

SMALL = {"maxBreadcrumbs": 0}


def message(record: Record) -> dict[str, Any]:
    """What the value of an event says."""
    decoded: dict[str, Any] = msgspec.msgpack.decode(record.value)
    return decoded


@given(
    st.fixed_dictionaries(
        {"sendOutcome": st.just(False)},
        optional={
            "numProjects": st.integers(0, 20),
            "withLevel": st.booleans(),
            "withNativeStacktrace": st.booleans(),
            "release": st.sampled_from(["shop@1.2.3", 'é "<&>"']),
        },
    ),
    st.integers(0, 2**64),
)
def test_an_event_is_a_map_with_the_payload_as_text(params: dict[str, Any], seed: int) -> None:
    """The fields are those that consumers expect, and the payload says the same of id and project as the map."""
    for record in records(KAFKA_EVENT, params, 3, seed):
        assert (record.topic, record.target, record.headers) == ("ingest-events", 0, ())
        it = message(record)
        assert list(it) == ["type", "payload", "start_time", "event_id", "project_id", "attachments"]
        assert (it["type"], it["start_time"], it["attachments"]) == ("event", AFTERNOON_NS / 1e9, [])
        assert 1 <= it["project_id"] <= max(1, params.get("numProjects", 1))
        assert UUID(it["event_id"]).version == 4
        assert record.key == UUID(it["event_id"]).bytes
        payload = json.loads(it["payload"])
        assert (payload["event_id"], payload["project"]) == (it["event_id"], it["project_id"])
        assert ("level" in payload) == params.get("withLevel", True)
        assert ("debug_meta" in payload) == params.get("withNativeStacktrace", False)
        assert payload["release"] == params.get("release", payload["release"])


def test_the_payload_has_the_fields_of_the_test_type_event() -> None:
    """And the number of its project besides."""
    stored = {name for hit in range(200) for name in json.loads(_stored(hit))}
    sent = {name for record in records(KAFKA_EVENT, {"sendOutcome": False}, 200) for name in
            json.loads(message(record)["payload"])}  # fmt: skip
    assert sent == stored | {"project"}


def _stored(seed: int) -> bytes:
    body: bytes = EVENT.build(EVENT.decode({}), _context(seed)).request(0, AFTERNOON_NS).body
    return body


def _context(seed: int) -> BuildContext:
    return BuildContext(Random(seed))


@pytest.mark.parametrize("share", [Share(0, 1), Share(1, 3), Share(6, 4)])
def test_events_and_their_outcomes_take_turns(share: Share) -> None:
    """In every worker's share, one that it takes over included: an event, then the outcome of that event, accepted."""
    made = records(KAFKA_EVENT, {**SMALL, "numProjects": 20}, 20, share=share)
    assert [record.target for record in made] == [0, 1] * 10
    for event, outcome in zip(made[::2], made[1::2], strict=True):
        it, said = message(event), json.loads(outcome.value)
        assert (outcome.topic, outcome.key) == ("ingest-outcomes", None)
        assert said == {
            "project_id": it["project_id"], "timestamp": "2025-01-02T15:04:05.123456Z", "outcome": 0,
            "event_id": it["event_id"],
        }  # fmt: skip


def test_an_outcome_whose_event_was_never_made_is_that_of_another() -> None:
    """A hit may be given up before its record is made; then the next outcome does not repeat that of an older event."""
    make = KAFKA_EVENT.build(KAFKA_EVENT.decode(SMALL), _context(1)).request
    event, _, skipped = make(0, AFTERNOON_NS), make(1, AFTERNOON_NS), make(3, AFTERNOON_NS)
    assert json.loads(skipped.value)["event_id"] != message(event)["event_id"]


def test_the_figures_of_events_and_outcomes_are_kept_apart() -> None:
    """Without outcomes there is nothing to tell apart."""
    assert KAFKA_EVENT.build(KAFKA_EVENT.decode({}), _context(1)).targets == ("event", "outcome")
    assert KAFKA_EVENT.build(KAFKA_EVENT.decode({"sendOutcome": False}), _context(1)).targets == ()


def test_both_topics_can_be_chosen() -> None:
    """By their own parameters."""
    made = records(KAFKA_EVENT, {**SMALL, "topic": "a", "outcomesTopic": "b"}, 4)
    assert [record.topic for record in made] == ["a", "b", "a", "b"]


def test_projects_are_equally_likely() -> None:
    """On a sample of 5 000."""
    made = records(KAFKA_EVENT, {**SMALL, "numProjects": 10, "sendOutcome": False}, 5_000)
    assert unfairness([message(record)["project_id"] for record in made], range(1, 11)) < 1


def test_the_parameters_of_events_are_checked() -> None:
    """As those of the test type `event` are."""
    assert issubclass(KAFKA_EVENT.params, EventShape)
    with pytest.raises(InvalidParams) as refusal:
        KAFKA_EVENT.decode({"minFrames": 6, "maxFrames": 5})
    assert refusal.value.path == ".minFrames"
