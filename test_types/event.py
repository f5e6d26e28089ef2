"""Test type `event`: Sentry error events, as envelopes or for the older store endpoint."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, TestType
from test_types.envelope import ENVELOPE, STORE, endpoints, envelope_header, framed
from test_types.event_shape import EventShape, check_event, event_writer
from test_types.generation import uuid4_pair
from test_types.params import check_projects


class EventParams(EventShape, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Events, and how they are posted."""

    framing: Annotated[
        Literal["store", "envelope"],
        Meta(description="Whether events are posted as JSON to the store endpoint, or as envelopes."),
    ] = "store"
    with_event_id: Annotated[bool, Meta(description="Whether the payload has an `event_id`.")] = True


def _build(params: EventParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    check_projects(num_projects, context)
    random = context.random
    draw, bits = random.random, random.getrandbits
    enveloped = params.framing == "envelope"
    endpoint_at = endpoints(context.projects, ENVELOPE if enveloped else STORE)
    write_payload = event_writer(params, random)
    with_event_id = params.with_event_id

    def request(_seq: int, now_ns: int) -> Request:
        path, headers, _ = endpoint_at(int(draw() * num_projects))
        event_id, _ = uuid4_pair(bits(256))
        payload = write_payload(f'"event_id":"{event_id}",' if with_event_id else "", now_ns)
        if enveloped:
            return Request("POST", path, headers, framed(envelope_header(event_id, now_ns), "event", payload))
        return Request("POST", path, headers, payload.encode())

    return Targeter(request)


DESCRIPTION: Final = """\
With `framing` `store` an event is posted as JSON (`Content-Type: application/json`) to
`POST {target}/api/{project_id}/store/`, with the same `X-Sentry-Auth` as an envelope; with `envelope` it is the item of
an envelope, whose header always has an `event_id`.

| field | value |
|---|---|
| `event_id` | a random UUID (version 4) without dashes, the same as in the envelope header; absent without `withEventId` |
| `platform` | `javascript` or `native` with such a stack trace, else `other` |
| `timestamp` | now; Unix seconds with microseconds |
| `level` | `error` or `debug`, each equally likely; absent without `withLevel` |
| `fingerprint` | `["fingerprint<n>"]`, by which events are grouped; absent when `numEventGroups` is 0: the target then groups by what they contain |
| `release` | `release`, else `release<n>`; absent when `numReleases` is 0 and `release` is not given |
| `transaction` | `mytransaction0` to `mytransaction99`; absent half the time |
| `logger` | `foo.bar.baz`, `bam.baz.bad` or absent, each equally likely |
| `environment` | `production`, `development` or `staging` |
| `logentry` | `formatted`: a sentence of 4 to 12 random words |
| `user` | `ip_address`; with `numUsers` above 0 also `username` and `id` |
| `contexts` | `os`, `device` and `app`, each empty half the time; fields of a device that are zero or false are left out |
| `breadcrumbs` | as in a [`transaction`](#transaction); `maxBreadcrumbs` 0 means none |
| `exception` | with a stack trace: one exception of `minFrames` to `maxFrames` frames, the last one where it was raised; else absent |
| `debug_meta` | with a native stack trace: the ELF images its frames are in; else absent |

A frame of a JavaScript stack trace has `filename`, `function`, `lineno`, `colno` and `in_app`; the exceptions are five
common errors of web pages. A native one has what a crashed program knows without debug information: per frame the
`instruction_addr` and the `package` it is in, and how the signal was caught (`mechanism`). The images are made up, so
there is nothing to symbolicate them with. An event has one platform: both stack traces together are refused.
"""

EVENT: Final = TestType(
    name="event",
    summary="Sentry error events, as envelopes or for the store endpoint.",
    description=DESCRIPTION,
    params=EventParams,
    build=_build,
    check=check_event,
    hits_per_worker=10_000,
)
