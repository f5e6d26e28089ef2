"""What test types that send to Kafka have in common: what they refuse, and which cluster they name."""

from typing import Any

import pytest

from load_tester.domain.duration import MILLISECOND
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.project import ListedProjects, Project
from load_tester.domain.test_type import InvalidParams, TestType
from test_types import TEST_TYPES
from test_types.kafka import UNAVAILABLE, lacking
from test_types.kafka_event import KAFKA_EVENT
from test_types.kafka_outcome import KAFKA_OUTCOME
from tests.test_types.records import records

KAFKA = [test_type for test_type in TEST_TYPES if test_type.transport == "kafka"]
every_one = pytest.mark.parametrize("test_type", KAFKA, ids=lambda test_type: test_type.name)


def target(test_type: TestType[Any], params: dict[str, Any]) -> KafkaTarget:
    """The cluster that the parameters name."""
    assert test_type.kafka is not None
    return test_type.kafka(test_type.decode(params))


def test_those_that_send_to_kafka_are_known() -> None:
    """This module is about all of them."""
    assert KAFKA == [KAFKA_OUTCOME, KAFKA_EVENT]


@every_one
def test_the_parameters_are_handed_on(test_type: TestType[Any]) -> None:
    """Brokers, acknowledgements, compression, waiting and TLS are as asked for; left out, they are those of a test."""
    asked = {
        "brokers": ["a:9092", "[::1]:9093"], "acks": "1", "compression": "lz4", "linger": "5ms", "tls": True,
        "topic": "mine",
    }  # fmt: skip
    it = target(test_type, asked)
    assert (it.brokers, it.acks, it.compression) == (("a:9092", "[::1]:9093"), "1", "lz4")
    assert (it.linger_ns, it.tls, it.topics[0]) == (5 * MILLISECOND, True, "mine")
    default = target(test_type, {})
    assert (default.brokers, default.acks, default.linger_ns) == (("127.0.0.1:9092",), "all", 0)


@every_one
@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"brokers": []}, ".brokers", "length >= 1"),
        ({"brokers": ["a:1", "b"]}, ".brokers[1]", "'b' is not a broker; expected host:port"),
        ({"brokers": ["kafka://a:1"]}, ".brokers[0]", "is not a broker"),
        ({"brokers": "a:1"}, ".brokers", "Expected `array`"),
        ({"topic": "a b"}, ".topic", "cannot be the name of a topic"),
        ({"topic": ""}, ".topic", "cannot be the name of a topic"),
        ({"acks": "2"}, ".acks", "Invalid enum value '2'"),
        ({"acks": 1}, ".acks", "Expected `str`"),
        ({"compression": "zip"}, ".compression", "Invalid enum value 'zip'"),
        ({"linger": "2m"}, ".linger", "must be 0s to 1m0s"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(
    test_type: TestType[Any], params: dict[str, Any], path: str, words: str
) -> None:
    """Before anything starts."""
    with pytest.raises(InvalidParams) as refusal:
        test_type.decode(params)
    assert (refusal.value.path, words in refusal.value.message) == (path, True), refusal.value.message


@every_one
def test_projects_need_numbers(test_type: TestType[Any]) -> None:
    """Consumers of Kafka take nothing else; a projects file is refused that has others among those used."""
    projects = ListedProjects([Project("7", "k"), Project("shop", "k")])
    assert records(test_type, {"numProjects": 1}, 1, projects=projects)
    with pytest.raises(InvalidParams, match="project 2 of the projects file has the id 'shop'") as refusal:
        records(test_type, {"numProjects": 2}, 1, projects=projects)
    assert refusal.value.path == ".numProjects"
    with pytest.raises(InvalidParams, match="lists only 2") as refusal:
        records(test_type, {"numProjects": 3}, 1, projects=projects)
    assert refusal.value.path == ".numProjects"


def test_the_topics_are_those_that_are_sent_to() -> None:
    """Without outcomes their topic need not exist."""
    assert target(KAFKA_OUTCOME, {}).topics == ("ingest-outcomes",)
    assert target(KAFKA_EVENT, {}).topics == ("ingest-events", "ingest-outcomes")
    assert target(KAFKA_EVENT, {"sendOutcome": False}).topics == ("ingest-events",)
    with pytest.raises(InvalidParams) as refusal:
        KAFKA_EVENT.decode({"outcomesTopic": ".."})
    assert refusal.value.path == ".outcomesTopic"


def test_without_the_extra_the_line_that_installs_it_is_told() -> None:
    """Here it is installed, and the test types can be run."""
    assert UNAVAILABLE == ""
    assert [test_type.unavailable for test_type in KAFKA] == ["", ""]
    assert lacking("no_such_module", "kafka") == (
        "it needs no_such_module, which is not installed: pip install 'load-tester[kafka]'"
    )
