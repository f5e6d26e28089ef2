"""What all events have in common, however they are sent: their parameters, and the payloads made from these."""

from collections.abc import Callable
from random import Random
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MICROSECOND, SECOND
from load_tester.domain.test_type import InvalidParams
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
from test_types.generation import json_text, seconds_us
from test_types.params import Count, Length, Word, check_order
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


class EventShape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What events look like. All ranges include both ends; empty lists of breadcrumb words mean the defaults."""

    num_projects: Annotated[Count, Meta(description="Projects the events are spread over; 0 stands for 1.")] = 1
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


EventWriter = Callable[[str, int], str]
"""`(first_members, now_ns)` → the payload of an event at that Unix time; its first members are JSON with a comma behind
each, or nothing."""


def _breadcrumb_words(shape: EventShape) -> BreadcrumbWords:
    return BreadcrumbWords(
        types=shape.breadcrumb_types,
        categories=shape.breadcrumb_categories,
        levels=shape.breadcrumb_levels,
        messages=shape.breadcrumb_messages,
    )


def check_event(shape: EventShape) -> None:
    """Raise `InvalidParams` for parameters that are wrong together."""
    check_order("minBreadcrumbs", shape.min_breadcrumbs, "maxBreadcrumbs", shape.max_breadcrumbs)
    check_words(_breadcrumb_words(shape))
    check_order("minFrames", shape.min_frames, "maxFrames", shape.max_frames)
    if shape.with_native_stacktrace and shape.with_javascript_stacktrace:
        raise InvalidParams(
            "an event is of one platform: withNativeStacktrace and withJavascriptStacktrace exclude each other",
            ".withNativeStacktrace",
        )


def event_writer(shape: EventShape, random: Random) -> EventWriter:
    """What writes the payloads of events of that shape."""
    draw = random.random
    platform, write_stack_trace = _stack_trace(shape, random)
    write_message = _message_writer(random)
    write_release = _release_writer(shape, random)
    write_user, write_contexts = user_writer(random, shape.num_users), context_writer(random)
    write_breadcrumbs = breadcrumb_writer(
        random, shape.min_breadcrumbs, shape.max_breadcrumbs, _breadcrumb_words(shape)
    )
    groups = shape.num_event_groups
    levels = tuple(f',"level":"{level}"' for level in EVENT_LEVELS) if shape.with_level else ("",)
    num_levels = len(levels)

    def write(first_members: str, now_ns: int) -> str:
        fingerprint = f',"fingerprint":["fingerprint{int(draw() * groups)}"]' if groups else ""
        return (
            f'{{{first_members}"platform":"{platform}","timestamp":{seconds_us(now_ns // MICROSECOND)}'
            f"{levels[int(draw() * num_levels)]}{fingerprint}{write_release()}"
            f"{NAMES[int(draw() * 200)]}{ORIGINS[int(draw() * 9)]}"
            f',"logentry":{{"formatted":"{write_message()}"}},"user":{write_user()}'
            f',"contexts":{{{write_contexts(now_ns // SECOND)}}}{write_breadcrumbs(now_ns)}{write_stack_trace()}}}'
        )

    return write


def _stack_trace(shape: EventShape, random: Random) -> tuple[str, Callable[[], str]]:
    """The platform of events, and what writes their exception, if they have one."""
    if not shape.with_javascript_stacktrace and not shape.with_native_stacktrace:
        return "other", lambda: ""
    kind = JAVASCRIPT if shape.with_javascript_stacktrace else NATIVE
    return kind.platform, stack_trace_writer(random, kind, shape.min_frames, shape.max_frames)


def _release_writer(shape: EventShape, random: Random) -> Callable[[], str]:
    """Write the member `release` with its comma, or nothing."""
    draw, releases = random.random, shape.num_releases
    if shape.release is not None:
        release = f',"release":{json_text(shape.release)}'
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
