"""Test type `transaction`: Sentry transactions with spans, breadcrumbs, contexts and measurements."""

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from random import Random
from typing import Final

import msgspec

from load_tester.domain.duration import MICROSECOND, MILLISECOND, SECOND, Duration
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types.contexts import context_writer, user_writer
from test_types.envelope import endpoints, framed
from test_types.generation import hex_ids, json_text, now_rfc3339_ms, rfc3339_ns, rfc3339_us, seconds_us, uuid4_pair
from test_types.params import ZERO, Count, Length, Texts, Words, check_duration, check_order, check_projects
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

    num_projects: Count = 1
    transaction_timestamp_spread: Duration = ZERO
    transaction_duration_min: Duration = ZERO
    transaction_duration_max: Duration = Duration(SECOND)
    min_spans: Length = 0
    max_spans: Length = 10
    num_releases: Count = 0
    num_users: Count = 0
    min_breadcrumbs: Length = 0
    max_breadcrumbs: Length = DEFAULT_MAX_BREADCRUMBS
    breadcrumb_categories: Words = CATEGORIES
    breadcrumb_levels: Words = LEVELS
    breadcrumbs_types: Words = TYPES
    breadcrumb_messages: Texts = MESSAGES
    measurements: Words = ()
    operations: Words = ()


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
    check_duration("transactionTimestampSpread", params.transaction_timestamp_spread)
    check_duration("transactionDurationMin", params.transaction_duration_min)
    check_duration("transactionDurationMax", params.transaction_duration_max)
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


TRANSACTION: Final = TestType(
    name="transaction",
    summary="Sentry transactions with spans, breadcrumbs, contexts and measurements.",
    params=TransactionParams,
    build=_build,
    check=_check,
    hits_per_worker=8_000,
)
