"""Checks on the bodies of responses: what they must contain, match, or have in one place of their JSON."""

import re
import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from load_tester.domain.request import Observer, Response
from load_tester.domain.test_type import InvalidParams
from test_types.json_path import InvalidJsonPath, NoSuchPlace, path_of, steps_of, value_at

MAX_BODY_BYTES: Final = 1024 * 1024
"""Bodies are kept, and unpacked, up to this size."""
_SHOWN: Final = 100

Pattern = Annotated[str, Meta(min_length=1, max_length=10_000)]


class JsonCheck(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A place in JSON, and what has to be there."""

    path: Annotated[
        str,
        Meta(
            min_length=1, max_length=1000, description="Where: names and indexes, like `$.items[0].id` or `['a name']`."
        ),
    ]
    equals: Annotated[Any, Meta(description="What has to be there: any JSON. Numbers are compared by value.")]


class Check(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What the body of a response has to be; all that is given has to hold."""

    contains: Annotated[Pattern | None, Meta(description="A text that is in the body.")] = None
    regex: Annotated[
        Pattern | None, Meta(description="A regular expression, as Python's `re` has them, that is found in the body.")
    ] = None
    json_path: Annotated[JsonCheck | None, Meta(description="What has to be in one place of the body's JSON.")] = None


class _Body:
    """The body of one response, read as far as the checks ask."""

    def __init__(self, response: Response) -> None:
        self._response = response

    @cached_property
    def content(self) -> bytes:
        """The octets, unpacked; `ValueError` if they cannot be."""
        content = self._response.body
        for name, coding in self._response.headers:
            if name == "content-encoding" and coding.strip().lower() != "identity":
                content = _unpacked(content, coding.strip().lower())
        return content

    @cached_property
    def text(self) -> str:
        """Of UTF-8; anything else as replacement characters."""
        return self.content.decode(errors="replace")

    @cached_property
    def json(self) -> Any:
        """`ValueError` if it is none."""
        try:
            return msgspec.json.decode(self.content)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"the body is no JSON: {error}") from None


_Complaint = str | None
_Look = Callable[[_Body], _Complaint]
"""Says what is wrong with a body, or `None`."""


def check_checks(checks: Sequence[Check], path: str) -> None:
    """Raise `InvalidParams` for what is wrong with checks beyond the types of their fields; `path` is their own."""
    for number, check in enumerate(checks):
        _looks(check, f"{path}[{number}]")


def observer(checks: Sequence[Sequence[Check]]) -> Observer | None:
    """What looks at responses by the checks of their targets; `None` when there are none at all."""
    by_target = [[look for check in several for look in _looks(check, "")] for several in checks]
    if not any(by_target):
        return None

    def observe(response: Response) -> str | None:
        looks = by_target[response.target]
        if not looks:
            return None
        body = _Body(response)
        try:
            return next((complaint for look in looks if (complaint := look(body)) is not None), None)
        except ValueError as error:
            return str(error)

    return observe


def _looks(check: Check, path: str) -> list[_Look]:
    looks: list[_Look] = []
    if check.contains is not None:
        looks.append(_contains(check.contains))
    if check.regex is not None:
        try:
            looks.append(_matches(re.compile(check.regex)))
        except (re.error, RecursionError, OverflowError) as error:
            raise InvalidParams(f"{check.regex!r} is no regular expression: {error}", f"{path}.regex") from None
    if check.json_path is not None:
        try:
            looks.append(_has(steps_of(check.json_path.path), check.json_path.equals))
        except InvalidJsonPath as error:
            raise InvalidParams(str(error), f"{path}.jsonPath.path") from None
    if not looks:
        raise InvalidParams("a check needs one of contains, regex and jsonPath", path)
    return looks


def _contains(text: str) -> _Look:
    wanted = text.encode()
    return lambda body: None if wanted in body.content else f"the body does not contain {_shown(text)}"


def _matches(pattern: re.Pattern[str]) -> _Look:
    complaint = f"the body does not match {_shown(pattern.pattern)}"
    return lambda body: None if pattern.search(body.text) else complaint


def _has(steps: tuple[str | int, ...], wanted: Any) -> _Look:
    expected = f"not {_shown(wanted)}"

    def look(body: _Body) -> _Complaint:
        try:
            found = value_at(steps, body.json)
        except NoSuchPlace as error:
            return f"{error} in the body"
        return None if equal(found, wanted) else f"{path_of(steps)} is {_shown(found)}, {expected}"

    return look


def equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same. Python alone takes `true` for 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _unpacked(content: bytes, coding: str) -> bytes:
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(f"the body cannot be checked: it is encoded with {coding}")
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(content, MAX_BODY_BYTES)
    except zlib.error as error:
        raise ValueError(f"the body cannot be checked: it is no {coding}: {error}") from None
