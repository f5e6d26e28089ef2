"""A request as a trace tells of it, whatever wrote the trace."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote_from_bytes

from load_tester.domain.request import Headers

NAME_PATTERN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
"""What methods and names of headers consist of: RFC 9110 §5.6.2."""
FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers that tell where a request ends: these are the load tester's to send."""
_NAME: Final = re.compile(NAME_PATTERN)
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110 §5.5, read as Latin-1
_VISIBLE: Final = "".join(chr(code) for code in range(ord("!"), ord("~") + 1))
REMEMBERED_URLS: Final = 16_384


class NotReplayable(ValueError):
    """A row of a trace that holds no request that could be sent; the message says why."""


class Recorded(NamedTuple):
    """One request of a trace, at `at_ns`: in Unix time as it is read from a file, from the start of the trace later.

    `host` is in lower case, with the port if the trace has it, and empty where the trace names none. `path` is what can
    be sent: it begins with a slash, and holds visible ASCII only.
    """

    at_ns: int
    method: str
    host: str
    path: str
    headers: Headers = ()
    body: bytes = b""


class Rows(NamedTuple):
    """A file as its format has it: its rows with the lines at which they begin (from 1), and what reads one of them.

    `read` returns `None` for a row that is no request and no mistake either; it raises `NotReplayable`.
    """

    numbered: Iterable[tuple[int, Any]]
    read: Callable[[Any], Recorded | None]


def recorded(at_ns: int, method: str, url: str, headers: Headers = (), body: bytes = b"") -> Recorded:
    """A request from what a trace says: the URL may be a whole one or a path, and hold what must be percent-encoded.

    Raises:
        NotReplayable: the method is none, or has no path; the URL is neither a path nor one of http.
    """
    if not _NAME.fullmatch(method) or method.upper() == "CONNECT":
        raise NotReplayable(f"{method!r} is no method that can be replayed")
    host, path = located(url)
    return Recorded(at_ns, method, host, path, headers, body)


def header_trouble(name: str, value: Any) -> str:
    """Why a header cannot be sent with a request of a trace; empty if it can."""
    if not _NAME.fullmatch(name) or not isinstance(value, str) or not _VALUE.fullmatch(value):
        return f"the header {name!r} is not well-formed"
    if name.lower() in FRAMING:
        return f"the header {name!r} tells where the request ends, which is the load tester's to say"
    return ""


@lru_cache(maxsize=REMEMBERED_URLS)
def located(url: str) -> tuple[str, str]:
    """Host and path, with its query, of a URL or a path. Characters are those of Latin-1: one for each byte.

    Raises:
        NotReplayable: it is neither.
    """
    host = ""
    path = url.partition("#")[0]  # what stands behind it never reaches a server
    if not path.startswith("/"):
        scheme, separator, rest = path.partition("://")
        if scheme.lower() not in {"http", "https"} or not separator:
            raise NotReplayable(f"{url!r} is neither a path nor a URL")
        end = min((rest.find(mark) for mark in "/?" if mark in rest), default=len(rest))
        host, path = rest[:end].rpartition("@")[2].lower(), rest[end:]
        path = path if path.startswith("/") else f"/{path}"
    if not (path.isascii() and path.isprintable()) or " " in path:
        path = quote_from_bytes(path.encode("latin-1"), safe=_VISIBLE)
    return host, path


def split_request(text: str) -> tuple[str, str]:
    """Method and target of a request line like `GET /a?b HTTP/1.1`, which may lack its end.

    Raises:
        NotReplayable: it is none.
    """
    method, _, rest = text.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not target or not version.startswith("HTTP/"):
        target = rest
    if not target:
        raise NotReplayable(f"{text!r} is no request")
    return method, target


def numbered_lines(content: bytes) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, each byte as a character, with their numbers."""
    for number, line in enumerate(content.split(b"\n"), 1):
        if line and not line.isspace():
            yield number, line.decode("latin-1").rstrip("\r")
