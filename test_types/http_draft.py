"""The templates of one request of test type `http`: which text stands where, each escaped for its place."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from load_tester.domain.fitting import suggestion
from load_tester.domain.test_type import InvalidParams
from test_types.escaping import CONTROLS, Place, as_it_is, in_header, in_json_text, in_url, percent_encoded
from test_types.http_blueprint import Blueprint, Given
from test_types.http_params import Auth, Body
from test_types.renderer import Base64, Parts, Slot
from test_types.template import InvalidTemplate, Placeholder, pieces_of

ROW: Final = "row."
"""What the names of the columns of rows begin with."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
FORMS: Final = ("raw", "text")
"""How a value may be written instead: as it is, or in JSON as a text whatever it is."""

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Names:
    """The variables that templates may name.

    Attributes:
        known: their names.
        any_row: whether there are rows whose columns are not known yet.
        none_because: why there is none.
    """

    known: frozenset[str]
    any_row: bool = False
    none_because: str = ""

    def resolved(self, inside: str) -> tuple[str, str]:
        """The variable and the form that are named between the braces; raises `InvalidTemplate`."""
        if inside in self.known:
            return inside, ""
        name, _, form = inside.rpartition(":")
        is_row = self.any_row and inside.startswith(ROW)
        if form in FORMS and (name in self.known or is_row):
            return name, form
        if is_row:
            return inside, ""
        if self.none_because:
            raise InvalidTemplate(f"${{{inside}}} cannot be filled: {self.none_because}")
        if name in self.known:
            raise InvalidTemplate(f"unknown form {form!r} of ${{{name}}}; {suggestion(form, FORMS)}")
        if inside.startswith(ROW) and not any(known.startswith(ROW) for known in self.known):
            raise InvalidTemplate(f"${{{inside}}} cannot be filled: there is no file of `rows`")
        raise InvalidTemplate(f"unknown variable {inside!r}; {suggestion(inside, self.known)}")


class FileBody(NamedTuple):
    """The content of a file, and the path of the parameter that names it."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One request: everything but a file and the values of variables is there."""

    method: str
    url: Parts
    headers: tuple[tuple[str, Parts], ...]
    body: Parts | bytes | FileBody

    @property
    def templates(self) -> tuple[Parts, ...]:
        """All of its texts."""
        body = self.body if isinstance(self.body, tuple) and not isinstance(self.body, FileBody) else ()
        return (self.url, *(parts for _, parts in self.headers), body)


def draft_of(blueprint: Blueprint, names: Names) -> Draft:
    """Write a target's templates. Raises `InvalidParams` for what could not be sent, or sent as it is meant."""
    checked_method(blueprint.method)
    body, content_type = _body(blueprint.body, names)
    return Draft(
        blueprint.method.value,
        _url(blueprint, names),
        _headers(blueprint, names, content_type),
        body,
    )


def checked_method(given: Given[str]) -> str:
    """The method. Raises `InvalidParams` unless it can be sent."""
    method = given.value
    if not _TOKEN.fullmatch(method):
        raise InvalidParams(f"the method {method!r} is not an HTTP token", given.path)
    if method not in METHODS and method.upper() in METHODS:
        raise InvalidParams(f"methods have capital letters: did you mean {method.upper()!r}?", given.path)
    if method == "CONNECT":
        raise InvalidParams("CONNECT opens a tunnel, which is no hit", given.path)
    return method


def checked_name(name: str, path: str) -> str:
    """The name of a header. Raises `InvalidParams` unless it can be sent."""
    if not _TOKEN.fullmatch(name):
        raise InvalidParams(f"{name!r} is no name of a header", path)
    if name.lower() in _FRAMING:
        raise InvalidParams(f"{name} follows from the body and cannot be given", path)
    return name


def checked_value(value: str, path: str) -> str:
    """The value of a header, in UTF-8 for the wire. Raises `InvalidParams` unless it can be sent."""
    if found := CONTROLS.search(value):
        raise InvalidParams(f"a header cannot have {found[0]!r} in its value", path)
    return in_header(value)


def _url(blueprint: Blueprint, names: Names) -> Parts:
    url, path = blueprint.url
    parts = _parts(blueprint.url, Place.URL, Place.RAW_URL, _literal_url(path), names)
    first = parts[0] if parts else ""
    is_from_row = isinstance(first, Slot) and first.name.startswith(ROW) and first.place is Place.RAW_URL
    if not is_from_row and not (isinstance(first, str) and first.startswith("/")):
        expected = "expected a path that begins with /, or with a column of the rows like ${row.path:raw}"
        raise InvalidParams(f"{url!r} does not begin with /; {expected}", path)
    if not blueprint.query:
        return parts
    if is_from_row:
        raise InvalidParams(f"{url!r} may have a query in its rows; add to it there", blueprint.query[0][1].path)
    separator = "&" if any(isinstance(part, str) and "?" in part for part in parts) else "?"
    for name, given in blueprint.query:
        key = _parts(Given(name, given.path), Place.URL, Place.RAW_URL, percent_encoded, names)
        value = _parts(given, Place.URL, Place.RAW_URL, percent_encoded, names)
        parts = (*parts, separator, *key, "=", *value)
        separator = "&"
    return _joined(parts)


def _literal_url(path: str) -> Callable[[str], str]:
    def escape(literal: str) -> str:
        if "#" in literal:
            raise InvalidParams("a fragment (#) is never sent; write %23 for the character", path)
        return in_url(literal)

    return escape


def _headers(blueprint: Blueprint, names: Names, content_type: str) -> tuple[tuple[str, Parts], ...]:
    found: dict[str, tuple[str, Parts]] = {}
    for name, given in blueprint.headers:
        checked_name(name, given.path)
        found[name.lower()] = name, _header_parts(given, names)
    if blueprint.auth.value is not None:
        own = next((given.path for name, given in blueprint.headers if name.lower() == "authorization"), None)
        is_one_level = own is not None and own.startswith(".targets") == blueprint.auth.path.startswith(".targets")
        if is_one_level:
            raise InvalidParams("the headers have an Authorization already", blueprint.auth.path)
        if own is None or blueprint.auth.path.startswith(".targets"):
            found["authorization"] = "Authorization", _auth(blueprint.auth.value, blueprint.auth.path, names)
    if content_type:
        found.setdefault("content-type", ("Content-Type", (content_type,)))
    return tuple(found.values())


def _header_parts(given: Given[str], names: Names) -> Parts:
    return _parts(given, Place.HEADER, Place.HEADER, lambda literal: checked_value(literal, given.path), names)


def _auth(auth: Auth, path: str, names: Names) -> Parts:
    if (auth.basic is None) == (auth.bearer is None):
        raise InvalidParams("auth is either basic or bearer", path)
    if auth.bearer is not None:
        return _joined(("Bearer ", *_header_parts(Given(auth.bearer, f"{path}.bearer"), names)))
    assert auth.basic is not None, "it is one of both"
    username = Given(auth.basic.username, f"{path}.basic.username")
    if ":" in re.sub(r"\$\{[^}]*\}", "", username.value):
        raise InvalidParams(
            "a user cannot have a colon in its name: the password begins behind the first", username.path
        )
    password = Given(auth.basic.password, f"{path}.basic.password")
    both = (part for given in (username, password) for part in (*_text_parts(given, names), ":"))
    return "Basic ", Base64(_joined(tuple(both)[:-1]))


def _text_parts(given: Given[str], names: Names) -> Parts:
    return _parts(given, Place.TEXT, Place.TEXT, as_it_is, names)


def _body(given: Given[str | Body | None], names: Names) -> tuple[Parts | bytes | FileBody, str]:
    """The body and the type of its content, empty for none in particular."""
    body, path = given
    if body is None:
        return b"", ""
    if isinstance(body, str):
        return _text_parts(Given(body, path), names), ""
    kinds = {"text": body.text, "json": body.json, "base64": body.base64, "file": body.file}
    said = [kind for kind, value in kinds.items() if value is not None]
    if len(said) != 1:
        what = f"it has {' and '.join(said)}" if said else "it has none, and null stands for none"
        raise InvalidParams(f"a body is one of text, json, base64 and file; {what}", path)
    if body.text is not None:
        return _text_parts(Given(body.text, f"{path}.text"), names), ""
    if body.file is not None:
        return FileBody(body.file, f"{path}.file"), ""
    if body.base64 is not None:
        return _decoded(body.base64, f"{path}.base64"), ""
    try:
        return _joined(tuple(_json_parts(body.json, f"{path}.json", names))), "application/json"
    except RecursionError:
        raise InvalidParams("the JSON is nested too deeply", f"{path}.json") from None


def _decoded(text: str, path: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidParams(f"the body is not base64: {error}", path) from None


def _json_parts(value: Any, path: str, names: Names) -> Iterator[str | Slot | Base64]:
    if isinstance(value, str):
        yield from _json_text(value, path, names, may_be_value=True)
    elif isinstance(value, dict):
        for number, (key, member) in enumerate(value.items()):
            yield "," if number else "{"
            yield from _json_text(key, path, names, may_be_value=False)
            yield ":"
            yield from _json_parts(member, f"{path}.{key}", names)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for number, element in enumerate(value):
            yield "," if number else "["
            yield from _json_parts(element, f"{path}[{number}]", names)
        yield "]" if value else "[]"
    else:
        yield msgspec.json.encode(value).decode()


def _json_text(text: str, path: str, names: Names, *, may_be_value: bool) -> Iterator[str | Slot | Base64]:
    """A text with its quotes; one that is nothing but a variable may become any value."""
    parts = _parts(Given(text, path), Place.JSON_TEXT, Place.TEXT, in_json_text, names)
    alone = _alone(text, names) if may_be_value else None
    yield from ('"', *parts, '"') if alone is None else (alone,)


def _alone(text: str, names: Names) -> Slot | None:
    """The place that is all of a JSON text, unless it is to stay a text."""
    pieces = pieces_of(text)
    if len(pieces) != 1 or not isinstance(pieces[0], Placeholder):
        return None
    name, form = names.resolved(pieces[0].inside)
    return None if form == "text" else Slot(name, Place.TEXT if form == "raw" else Place.JSON_VALUE)


def _parts(given: Given[str], place: Place, raw: Place, escape: Callable[[str], str], names: Names) -> Parts:
    """A template with its variables: `raw` is the place of those that are to be written as they are."""
    try:
        return tuple(
            _slot(piece, place, raw, names) if isinstance(piece, Placeholder) else escape(piece)
            for piece in pieces_of(given.value)
        )
    except InvalidTemplate as error:
        raise InvalidParams(str(error), given.path) from None


def _slot(placeholder: Placeholder, place: Place, raw: Place, names: Names) -> Slot:
    name, form = names.resolved(placeholder.inside)
    return Slot(name, raw if form == "raw" else place)


def _joined(parts: Parts) -> Parts:
    """The same with literal texts that are neighbours in one."""
    joined: list[str | Slot | Base64] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        else:
            joined.append(part)
    return tuple(joined)
