"""Checks on bodies: what holds, and what is said when it does not."""

import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.request import Response
from test_types.body_check import MAX_BODY_BYTES, equal, observer
from test_types.http import HTTP
from tests.test_types.http_attack import response

JSON = b'{"state": "new", "count": 1, "items": [{"id": 7}], "none": null}'


def complaint(check: dict[str, Any], answer: Response) -> str | None:
    """What is said of a response by one check."""
    observe = observer([HTTP.decode({"checks": [check]}).checks or ()])
    assert observe is not None
    return observe(answer)


@pytest.mark.parametrize(
    ("check", "body"),
    [
        ({"contains": "ok"}, b"it is ok"),
        ({"contains": "\u00e9t\u00e9"}, "l'\u00e9t\u00e9".encode()),
        ({"regex": "^i.*k$"}, b"it is ok"),
        ({"regex": "(?i)OK"}, b"it is ok"),
        ({"regex": "."}, b"\xff"),
        ({"jsonPath": {"path": "$.state", "equals": "new"}}, JSON),
        ({"jsonPath": {"path": "count", "equals": 1.0}}, JSON),
        ({"jsonPath": {"path": "items", "equals": [{"id": 7}]}}, JSON),
        ({"jsonPath": {"path": "items[-1].id", "equals": 7}}, JSON),
        ({"jsonPath": {"path": "none", "equals": None}}, JSON),
        ({"contains": "state", "regex": "new", "jsonPath": {"path": "count", "equals": 1}}, JSON),
    ],
)
def test_a_body_that_is_as_it_has_to_be_passes(check: dict[str, Any], body: bytes) -> None:
    """Nothing is said of it."""
    assert complaint(check, response(body)) is None


@pytest.mark.parametrize(
    ("check", "body", "said"),
    [
        ({"contains": "ok"}, b"no", 'the body does not contain "ok"'),
        ({"contains": "x" * 200}, b"", f'the body does not contain "{"x" * 99}\u2026'),
        ({"regex": "^ok"}, b"not ok", 'the body does not match "^ok"'),
        ({"jsonPath": {"path": "$.state", "equals": "old"}}, JSON, '$.state is "new", not "old"'),
        ({"jsonPath": {"path": "count", "equals": True}}, JSON, "$.count is 1, not true"),
        ({"jsonPath": {"path": "count", "equals": "1"}}, JSON, '$.count is 1, not "1"'),
        ({"jsonPath": {"path": "items[1].id", "equals": 7}}, JSON, "there is no $.items[1] in the body"),
        ({"jsonPath": {"path": "a", "equals": None}}, JSON, "there is no $.a in the body"),
        ({"jsonPath": {"path": "a", "equals": 1}}, b"", "the body is no JSON: "),
        ({"jsonPath": {"path": "a", "equals": 1}}, b"[" * 100_000, "the body is no JSON: "),
        ({"contains": "state", "regex": "old"}, JSON, 'the body does not match "old"'),
    ],
)
def test_what_is_wrong_with_a_body_is_said(check: dict[str, Any], body: bytes, said: str) -> None:
    """In a sentence with what was expected."""
    assert str(complaint(check, response(body))).startswith(said)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"it is ok")),
        ("X-GZIP", gzip.compress(b"it is ok")),
        ("deflate", zlib.compress(b"it is ok")),
        ("identity", b"it is ok"),
        ("gzip", gzip.compress(b"it is ok" + bytes(100 * MAX_BODY_BYTES))),
    ],
)
def test_packed_bodies_are_unpacked(coding: str, body: bytes) -> None:
    """Not beyond what is looked at of any body."""
    assert complaint({"regex": "^it is ok"}, response(body, ("content-encoding", coding))) is None


@pytest.mark.parametrize(
    ("coding", "said"),
    [
        ("br", "the body cannot be checked: it is encoded with br"),
        ("gzip", "the body cannot be checked: it is no gzip"),
    ],
)
def test_a_body_that_cannot_be_read_fails_its_check(coding: str, said: str) -> None:
    """Nobody could say that it holds."""
    assert str(complaint({"contains": "ok"}, response(b"ok", ("content-encoding", coding)))).startswith(said)


def test_each_target_has_its_own_checks() -> None:
    """One without has no complaints; without any checks, nobody looks."""
    params = HTTP.decode({"checks": [{"contains": "ok"}, {"contains": "fine"}]})
    observe = observer([(), params.checks or ()])
    assert observe is not None
    assert observe(response(b"", target=0)) is None
    assert observe(response(b"ok", target=1)) == 'the body does not contain "fine"'
    assert observe(response(b"ok, fine", target=1)) is None
    assert observer([(), ()]) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 1.5]) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=4,
)


@given(values, values)
def test_values_are_equal_when_they_are_the_same_json(one: Any, other: Any) -> None:
    """As Python has it, except that true is no number."""

    def told_apart(value: Any) -> Any:
        if isinstance(value, bool):
            return ("bool", value)
        if isinstance(value, list):
            return [told_apart(each) for each in value]
        return {key: told_apart(each) for key, each in value.items()} if isinstance(value, dict) else value

    assert equal(one, one)
    assert equal(one, other) == (told_apart(one) == told_apart(other))
