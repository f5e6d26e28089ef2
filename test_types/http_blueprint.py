"""What each target of test type `http` says, with what is said for all of them filled in.

Every value is kept with the path of the parameter that it was given as, for the messages about it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from load_tester.domain.request import MAX_TARGETS
from load_tester.domain.test_type import InvalidParams
from test_types.body_check import Check
from test_types.http_params import Auth, Body, Headers, HttpParams, Query, Statuses, TargetParams

T = TypeVar("T")

OTHER: Final = "other"
"""What hits are counted as when there are more names of targets than are counted apart."""
_MAX_NAME: Final = 200


class Given(NamedTuple, Generic[T]):
    """A value, and the path of its parameter."""

    value: T
    path: str


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One target. `path` is where it was given; lists in queries are one member for each of their values."""

    name: str
    weight: int
    method: Given[str]
    url: Given[str]
    query: tuple[tuple[str, Given[str]], ...]
    headers: tuple[tuple[str, Given[str]], ...]
    body: Given[str | Body | None]
    auth: Given[Auth | None]
    expected: frozenset[int] | None
    checks: Given[tuple[Check, ...]]


def blueprints(params: HttpParams) -> tuple[Blueprint, ...]:
    """The targets in order; without a list of them, the one that `path` is. Raises `InvalidParams`."""
    if params.targets is None:
        return (_blueprint(params, TargetParams(path=params.path), ""),)
    return tuple(_blueprint(params, target, f".targets[{n}]") for n, target in enumerate(params.targets))


def _blueprint(params: HttpParams, target: TargetParams, path: str) -> Blueprint:
    """The target at that path; an empty path stands for parameters that are only given for all."""
    query, headers = _by_name(params.query, ".query"), _headers(params.headers, "")
    if path:
        query |= _by_name(target.query, f"{path}.query")
        headers |= _headers(target.headers, path)
    method = _chosen(target.method, params.method, path, "method")
    checks = _chosen(target.checks, params.checks, path, "checks")
    statuses = params.expected_statuses if target.expected_statuses is None else target.expected_statuses
    return Blueprint(
        name=target.name or shortened(f"{method.value} {target.path}"),
        weight=target.weight,
        method=method,
        url=Given(target.path, f"{path}.path"),
        query=tuple((name, given) for name, several in query.items() for given in several),
        headers=tuple(headers.values()),
        body=_chosen(target.body, params.body, path, "body"),
        auth=_chosen(target.auth, params.auth, path, "auth"),
        expected=None if statuses is None else frozenset(_numbers(statuses)),
        checks=Given(checks.value or (), checks.path),
    )


def _chosen(own: T | None, common: T, path: str, name: str) -> Given[T]:
    """What the target says, or else what is said for all."""
    return Given(common, f".{name}") if own is None else Given(own, f"{path}.{name}")


def _by_name(query: Query, path: str) -> dict[str, list[Given[str]]]:
    return {
        name: [Given(_text(each), f"{path}.{name}") for each in (value if isinstance(value, tuple) else (value,))]
        for name, value in query.items()
    }


def _text(value: str | bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _headers(headers: Headers, path: str) -> dict[str, tuple[str, Given[str]]]:
    """By their names in lower case. Raises `InvalidParams` if two of them are the same."""
    found: dict[str, tuple[str, Given[str]]] = {}
    for name, value in headers.items():
        given = Given(value, f"{path}.headers.{name}")
        if name.lower() in found:
            raise InvalidParams(f"{name!r} is {found[name.lower()][0]!r} in other letters", given.path)
        found[name.lower()] = name, given
    return found


def _numbers(statuses: Statuses) -> Iterator[int]:
    for status in statuses:
        if isinstance(status, int):
            yield status
        else:
            yield from range(int(status[0]) * 100, int(status[0]) * 100 + 100)


def shortened(name: str) -> str:
    """A name of a target that is not too long for tables."""
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"


def counted_as(names: list[str], weights: list[int]) -> tuple[str, ...]:
    """What the hits of each target are counted as: its name, or `other` when there are too many different ones.

    Then those keep their names that have the greatest weights, the first ones of those that have the same.
    """
    total: dict[str, int] = {}
    for name, weight in zip(names, weights, strict=True):
        total[name] = total.get(name, 0) + weight
    if len(total) <= MAX_TARGETS:
        return tuple(names)
    apart = set(sorted(total, key=lambda name: -total[name])[: MAX_TARGETS - 1])
    return tuple([name if name in apart else OTHER for name in names])
