"""Test type `transaction`: Sentry transactions with spans, breadcrumbs, contexts and measurements."""

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from random import Random
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MICROSECOND, MILLISECOND, SECOND
from load_tester.domain.parameter import Span
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types.contexts import context_writer, user_writer
from test_types.envelope import endpoints, framed
from test_types.generation import hex_ids, json_text, now_rfc3339_ms, rfc3339_ns, rfc3339_us, seconds_us, uuid4_pair
from test_types.params import ZERO, Count, Length, Texts, Words, check_order, check_projects
from test_types.spans import ending_chooser, span_writer

DEFAULT_MAX_BREADCRUMBS: Final = 50
CATEGORIES: Final = ("auth", "web-request", "query")
LEVELS: Final = ("fatal", "error", "warning", "info", "debug")
TYPES: Final = ("default", "http", "error")
MESSAGES: Final = (
    "sending message via: UDP(10.8.0.10:53)",
    "GET http://localhost/xx/xxxx/xxxxxxxxxxxxxx [200]",
    "Authenticating the user_name",
    "IOError: [Errno 2] No such file or directory: '/tmp/someFile/'",
)
MAX_COMBINATIONS: Final = 10_000
"""Of breadcrumb types, categories, levels and messages: all of them are kept in memory, written out."""

MAX_MEASUREMENT: Final = 1000


class TransactionParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What transactions look like. All ranges include both ends; empty lists of breadcrumb words mean the defaults."""

    num_projects: Annotated[Count, Meta(description="Projects the transactions are spread over; 0 stands for 1.")] = 1
    transaction_timestamp_spread: Annotated[
        Span, Meta(description="A transaction ended uniformly between now and this long ago.")
    ] = ZERO
    transaction_duration_min: Annotated[Span, Meta(description="The shortest transaction.")] = ZERO
    transaction_duration_max: Annotated[Span, Meta(description="The longest transaction.")] = Span(SECOND)
    min_spans: Annotated[Length, Meta(description="The fewest spans.")] = 0
    max_spans: Annotated[Length, Meta(description="The most spans.")] = 10
    num_releases: Annotated[
        Count, Meta(description="Releases `release0`, `release1` …; with 0 there is no `release`.")
    ] = 0
    num_users: Annotated[Count, Meta(description="User ids `0`, `1` …; with 0 a user is only an address.")] = 0
    min_breadcrumbs: Annotated[Length, Meta(description="The fewest breadcrumbs.")] = 0
    max_breadcrumbs: Annotated[Length, Meta(description="The most breadcrumbs; 0 stands for 50.")] = (
        DEFAULT_MAX_BREADCRUMBS
    )
    breadcrumb_categories: Annotated[
        Words, Meta(description="Categories of breadcrumbs; none stand for the default ones.")
    ] = CATEGORIES
    breadcrumb_levels: Annotated[Words, Meta(description="Levels of breadcrumbs; none stand for the default ones.")] = (
        LEVELS
    )
    breadcrumbs_types: Annotated[
        Words,
        Meta(description="Types of breadcrumbs (mind the `s` in the middle); none stand for the default ones."),
    ] = TYPES
    breadcrumb_messages: Annotated[
        Texts, Meta(description="Messages of breadcrumbs; none stand for the default ones.")
    ] = MESSAGES
    measurements: Annotated[
        Words, Meta(description="Names of measurements, none of them twice; each transaction has all of them.")
    ] = ()
    operations: Annotated[Words, Meta(description="Operations of spans and of the trace.")] = ()


_NAMES: Final = (*(f',"transaction":"mytransaction{number}"' for number in range(100)), *("",) * 100)
_ORIGINS: Final = tuple(
    f'{logger},"environment":"{environment}"'
    for logger, environment in product(
        (',"logger":"foo.bar.baz"', ',"logger":"bam.baz.bad"', ""), ("production", "development", "staging")
    )
)


def _max_breadcrumbs(params: TransactionParams) -> int:
    return params.max_breadcrumbs or DEFAULT_MAX_BREADCRUMBS


def _check(params: TransactionParams) -> None:
    check_order(
        "transactionDurationMin", params.transaction_duration_min,
        "transactionDurationMax", params.transaction_duration_max,
    )  # fmt: skip
    check_order("minSpans", params.min_spans, "maxSpans", params.max_spans)
    check_order("minBreadcrumbs", params.min_breadcrumbs, "maxBreadcrumbs", _max_breadcrumbs(params))
    combinations = prod(map(len, _breadcrumb_words(params)))
    if combinations > MAX_COMBINATIONS:
        raise InvalidParams(
            f"the words of breadcrumbs make {combinations} combinations; at most {MAX_COMBINATIONS} are allowed",
            ".breadcrumbMessages",
        )
    for number, name in enumerate(params.measurements):
        if name in params.measurements[:number]:
            raise InvalidParams(f"the measurement {name!r} is listed twice", f".measurements[{number}]")


def _build(params: TransactionParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    check_projects(num_projects, context)
    endpoint_at = endpoints(context.projects)
    random = context.random
    draw, bits = random.random, random.getrandbits
    write_interval = _interval_writer(params, random)
    write_body = _body_writer(params, random)

    def request(_seq: int, now_ns: int) -> Request:
        path, headers, key_json = endpoint_at(int(draw() * num_projects))
        event_id, trace_id = uuid4_pair(bits(256))
        start_us, end_us = write_interval(now_ns)
        header = (
            f'{{"event_id":"{event_id}","public_key":{key_json}'
            f',"sent_at":"{rfc3339_ns(now_ns, now_rfc3339_ms(now_ns // MILLISECOND))}","trace_id":"{trace_id}"}}'
        )
        payload = write_body(event_id, trace_id, start_us, end_us, now_ns)
        return Request("POST", path, headers, framed(header, "transaction", payload))

    return Targeter(request)


def _interval_writer(params: TransactionParams, random: Random) -> Callable[[int], tuple[int, int]]:
    """Draw start and end of a transaction, in Unix microseconds: it ended up to the spread ago."""
    draw = random.random
    spread_us = params.transaction_timestamp_spread.ns // MICROSECOND
    shortest_us = params.transaction_duration_min.ns // MICROSECOND
    range_us = params.transaction_duration_max.ns // MICROSECOND - shortest_us

    def interval(now_ns: int) -> tuple[int, int]:
        end_us = now_ns // MICROSECOND - int(draw() * (spread_us + 1))
        return end_us - shortest_us - int(draw() * (range_us + 1)), end_us

    return interval


def _body_writer(params: TransactionParams, random: Random) -> Callable[[str, str, int, int, int], str]:
    """Write the payload of a transaction."""
    draw = random.random
    releases = params.num_releases
    write_user, write_contexts = user_writer(random, params.num_users), context_writer(random)
    choose_ending = ending_chooser(random, params.operations)
    write_breadcrumbs = _breadcrumb_writer(params, random)
    write_measurements = _measurement_writer(params.measurements, random)
    write_spans = span_writer(random, params.operations)
    min_spans, spans_range = params.min_spans, params.max_spans - params.min_spans + 1

    def write(event_id: str, trace_id: str, start_us: int, end_us: int, now_ns: int) -> str:
        span_id, parent_id = hex_ids(random, 2)
        release = f',"release":"release{int(draw() * releases)}"' if releases else ""
        num_spans = min_spans + int(draw() * spans_range)
        spans = write_spans(num_spans, trace_id, span_id, start_us, end_us)
        spans_opening, spans_closing = (',"spans":[', "]") if spans else ("", "")
        return (
            f'{{"type":"transaction","timestamp":"{rfc3339_us(end_us)}","start_timestamp":"{rfc3339_us(start_us)}"'
            f',"event_id":"{event_id}"{release}{_NAMES[int(draw() * 200)]}{_ORIGINS[int(draw() * 9)]}'
            f',"user":{write_user()},"contexts":{{{write_contexts(now_ns // SECOND)}'
            f',"trace":{{"type":"trace","trace_id":"{trace_id}","span_id":"{span_id}","parent_span_id":"{parent_id}"'
            f"{choose_ending()}}}}}{write_breadcrumbs(now_ns)}{write_measurements()}"
            f"{spans_opening}{spans}{spans_closing}}}"
        )

    return write


def _breadcrumb_writer(params: TransactionParams, random: Random) -> Callable[[int], str]:
    """Write the member `breadcrumbs` with its comma, or nothing; all happened now.

    All combinations of words are written out beforehand: a breadcrumb is then one draw; two took twice the time.
    """
    draw, choices = random.random, random.choices
    least, options = params.min_breadcrumbs, _max_breadcrumbs(params) - params.min_breadcrumbs + 1
    endings = tuple(
        f',"type":{kind},"category":{category},"level":{level},"message":{message}}}'
        for kind, category, level, message in product(*(map(json_text, words) for words in _breadcrumb_words(params)))
    )

    def write(now_ns: int) -> str:
        count = least + int(draw() * options)
        if not count:
            return ""
        opening = f'{{"timestamp":{seconds_us(now_ns // MICROSECOND)}'
        breadcrumbs = f",{opening}".join(choices(endings, k=count))
        return f',"breadcrumbs":[{opening}{breadcrumbs}]'

    return write


def _breadcrumb_words(params: TransactionParams) -> tuple[tuple[str, ...], ...]:
    """What breadcrumbs choose from: types, categories, levels, messages."""
    return (
        params.breadcrumbs_types or TYPES,
        params.breadcrumb_categories or CATEGORIES,
        params.breadcrumb_levels or LEVELS,
        params.breadcrumb_messages or MESSAGES,
    )


def _measurement_writer(names: Sequence[str], random: Random) -> Callable[[], str]:
    """Write the member `measurements` with its comma, each value within 0 and `MAX_MEASUREMENT`."""
    draw = random.random
    openings = tuple(f'{json_text(name)}:{{"value":' for name in names)
    if not openings:
        return lambda: ""

    def write() -> str:
        values = ",".join([f"{opening}{draw() * MAX_MEASUREMENT:.3f}}}" for opening in openings])
        return f',"measurements":{{{values}}}'

    return write


DESCRIPTION: Final = """\
An empty list of breadcrumb words stands for the default one; all four lists together may make 10000 combinations. A word that is listed twice is chosen twice as often; a
measurement must not be listed twice.

| field | value |
|---|---|
| `type` | `transaction` |
| `timestamp`, `start_timestamp` | RFC 3339 with microseconds; the end is now - a uniform part of the spread, the duration uniform from minimum to maximum |
| `event_id` | a random UUID (version 4) without dashes, the same as in the envelope header |
| `release` | `release<n>`; absent when `numReleases` is 0 |
| `transaction` | `mytransaction0` to `mytransaction99`; absent half the time |
| `logger` | `foo.bar.baz`, `bam.baz.bad` or absent, each equally likely |
| `environment` | `production`, `development` or `staging` |
| `user` | `ip_address`; with `numUsers` above 0 also `username` and `id` |
| `contexts` | `os`, `device` and `app`, each empty half the time; fields of a device that are zero or false are left out; `trace` always |
| `breadcrumbs` | all of them now, with `type`, `category`, `level`, `message`; absent when there are none |
| `measurements` | `{name: {"value": 0 to 1000}}`; absent when there are none |
| `spans` | the span tree; absent when there are none |

Spans form a tree below the transaction's own span (`contexts.trace.span_id`), breadth first: every parent has one to
three children, each number equally likely, that divide its time equally; the last part comes first. The number of spans
is exact, so the last parent may have fewer. All spans lie within their transaction. A span is `ok` with a probability of
100/101, and any of the 18 statuses otherwise.
"""

TRANSACTION: Final = TestType(
    name="transaction",
    summary="Sentry transactions with spans, breadcrumbs, contexts and measurements.",
    description=DESCRIPTION,
    params=TransactionParams,
    build=_build,
    check=_check,
    hits_per_worker=8_000,
)
