"""The framing of envelopes, judged by the parser of Sentry's own SDK."""

import json

from hypothesis import given
from hypothesis import strategies as st
from sentry_sdk.envelope import Envelope

from load_tester.domain.project import ListedProjects, MadeUpProjects, Project
from test_types.envelope import endpoints, framed


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
