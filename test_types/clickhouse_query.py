"""Test type `clickhouseQuery`: one small query, to see what a ClickHouse server takes without its tables."""

from typing import Annotated, Final
from urllib.parse import quote_plus

import msgspec
from msgspec import Meta

from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, TestType


class ClickhouseQueryParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is asked for."""

    multiplier: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, description="The number that the query selects.")] = 0


def _build(params: ClickhouseQueryParams, _context: BuildContext) -> Targeter:
    request = Request("GET", f"/?query={quote_plus(f'SELECT {params.multiplier};')}")
    return Targeter(lambda _seq, _now_ns: request)


DESCRIPTION: Final = """\
Every hit is the same: `GET {target}/?query=SELECT+<multiplier>%3B`, without a body and without headers of its own.
ClickHouse answers with the number and a newline, and status 200.
"""

CLICKHOUSE_QUERY: Final = TestType(
    name="clickhouseQuery",
    summary="One small ClickHouse query over HTTP, always the same.",
    description=DESCRIPTION,
    params=ClickhouseQueryParams,
    build=_build,
    hits_per_worker=25_000,
)
