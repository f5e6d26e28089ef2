"""What holds for all test types that send to Sentry: framing, judged by its SDK's parser, projects, and randomness."""

import json
import re
from typing import Any
from uuid import UUID

import pytest
from sentry_sdk.envelope import Envelope

from load_tester.domain.project import ListedProjects, Project
from load_tester.domain.test_type import TestType
from test_types import TEST_TYPES
from test_types.event import EVENT
from test_types.metric_bucket import METRIC_BUCKET
from test_types.session import SESSION
from test_types.transaction import TRANSACTION
from test_types.transaction_v2 import TRANSACTION_V2
from tests.test_types.payloads import requests

ENVELOPES: dict[str, tuple[TestType[Any], dict[str, Any], str]] = {
    "session": (SESSION, {}, "session"),
    "correlated session": (SESSION, {"correlated": True, "numUsers": 5}, "session"),
    "transaction": (TRANSACTION, {}, "transaction"),
    "transactionV2": (TRANSACTION_V2, {}, "transaction"),
    "metricBucket": (METRIC_BUCKET, {"numSets": 2, "numGauges": 1, "numTagsPerMetric": 2}, "metric_buckets"),
    "event": (EVENT, {"framing": "envelope"}, "event"),
    "javascript event": (EVENT, {"framing": "envelope", "withJavascriptStacktrace": True}, "event"),
    "native event": (EVENT, {"framing": "envelope", "withNativeStacktrace": True}, "event"),
}
"""What is sent as envelopes: the test type, its parameters, and the type of the envelope's item."""

STORED: dict[str, tuple[TestType[Any], dict[str, Any]]] = {"stored event": (EVENT, {})}
"""What is sent to the store endpoint."""

every_envelope = pytest.mark.parametrize(("test_type", "params", "item_type"), ENVELOPES.values(), ids=ENVELOPES)
everything = pytest.mark.parametrize(
    ("test_type", "params"),
    [*((test_type, params) for test_type, params, _ in ENVELOPES.values()), *STORED.values()],
    ids=[*ENVELOPES, *STORED],
)


def test_everything_for_sentry_is_judged_here() -> None:
    """Every bundled test type whose hits go to one of Sentry's ingestion endpoints is in the tables of this module."""
    ingested = {
        test_type.name
        for test_type in TEST_TYPES
        if test_type.transport == "http"
        and re.fullmatch(r"/api/\d+/(envelope|store)/", requests(test_type, {}, 1)[0].path)
    }
    judged = [test_type for test_type, _, _ in ENVELOPES.values()] + [test_type for test_type, _ in STORED.values()]
    assert ingested == {test_type.name for test_type in judged}


@every_envelope
def test_sentrys_own_parser_reads_the_envelopes(
    test_type: TestType[Any], params: dict[str, Any], item_type: str
) -> None:
    """The SDK's parser finds one item of the right type, with the payload as JSON and nothing left over."""
    for request in requests(test_type, params, 50, seed=9):
        assert request.headers[1] == ("Content-Type", "application/x-sentry-envelope")
        envelope = Envelope.deserialize(request.body)
        (item,) = envelope.items
        assert item.type == item_type
        header, _, payload, end = request.body.split(b"\n")
        assert envelope.headers == json.loads(header)
        assert (item.headers["length"], end) == (len(payload), b"")
        parsed = item.payload.json if item.payload.json is not None else json.loads(item.get_bytes())
        assert parsed == json.loads(payload)


@every_envelope
def test_an_envelope_says_what_it_is_and_when_it_was_sent(
    test_type: TestType[Any], params: dict[str, Any], item_type: str
) -> None:
    """The keys of its header are in alphabetical order; its ids are random UUIDs, and so are not the same twice."""
    headers = [json.loads(request.body.split(b"\n")[0]) for request in requests(test_type, params, 50)]
    for header in headers:
        assert list(header) == sorted(header)
        assert header["sent_at"] == "2025-01-02T15:04:05.123456789Z"
        ids = [header[name] for name in ("event_id", "trace_id") if name in header]
        assert [(UUID(text).hex, UUID(text).version) for text in ids] == [(text, 4) for text in ids]
    assert len({header["event_id"] for header in headers}) == 50, item_type


@everything
def test_another_seed_makes_other_payloads(test_type: TestType[Any], params: dict[str, Any]) -> None:
    """All randomness comes from the seed, and there is some."""
    first, second = (requests(test_type, params, 50, seed) for seed in (5, 6))
    assert not {request.body for request in first} & {request.body for request in second}


@everything
def test_hits_go_to_the_project_whose_key_they_carry(test_type: TestType[Any], params: dict[str, Any]) -> None:
    """All entries of a projects file are used, the first and the last too, each with its own key."""
    wanted = {"projectDistribution": [{"numProjects": 3}]} if test_type is TRANSACTION_V2 else {"numProjects": 3}
    listed = ListedProjects([Project(str(number), f"key{number}") for number in range(3)])
    made = requests(test_type, params | wanted, 100, projects=listed)
    receiver = "envelope" if test_type is not EVENT or "framing" in params else "store"
    assert {(request.method, request.path, request.headers[0]) for request in made} == {
        (
            "POST",
            f"/api/{number}/{receiver}/",
            ("X-Sentry-Auth", f"Sentry sentry_key=key{number},sentry_version=7"),
        )
        for number in range(3)
    }


@everything
def test_a_project_keeps_its_path_and_headers(test_type: TestType[Any], params: dict[str, Any]) -> None:
    """They are the same objects from hit to hit, so that the engine need not encode them again."""
    first, *others = requests(test_type, params, 20)
    assert all(other.path is first.path and other.headers is first.headers for other in others)
