"""Test type `transaction`: Sentry transactions with spans, breadcrumbs, contexts and measurements."""

from collections.abc import Callable
from typing import Annotated, Final

from msgspec import Meta

from load_tester.domain.duration import MICROSECOND
from load_tester.domain.parameter import Span
from load_tester.domain.request import Targeter
from load_tester.domain.test_type import BuildContext, TestType
from test_types.params import ZERO, Count, check_projects
from test_types.transaction_shape import TransactionShape, check_shape, transaction_maker


class TransactionParams(TransactionShape, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Transactions of equally frequent projects, which ended recently."""

    num_projects: Annotated[Count, Meta(description="Projects the transactions are spread over; 0 stands for 1.")] = 1
    transaction_timestamp_spread: Annotated[
        Span, Meta(description="A transaction ended uniformly between now and this long ago.")
    ] = ZERO


def _build(params: TransactionParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    check_projects(num_projects, context)
    draw = context.random.random
    delays = params.transaction_timestamp_spread.ns // MICROSECOND + 1

    def delay_us() -> int:
        return int(draw() * delays)

    def choose() -> tuple[int, Callable[[], int]]:
        return int(draw() * num_projects), delay_us

    return Targeter(transaction_maker(params, choose, context))


DESCRIPTION: Final = """\
An empty list of breadcrumb words stands for the default one; all four lists together may make 10000 combinations. A
word that is listed twice is chosen twice as often; a measurement must not be listed twice.

| field | value |
|---|---|
| `type` | `transaction` |
| `timestamp`, `start_timestamp` | RFC 3339 with microseconds; the end is now - a uniform part of `transactionTimestampSpread`, the duration uniform from minimum to maximum |
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
    check=check_shape,
    hits_per_worker=8_000,
)
