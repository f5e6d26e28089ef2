"""Files of targets in vegeta's two formats, read as its `lib/targets.go` (version 12.13) reads them.

The text format: a line with a method and a URL, headers on the lines that follow, at last a line with `@` and the name
of a file that holds the body. A blank line ends a target, so does the body, or a method right after the first line.
Lines that begin with `#` are comments. The JSON format: one object a line with `method`, `url`, `header` (lists of
values by name) and `body` in base64.

Vegeta takes a default body and default headers for all targets; these are the business of who calls.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Annotated, Final, NamedTuple

import msgspec

MAX_TARGETS: Final = 100_000
"""Of one file: each worker keeps all of them in memory, ready to be sent."""

_METHOD: Final = re.compile(r"[A-Z]+\s", re.ASCII)

ReadBody = Callable[[str], bytes]
"""The content of the file of that name; may raise `LookupError`."""


class InvalidTargets(ValueError):
    """A file without targets, or with one that vegeta would refuse; the message says which line is wrong, and why."""


class FileTarget(NamedTuple):
    """A target as it is in the file; `body` is `None` where there is none, `line` where it begins."""

    line: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


class _JsonTarget(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the JSON format."""

    method: Annotated[str, msgspec.Meta(min_length=1)]
    url: Annotated[str, msgspec.Meta(min_length=1)]
    body: str | None = None
    header: dict[str, list[str]] | None = None


def text_targets(content: bytes, read_body: ReadBody) -> list[FileTarget]:
    """The targets of a file in the text format. Raises `InvalidTargets`."""
    lines = list(enumerate((line.strip() for line in _text(content).split("\n")), 1))
    lines.reverse()  # the next one is at the end
    found: list[FileTarget] = []
    while lines:
        number, line = lines.pop()
        if line and not line.startswith("#"):
            method, url = _first_line(number, line)
            found.append(FileTarget(number, method, url, *_rest(lines, read_body)))
            _check_count(len(found))
    return _some(found)


def json_targets(content: bytes) -> list[FileTarget]:
    """The targets of a file in the JSON format. Raises `InvalidTargets`."""
    decoder = msgspec.json.Decoder(_JsonTarget)
    found: list[FileTarget] = []
    for number, line in enumerate(_text(content).split("\n"), 1):
        if line.strip():
            try:
                target = decoder.decode(line)
                body = b64decode(target.body, validate=True) if target.body else None
            except (msgspec.DecodeError, RecursionError) as error:
                raise InvalidTargets(f"line {number} is no target: {error}") from None
            except (binascii.Error, ValueError) as error:
                raise InvalidTargets(f"line {number} has a body that is not base64: {error}") from None
            headers = tuple((name, value) for name, values in (target.header or {}).items() for value in values)
            found.append(FileTarget(number, target.method, target.url, headers, body))
            _check_count(len(found))
    return _some(found)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidTargets(f"line {line} is not UTF-8") from None


def _first_line(number: int, line: str) -> tuple[str, str]:
    method, _, url = line.partition(" ")
    if not _METHOD.match(line) or not url.strip():
        raise InvalidTargets(f"line {number} is no target: expected a method and a URL, got {line[:100]!r}")
    return method, url.strip()


def _rest(lines: list[tuple[int, str]], read_body: ReadBody) -> tuple[tuple[tuple[str, str], ...], bytes | None]:
    """The headers and the body of a target whose first line has been read; takes its lines."""
    headers: list[tuple[str, str]] = []
    if lines and _METHOD.match(lines[-1][1]):
        return (), None
    while lines:
        number, line = lines.pop()
        if not line:
            break
        if line.startswith("@"):
            try:
                return tuple(headers), read_body(line[1:])
            except LookupError as error:
                raise InvalidTargets(f"line {number}: {error}") from None
        if not line.startswith("#"):
            headers.append(_header(number, line))
    return tuple(headers), None


def _header(number: int, line: str) -> tuple[str, str]:
    name, _, value = (part.strip() for part in line.partition(":"))
    if not name or not value or " " in name:
        hint = "; a blank line ends a target" if _METHOD.match(line) else ""
        raise InvalidTargets(
            f"line {number} is no header: expected a name, a colon and a value, got {line[:100]!r}{hint}"
        )
    return name, value


def _check_count(count: int) -> None:
    if count > MAX_TARGETS:
        raise InvalidTargets(f"there are more than {MAX_TARGETS} targets")


def _some(found: list[FileTarget]) -> list[FileTarget]:
    if not found:
        raise InvalidTargets("there are no targets")
    return found
