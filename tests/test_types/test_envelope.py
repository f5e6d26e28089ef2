"""The framing of envelopes, judged by the parser of Sentry's own SDK."""

import json

from hypothesis import given
from hypothesis import strategies as st
from sentry_sdk.envelope import Envelope

from load_tester.domain.project import ListedProjects, MadeUpProjects, Project
from test_types.envelope import REMEMBERED_ENDPOINTS, STORE, endpoints, envelope_header, framed, traced_header

AFTERNOON_NS = 1_735_830_245_120_000_000


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_length_of_an_item_counts_its_bytes(text: str) -> None:
    """Whatever the text, the SDK's parser finds one item of that type and exactly that payload."""
    payload = json.dumps({"text": text}, ensure_ascii=False)
    envelope = Envelope.deserialize(framed('{"event_id":"a"}', "session", payload))
    assert envelope.headers == {"event_id": "a"}
    (item,) = envelope.items
    assert (item.type, item.headers["length"]) == ("session", len(payload.encode()))
    assert item.get_bytes() == payload.encode()


def test_an_envelope_is_three_lines_each_with_an_end() -> None:
    """The bytes are header, item header and payload, each with a newline, the last one too."""
    assert framed("{}", "x", '"é"') == b'{}\n{"type":"x","length":4}\n"\xc3\xa9"\n'


def test_an_endpoint_is_that_of_its_project() -> None:
    """Path and headers name the project's id and key."""
    endpoint = endpoints(ListedProjects([Project("5", "k5"), Project("6", "k6")]))(1)
    assert endpoint.path == "/api/6/envelope/"
    assert endpoint.headers == (
        ("X-Sentry-Auth", "Sentry sentry_key=k6,sentry_version=7"),
        ("Content-Type", "application/x-sentry-envelope"),
    )
    assert endpoint.key_json == '"k6"'


def test_a_project_keeps_its_endpoint() -> None:
    """The same objects come back for the same project, so that the engine can know them again."""
    endpoint_at = endpoints(MadeUpProjects())
    assert endpoint_at(3) is endpoint_at(3)


def test_the_store_endpoint_takes_plain_json() -> None:
    """Path and content type are its own, the key is sent as with an envelope."""
    endpoint = endpoints(MadeUpProjects(), STORE)(41)
    assert endpoint.path == "/api/42/store/"
    assert endpoint.headers[1] == ("Content-Type", "application/json")
    assert endpoint.headers[0] == endpoints(MadeUpProjects())(41).headers[0]


def test_a_bounded_number_of_endpoints_is_remembered() -> None:
    """With more projects than that memory does not grow; an endpoint that was forgotten is made again, the same."""
    endpoint_at = endpoints(MadeUpProjects())
    first = endpoint_at(0)
    for index in range(1, REMEMBERED_ENDPOINTS + 1):
        endpoint_at(index)
    assert endpoint_at(0) is not first
    assert endpoint_at(0) == first


def test_headers_are_json_with_their_keys_in_order() -> None:
    """The time is Go's: as many digits as it needs."""
    assert envelope_header("a1", AFTERNOON_NS) == '{"event_id":"a1","sent_at":"2025-01-02T15:04:05.12Z"}'
    assert traced_header("a1", "b2", '"k"', AFTERNOON_NS) == (
        '{"event_id":"a1","public_key":"k","sent_at":"2025-01-02T15:04:05.12Z","trace_id":"b2"}'
    )
