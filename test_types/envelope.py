"""Where Sentry takes what is sent to it, and the framing of envelopes: an envelope header, an item header, a payload."""

from collections.abc import Callable
from typing import Final, NamedTuple

from load_tester.domain.duration import MILLISECOND
from load_tester.domain.project import ProjectProvider
from load_tester.domain.request import Headers
from test_types.generation import json_text, now_rfc3339_ms, rfc3339_ns

REMEMBERED_ENDPOINTS: Final = 16_384


class Receiver(NamedTuple):
    """One of the addresses below that of a project, and what it takes."""

    path: str
    content_type: str


ENVELOPE: Final = Receiver("envelope", "application/x-sentry-envelope")
STORE: Final = Receiver("store", "application/json")


class Endpoint(NamedTuple):
    """Where what a project sends goes; `key_json` is its public key as JSON.

    The same project has the same path and headers, as objects, for as long as it is remembered, so that the engine
    need not encode them for every hit.
    """

    path: str
    headers: Headers
    key_json: str


def endpoints(projects: ProjectProvider, receiver: Receiver = ENVELOPE) -> Callable[[int], Endpoint]:
    """The endpoints of the projects by their 0-based index; a bounded number of them is remembered.

    In a plain dict: one that forgets what was used the longest ago touches more memory, which takes a tenth of the
    time of a session when there are thousands of projects.
    """
    known: dict[int, Endpoint] = {}
    content_type = ("Content-Type", receiver.content_type)

    def endpoint(index: int) -> Endpoint:
        found = known.get(index)
        if found is None:
            if len(known) >= REMEMBERED_ENDPOINTS:
                known.clear()
            project = projects.at(index)
            auth = ("X-Sentry-Auth", f"Sentry sentry_key={project.project_key},sentry_version=7")
            path, key_json = f"/api/{project.project_id}/{receiver.path}/", json_text(project.project_key)
            found = known[index] = Endpoint(path, (auth, content_type), key_json)
        return found

    return endpoint


def envelope_header(event_id: str, now_ns: int) -> str:
    """The envelope header of what stands for itself."""
    return f'{{"event_id":"{event_id}","sent_at":"{rfc3339_ns(now_ns, now_rfc3339_ms(now_ns // MILLISECOND))}"}}'


def traced_header(event_id: str, trace_id: str, key_json: str, now_ns: int) -> str:
    """The envelope header of what belongs to a trace; `key_json` is the project's public key."""
    sent_at = rfc3339_ns(now_ns, now_rfc3339_ms(now_ns // MILLISECOND))
    return f'{{"event_id":"{event_id}","public_key":{key_json},"sent_at":"{sent_at}","trace_id":"{trace_id}"}}'


def framed(header: str, item_type: str, payload: str) -> bytes:
    """An envelope of one item: three lines of JSON, each with a newline at its end; the length counts bytes."""
    length = len(payload) if payload.isascii() else len(payload.encode())
    return f'{header}\n{{"type":"{item_type}","length":{length}}}\n{payload}\n'.encode()
