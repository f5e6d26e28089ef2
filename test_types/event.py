"""Test type `event`: Sentry error events, as envelopes or for the older store endpoint."""

from collections.abc import Callable
from random import Random
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MICROSECOND, SECOND
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types.breadcrumbs import (
    CATEGORIES,
    DEFAULT_MAX_BREADCRUMBS,
    LEVELS,
    MESSAGES,
    TYPES,
    BreadcrumbWords,
    Categories,
    Levels,
    Messages,
    MinBreadcrumbs,
    Types,
    breadcrumb_writer,
    check_words,
)
from test_types.contexts import NAMES, ORIGINS, context_writer, user_writer
from test_types.envelope import ENVELOPE, STORE, endpoints, envelope_header, framed
from test_types.generation import json_text, seconds_us, uuid4_pair
from test_types.params import Count, Length, Word, check_order, check_projects
from test_types.stack_trace import JAVASCRIPT, NATIVE, stack_trace_writer

EVENT_LEVELS: Final = ("error", "debug")
WORDS: Final = (
    "the", "a", "user", "request", "server", "cache", "queue", "worker", "message", "order", "cart", "payment",
    "session", "token", "page", "file", "record", "index", "failed", "timed", "out", "refused", "expired", "returned",
    "waited", "retried", "closed", "opened", "missed", "dropped", "moved", "locked", "found", "lost", "after",
    "before", "during", "without", "while", "because", "with", "from", "for", "into", "at", "again", "twice", "never",
    "slowly",
)  # fmt: skip
MIN_WORDS: Final = 4
MAX_WORDS: Final = 12

Frames = Annotated[int, Meta(ge=1, le=10_000)]


class EventParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What events look like. All ranges include both ends; empty lists of breadcrumb words mean the defaults."""

    framing: Annotated[
        Literal["store", "envelope"],
        Meta(description="Whether events are posted as JSON to the store endpoint, or as envelopes."),
    ] = "store"
    num_projects: Annotated[Count, Meta(description="Projects the events are spread over; 0 stands for 1.")] = 1
    with_event_id: Annotated[bool, Meta(description="Whether the payload has an `event_id`.")] = True
    with_level: Annotated[bool, Meta(description="Whether the payload has a `level`.")] = True
    num_event_groups: Annotated[
        Count, Meta(description="Fingerprints `fingerprint0`, `fingerprint1` …; with 0 there is no `fingerprint`.")
    ] = 1
    num_users: Annotated[Count, Meta(description="User ids `0`, `1` …; with 0 a user is only an address.")] = 0
    num_releases: Annotated[
        Count, Meta(description="Releases `release0`, `release1` …; with 0 there is no `release`.")
    ] = 10
    release: Annotated[Word | None, Meta(description="The release of all events, instead of one of `numReleases`.")] = (
        None
    )
    min_breadcrumbs: MinBreadcrumbs = 0
    max_breadcrumbs: Annotated[Length, Meta(description="The most breadcrumbs.")] = DEFAULT_MAX_BREADCRUMBS
    breadcrumb_categories: Categories = CATEGORIES
    breadcrumb_levels: Levels = LEVELS
    breadcrumb_types: Types = TYPES
    breadcrumb_messages: Messages = MESSAGES
    with_javascript_stacktrace: Annotated[
        bool, Meta(description="Whether there is an exception with a stack trace of a web page.")
    ] = False
    with_native_stacktrace: Annotated[
        bool, Meta(description="Whether there is an exception with a stack trace of a crashed program.")
    ] = False
    min_frames: Annotated[Frames, Meta(description="The fewest frames of a stack trace.")] = 5
    max_frames: Annotated[Frames, Meta(description="The most frames of a stack trace.")] = 30


def _breadcrumb_words(params: EventParams) -> BreadcrumbWords:
    return BreadcrumbWords(
        types=params.breadcrumb_types,
        categories=params.breadcrumb_categories,
        levels=params.breadcrumb_levels,
        messages=params.breadcrumb_messages,
    )


def _check(params: EventParams) -> None:
    check_order("minBreadcrumbs", params.min_breadcrumbs, "maxBreadcrumbs", params.max_breadcrumbs)
    check_words(_breadcrumb_words(params))
    check_order("minFrames", params.min_frames, "maxFrames", params.max_frames)
    if params.with_native_stacktrace and params.with_javascript_stacktrace:
        raise InvalidParams(
            "an event is of one platform: withNativeStacktrace and withJavascriptStacktrace exclude each other",
            ".withNativeStacktrace",
        )


def _build(params: EventParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    check_projects(num_projects, context)
    random = context.random
    draw, bits = random.random, random.getrandbits
    enveloped = params.framing == "envelope"
    endpoint_at = endpoints(context.projects, ENVELOPE if enveloped else STORE)
    write_payload = _payload_writer(params, random)

    def request(_seq: int, now_ns: int) -> Request:
        path, headers, _ = endpoint_at(int(draw() * num_projects))
        event_id, _ = uuid4_pair(bits(256))
        payload = write_payload(event_id, now_ns)
        if enveloped:
            return Request("POST", path, headers, framed(envelope_header(event_id, now_ns), "event", payload))
        return Request("POST", path, headers, payload.encode())

    return Targeter(request)


def _payload_writer(params: EventParams, random: Random) -> Callable[[str, int], str]:
    """Write the payload of an event with that id, at the Unix time given in nanoseconds."""
    draw = random.random
    platform, write_stack_trace = _stack_trace(params, random)
    write_message = _message_writer(random)
    write_release = _release_writer(params, random)
    write_user, write_contexts = user_writer(random, params.num_users), context_writer(random)
    write_breadcrumbs = breadcrumb_writer(
        random, params.min_breadcrumbs, params.max_breadcrumbs, _breadcrumb_words(params)
    )
    with_event_id, groups = params.with_event_id, params.num_event_groups
    levels = tuple(f',"level":"{level}"' for level in EVENT_LEVELS) if params.with_level else ("",)
    num_levels = len(levels)

    def write(event_id: str, now_ns: int) -> str:
        opening = f'{{"event_id":"{event_id}",' if with_event_id else "{"
        fingerprint = f',"fingerprint":["fingerprint{int(draw() * groups)}"]' if groups else ""
        return (
            f'{opening}"platform":"{platform}","timestamp":{seconds_us(now_ns // MICROSECOND)}'
            f"{levels[int(draw() * num_levels)]}{fingerprint}{write_release()}"
            f"{NAMES[int(draw() * 200)]}{ORIGINS[int(draw() * 9)]}"
            f',"logentry":{{"formatted":"{write_message()}"}},"user":{write_user()}'
            f',"contexts":{{{write_contexts(now_ns // SECOND)}}}{write_breadcrumbs(now_ns)}{write_stack_trace()}}}'
        )

    return write


def _stack_trace(params: EventParams, random: Random) -> tuple[str, Callable[[], str]]:
    """The platform of events, and what writes their exception, if they have one."""
    if not params.with_javascript_stacktrace and not params.with_native_stacktrace:
        return "other", lambda: ""
    kind = JAVASCRIPT if params.with_javascript_stacktrace else NATIVE
    return kind.platform, stack_trace_writer(random, kind, params.min_frames, params.max_frames)


def _release_writer(params: EventParams, random: Random) -> Callable[[], str]:
    """Write the member `release` with its comma, or nothing."""
    draw, releases = random.random, params.num_releases
    if params.release is not None:
        release = f',"release":{json_text(params.release)}'
        return lambda: release
    return (lambda: f',"release":"release{int(draw() * releases)}"') if releases else lambda: ""


def _message_writer(random: Random) -> Callable[[], str]:
    """Write a sentence of random words."""
    draw, choices = random.random, random.choices
    first_words = tuple(word.capitalize() for word in WORDS)
    num_words, options = len(WORDS), MAX_WORDS - MIN_WORDS + 1
    return lambda: (
        f"{first_words[int(draw() * num_words)]} {' '.join(choices(WORDS, k=MIN_WORDS - 1 + int(draw() * options)))}."
    )


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
    check=_check,
    hits_per_worker=10_000,
)
