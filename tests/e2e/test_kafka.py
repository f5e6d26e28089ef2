"""The programs and Kafka: records sent by a command line, by a daemon without a target URL, and by the scripts."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e import programs
from tests.e2e.programs import LOAD_STARTER, LOAD_TESTER, Daemon, ran
from tests.e2e.test_starter import shortened
from tests.kafka_cluster import KafkaCluster, kafka_cluster

WITHOUT_THE_EXTRA = """
import sys
sys.modules["confluent_kafka"] = None  # as if it were not installed: importing it fails, and nobody finds it
from load_tester.cli.main import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    """Two brokers with the topics of Sentry."""
    with kafka_cluster("ingest-events", "ingest-outcomes", "of-attack", brokers=2) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that was started without a target URL."""
    with programs.daemon(None, tmp_path_factory.mktemp("data")) as running:
        yield running


def test_an_attack_needs_no_target_url_and_is_reported_in_words_that_fit(cluster: KafkaCluster, tmp_path: Path) -> None:
    """The report shows the brokers, and the topic has what was planned."""
    params = json.dumps({"brokers": cluster.brokers, "topic": "of-attack"})
    options = ["--rate", "200", "--duration", "500ms", "--params", params, "--data-dir", str(tmp_path)]
    ended = ran([*LOAD_TESTER, "attack", "--type", "kafkaOutcome", *options])
    assert ended.status == 0, ended.err
    assert f"Target        kafka://{','.join(cluster.brokers)}" in ended.out
    assert "100 answered, 0 failed" in ended.out
    assert "100.00% of the planned hits were acknowledged" in ended.out
    assert "200  100  acknowledged" in ended.out
    assert len(cluster.records("of-attack")) == 100


def test_a_daemon_without_a_target_url_takes_commands_for_kafka_only(cluster: KafkaCluster, daemon: Daemon) -> None:
    """Its runs show the brokers; commands that need a URL are refused, and told why."""
    before = len(cluster.records("ingest-outcomes"))
    run_id = daemon.command("kafkaOutcome", "500ms", 200, params={"brokers": cluster.brokers})
    run = daemon.finally_of(run_id)
    assert (run["targetUrl"], run["summary"]["answered"]) == (f"kafka://{','.join(cluster.brokers)}", 100)
    assert len(cluster.records("ingest-outcomes")) - before == 100
    reply = daemon.http.post("/command", json={"testType": "session", "attackDuration": "1s", "numMessages": 1})
    assert (reply.status_code, "nothing to attack" in reply.text) == (400, True)
    reply = daemon.http.post(
        "/command",
        json={"testType": "kafkaOutcome", "attackDuration": "1s", "numMessages": 1, "params": {"brokers": ["a"]}},
    )
    assert (reply.status_code, reply.json()["path"]) == (400, "$.params.brokers[0]")


@pytest.mark.parametrize(
    ("script", "replacements", "planned"),
    [
        ("kafkaOutcome.star", {"10 * Second": "Second", "freq = 1000": "freq = 300"}, {"ingest-outcomes": 300}),
        (
            "kafkaEvent.star",
            {"10 * Second": "Second", "EVENTS_PER_SECOND = 200": "EVENTS_PER_SECOND = 100"},
            {"ingest-events": 100, "ingest-outcomes": 100},
        ),
    ],
)
def test_a_script_ends_as_records_on_the_topics(
    cluster: KafkaCluster,
    daemon: Daemon,
    tmp_path: Path,
    script: str,
    replacements: dict[str, str],
    planned: dict[str, int],
) -> None:
    """Only the brokers are others: what the script plans is what arrives, each in its format."""
    before = {topic: len(cluster.records(topic)) for topic in planned}
    brokers = json.dumps(cluster.brokers)
    path = shortened(script, {**replacements, '["127.0.0.1:9092"]': brokers}, tmp_path)
    done = ran([*LOAD_STARTER, path, "--load-server", daemon.url], cwd=tmp_path)
    assert done.status == 0, done.err
    for topic, count in planned.items():
        records = cluster.records(topic)
        assert len(records) - before[topic] == count
        decode: Any = msgspec.msgpack.decode if topic == "ingest-events" else json.loads
        assert all(decode(record.value()) for record in records)


@pytest.mark.parametrize(
    "argv",
    [["types"], ["attack", "--type", "kafkaOutcome", "--rate", "1", "--duration", "1s"], ["types", "kafkaEvent"]],
)
def test_without_the_extra_everything_else_works_and_the_line_that_installs_it_is_told(argv: list[str]) -> None:
    """The test types are listed with the reason, and refused with it."""
    ended = ran([sys.executable, "-c", WITHOUT_THE_EXTRA, *argv])
    told = ended.out if argv[0] == "types" else ended.err
    assert "it needs confluent_kafka, which is not installed: pip install 'load-tester[kafka]'" in told
    assert ended.status == (0 if argv[0] == "types" else 2)
