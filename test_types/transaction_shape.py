"""What all transactions have in common: their parameters, and the requests made from these."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MICROSECOND, SECOND
from load_tester.domain.parameter import Span
from load_tester.domain.request import Request, RequestMaker
from load_tester.domain.test_type import BuildContext, InvalidParams
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
    breadcrumb_writer,
    check_words,
)
from test_types.contexts import NAMES, ORIGINS, context_writer, user_writer
from test_types.envelope import endpoints, framed, traced_header
from test_types.generation import hex_ids, json_text, rfc3339_us, uuid4_pair
from test_types.params import ZERO, Count, Length, Words, check_order
from test_types.spans import ending_chooser, span_writer

MAX_MEASUREMENT: Final = 1000


class TransactionShape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a transaction looks like, whichever project it is of and whenever it ended. Ranges include both ends."""

    transaction_duration_min: Annotated[Span, Meta(description="The shortest transaction.")] = ZERO
    transaction_duration_max: Annotated[Span, Meta(description="The longest transaction.")] = Span(SECOND)
    min_spans: Annotated[Length, Meta(description="The fewest spans.")] = 0
    max_spans: Annotated[Length, Meta(description="The most spans.")] = 10
    num_releases: Annotated[
        Count, Meta(description="Releases `release0`, `release1` …; with 0 there is no `release`.")
    ] = 0
    num_users: Annotated[Count, Meta(description="User ids `0`, `1` …; with 0 a user is only an address.")] = 0
    min_breadcrumbs: MinBreadcrumbs = 0
    max_breadcrumbs: Annotated[Length, Meta(description="The most breadcrumbs; 0 stands for 50.")] = (
        DEFAULT_MAX_BREADCRUMBS
    )
    breadcrumb_categories: Categories = CATEGORIES
    breadcrumb_levels: Levels = LEVELS
    breadcrumbs_types: Annotated[
        Words,
        Meta(description="Types of breadcrumbs (mind the `s` in the middle); none stand for the default ones."),
    ] = TYPES
    breadcrumb_messages: Messages = MESSAGES
    measurements: Annotated[
        Words, Meta(description="Names of measurements, none of them twice; each transaction has all of them.")
    ] = ()
    operations: Annotated[Words, Meta(description="Operations of spans and of the trace.")] = ()


ProjectChooser = Callable[[], tuple[int, Callable[[], int]]]
"""Choose the project of a transaction: its index, and what draws how many microseconds ago the transaction ended."""


def check_shape(shape: TransactionShape) -> None:
    """Raise `InvalidParams` for parameters that are wrong together."""
    check_order(
        "transactionDurationMin", shape.transaction_duration_min,
        "transactionDurationMax", shape.transaction_duration_max,
    )  # fmt: skip
    check_order("minSpans", shape.min_spans, "maxSpans", shape.max_spans)
    check_order("minBreadcrumbs", shape.min_breadcrumbs, "maxBreadcrumbs", _max_breadcrumbs(shape))
    check_words(_breadcrumb_words(shape))
    for number, name in enumerate(shape.measurements):
        if name in shape.measurements[:number]:
            raise InvalidParams(f"the measurement {name!r} is listed twice", f".measurements[{number}]")


def transaction_maker(shape: TransactionShape, choose: ProjectChooser, context: BuildContext) -> RequestMaker:
    """Make the requests of transactions of that shape, of the projects chosen."""
    endpoint_at, random = endpoints(context.projects), context.random
    draw, bits = random.random, random.getrandbits
    shortest_us = shape.transaction_duration_min.ns // MICROSECOND
    range_us = shape.transaction_duration_max.ns // MICROSECOND - shortest_us
    write_body = _body_writer(shape, random)

    def request(_seq: int, now_ns: int) -> Request:
        index, delay_us = choose()
        path, headers, key_json = endpoint_at(index)
        event_id, trace_id = uuid4_pair(bits(256))
        end_us = now_ns // MICROSECOND - delay_us()
        start_us = end_us - shortest_us - int(draw() * (range_us + 1))
        header = traced_header(event_id, trace_id, key_json, now_ns)
        payload = write_body(event_id, trace_id, start_us, end_us, now_ns)
        return Request("POST", path, headers, framed(header, "transaction", payload))

    return request


def _max_breadcrumbs(shape: TransactionShape) -> int:
    return shape.max_breadcrumbs or DEFAULT_MAX_BREADCRUMBS


def _breadcrumb_words(shape: TransactionShape) -> BreadcrumbWords:
    return BreadcrumbWords(
        types=shape.breadcrumbs_types,
        categories=shape.breadcrumb_categories,
        levels=shape.breadcrumb_levels,
        messages=shape.breadcrumb_messages,
    )


def _body_writer(shape: TransactionShape, random: Random) -> Callable[[str, str, int, int, int], str]:
    """Write the payload of a transaction."""
    draw = random.random
    releases = shape.num_releases
    write_user, write_contexts = user_writer(random, shape.num_users), context_writer(random)
    choose_ending = ending_chooser(random, shape.operations)
    write_breadcrumbs = breadcrumb_writer(
        random, shape.min_breadcrumbs, _max_breadcrumbs(shape), _breadcrumb_words(shape)
    )
    write_measurements = _measurement_writer(shape.measurements, random)
    write_spans = span_writer(random, shape.operations)
    min_spans, spans_range = shape.min_spans, shape.max_spans - shape.min_spans + 1

    def write(event_id: str, trace_id: str, start_us: int, end_us: int, now_ns: int) -> str:
        span_id, parent_id = hex_ids(random, 2)
        release = f',"release":"release{int(draw() * releases)}"' if releases else ""
        num_spans = min_spans + int(draw() * spans_range)
        spans = write_spans(num_spans, trace_id, span_id, start_us, end_us)
        spans_opening, spans_closing = (',"spans":[', "]") if spans else ("", "")
        return (
            f'{{"type":"transaction","timestamp":"{rfc3339_us(end_us)}","start_timestamp":"{rfc3339_us(start_us)}"'
            f',"event_id":"{event_id}"{release}{NAMES[int(draw() * 200)]}{ORIGINS[int(draw() * 9)]}'
            f',"user":{write_user()},"contexts":{{{write_contexts(now_ns // SECOND)}'
            f',"trace":{{"type":"trace","trace_id":"{trace_id}","span_id":"{span_id}","parent_span_id":"{parent_id}"'
            f"{choose_ending()}}}}}{write_breadcrumbs(now_ns)}{write_measurements()}"
            f"{spans_opening}{spans}{spans_closing}}}"
        )

    return write


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
