"""The span tree of a transaction: breadth first, each parent's time divided equally among one to three children."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from test_types.generation import hex_ids, json_text, seconds_us

MAX_CHILDREN: Final = 3

STATUSES: Final = (
    "ok", "deadline_exceeded", "unauthenticated", "permission_denied", "not_found", "resource_exhausted",
    "invalid_argument", "unimplemented", "unavailable", "internal_error", "failure", "unknown", "cancelled",
    "already_exists", "failed_precondition", "aborted", "out_of_range", "data_loss",
)  # fmt: skip
"""What a span can end with; `ok` of itself with a probability of 100/101, else any of these equally likely."""

_STATUS_TABLE: Final = ("ok",) * (100 * len(STATUSES)) + STATUSES
"""Each status as often as it is likely, so that one draw chooses."""


def status_chooser(random: Random) -> Callable[[], str]:
    """Choose the status of a span."""
    draw, size = random.random, len(_STATUS_TABLE)
    return lambda: _STATUS_TABLE[int(draw() * size)]


def operation_chooser(random: Random, operations: Sequence[str]) -> Callable[[], str]:
    """Choose the operation of a span, as a member of a JSON object with its comma: `,"op":"db"`; empty without any."""
    members = tuple(f',"op":{json_text(operation)}' for operation in operations) or ("",)
    draw, size = random.random, len(members)
    return lambda: members[int(draw() * size)]


SpanWriter = Callable[[int, str, str, int, int], str]
"""`(count, trace_id, root_id, start_us, end_us)` → the spans as the elements of a JSON array, without its brackets."""


def span_writer(random: Random, operations: Sequence[str]) -> SpanWriter:
    """Write span trees whose root is the transaction's own span.

    The children of a span tile its time, so that they share their boundaries: a boundary is formatted once and serves
    as the end of one and the start of the next. That halves the time a span takes.
    """
    draw = random.random
    choose_operation, choose_status = operation_chooser(random, operations), status_chooser(random)

    def write(count: int, trace_id: str, root_id: str, start_us: int, end_us: int) -> str:
        spans: list[str] = []
        unused_ids = iter(hex_ids(random, count))
        parents = [(root_id, start_us, end_us, seconds_us(start_us), seconds_us(end_us))]
        trace_member = f'","trace_id":"{trace_id}","status":"'
        for parent_id, start, end, start_text, end_text in parents:  # it grows while it is walked: breadth first
            children = min(1 + int(draw() * MAX_CHILDREN), count - len(spans))
            if not children:
                break
            width, upper, upper_text = end - start, end, end_text
            for number in range(children - 1, -1, -1):  # the last part first
                lower = start + width * number // children
                lower_text = seconds_us(lower) if number else start_text
                span_id = next(unused_ids)
                spans.append(
                    f'{{"timestamp":{upper_text},"start_timestamp":{lower_text}{choose_operation()}'
                    f',"span_id":"{span_id}","parent_span_id":"{parent_id}{trace_member}{choose_status()}"}}'
                )
                parents.append((span_id, lower, upper, lower_text, upper_text))
                upper, upper_text = lower, lower_text
        return ",".join(spans)

    return write
