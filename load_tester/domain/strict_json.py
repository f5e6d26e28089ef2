"""JSON from outside, read strictly: what a lenient reader would quietly change is refused, with a path to it."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from load_tester.domain.json_place import begin, check_json, spans


class InvalidJson(ValueError):
    """A text that is not JSON, or JSON that does not mean one thing: `message` says why, `path` where (`$.a[0]`)."""

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class _Members(list[tuple[str, Any]]):
    """The members of an object as they were written, before anything is known of duplicates."""


def read_json(body: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises:
        InvalidJson: it is not JSON; an object has a key twice; a number is not finite; a text is not valid Unicode;
            or it is nested too deeply.
    """
    with _explained():
        value = json.loads(body.decode(), object_pairs_hook=_Members, parse_constant=_no_constant)
        return _plain(value, "$")


def read_items(body: bytes) -> list[bytes] | None:
    """The items of a JSON array in UTF-8 as they are written, to be read one by one; `None` when it is no array.

    Raises:
        InvalidJson: it begins like an array, but is not JSON, or is nested too deeply.
    """
    if not body.lstrip(b" \t\r\n").startswith(b"["):
        return None
    with _explained():
        text = body.decode()
        check_json(text)
        return [text[start:end].encode() for start, end in spans(text, begin(text))]


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise InvalidJson(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise InvalidJson("not accepted: it is nested too deeply") from None
    except InvalidJson:
        raise
    except ValueError:
        # What is left is Python's bound on the digits of an integer.
        raise InvalidJson("not accepted: a number has too many digits") from None


def _no_constant(name: str) -> NoReturn:
    raise InvalidJson(f"not JSON: {name} is not a number in JSON")


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, _Members):
        plain: dict[str, Any] = {}
        for key, member in value:
            _check_text(key, path)
            if key in plain:
                raise InvalidJson(f"{key!r} is given twice", f"{path}.{key}")
            plain[key] = _plain(member, f"{path}.{key}")
        return plain
    if isinstance(value, list):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidJson("a number is too large", path)
    return value


def _check_text(text: str, path: str) -> None:
    """Half a surrogate pair can be written in JSON but is no character: it could be neither sent nor stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidJson("a text holds half a surrogate pair", path) from None
