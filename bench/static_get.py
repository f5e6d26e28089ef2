"""The benchmark's own test type: the same small GET for every hit, so that only the engine is measured."""

import msgspec

from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, TestType


class StaticGetParams(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Nothing can be chosen."""


def _build(_params: StaticGetParams, _context: BuildContext) -> Targeter:
    request = Request("GET", "/")
    return Targeter(lambda _seq, _now_ns: request)


STATIC_GET = TestType(
    name="static-get", summary="The same GET of / for every hit.", params=StaticGetParams, build=_build
)
