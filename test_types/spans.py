"""The span tree of a transaction: breadth first, each parent's time divided equally among one to three children."""

from collections.abc import Callable
from functools import lru_cache
from itertools import product
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


def ending_chooser(random: Random, operations: tuple[str, ...]) -> Callable[[], str]:
    """Choose an operation (none when there are none) and a status, as the last members of a JSON object."""
    endings, draw = _endings(operations), random.random
    size = len(endings)
    return lambda: endings[int(draw() * size)]


@lru_cache(maxsize=8)
def _endings(operations: tuple[str, ...]) -> tuple[str, ...]:
    """`,"op":"db","status":"ok"` for each operation and status, as often as it is likely, so that one draw chooses."""
    members = tuple(f',"op":{json_text(operation)}' for operation in operations) or ("",)
    once = {(member, status): f'{member},"status":"{status}"' for member in members for status in STATUSES}
    return tuple(once[pair] for pair in product(members, _STATUS_TABLE))


SpanWriter = Callable[[int, str, str, int, int], str]
"""`(count, trace_id, root_id, start_us, end_us)` → the spans as the elements of a JSON array, without its brackets."""


def span_writer(random: Random, operations: tuple[str, ...]) -> SpanWriter:
    """Write span trees whose root is the transaction's own span; exactly `count` spans, each within its parent's time.

    The children of a span tile its time, so that they share their boundaries: a boundary is formatted once and serves
    as the end of one and the start of the next. Operation and status are one draw, and what siblings have in common
    is written once: with these two a tree takes 60 % of the time it took without.
    """
    draw, endings = random.random, _endings(operations)
    num_endings = len(endings)

    def write(count: int, trace_id: str, root_id: str, start_us: int, end_us: int) -> str:
        spans: list[str] = []
        parents = [(root_id, start_us, end_us, seconds_us(start_us), seconds_us(end_us))]
        add_span, add_parent, next_id = spans.append, parents.append, iter(hex_ids(random, count)).__next__
        left = count
        for parent_id, start, upper, start_text, upper_text in parents:  # it grows while it is walked: breadth first
            children = 1 + int(draw() * MAX_CHILDREN)
            if children >= left:
                if not left:
                    break
                children = left
            left -= children
            middle = f'","parent_span_id":"{parent_id}","trace_id":"{trace_id}"'
            while children:  # the last part first; `upper` is where the rest of the parent's time ends
                children -= 1
                if children:
                    lower = start + (upper - start) * children // (children + 1)
                    lower_text = seconds_us(lower)
                else:
                    lower, lower_text = start, start_text
                span_id = next_id()
                add_span(
                    f'{{"timestamp":{upper_text},"start_timestamp":{lower_text},"span_id":"{span_id}'
                    f"{middle}{endings[int(draw() * num_endings)]}}}"
                )
                add_parent((span_id, lower, upper, lower_text, upper_text))
                upper, upper_text = lower, lower_text  # noqa: PLW2901 - the rest of the parent's time
        return ",".join(spans)

    return write
