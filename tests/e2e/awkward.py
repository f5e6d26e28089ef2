"""Test types of an imaginary package, `awkward`, which the tests install for the programs they start."""

import msgspec

from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, TestType


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class Patience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After so many hits it is over."""

    after: int = 50


def _numbered(params: Nothing, context: BuildContext) -> Targeter:
    return Targeter(lambda seq, _now_ns: Request("GET", f"/hit/{seq}"))


def _breaking(params: Patience, context: BuildContext) -> Targeter:
    def request(seq: int, _now_ns: int) -> Request:
        if seq >= params.after:
            raise RuntimeError(f"out of ideas at hit {seq}")
        return Request("GET", "/")

    return Targeter(request)


def _refusing(params: Nothing, context: BuildContext) -> Targeter:
    raise RuntimeError("no payloads today")


NUMBERED = TestType(name="numbered", summary="Every hit has a path of its own.", params=Nothing, build=_numbered)
BREAKING = TestType(name="breaking", summary="Raises after some hits.", params=Patience, build=_breaking)
REFUSING = TestType(name="refusing", summary="Cannot be built.", params=Nothing, build=_refusing)
