"""Access logs: the combined format of Apache and nginx, and one JSON object a line in the words of several servers."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final

import msgspec

from load_tester.domain.duration import MAX_NS, MICROSECOND, MILLISECOND, SECOND
from load_tester.domain.instant import InvalidInstant, parse_instant_ns
from load_tester.domain.request import Headers
from test_types.recorded import (
    FRAMING,
    NotReplayable,
    Recorded,
    Rows,
    header_trouble,
    numbered_lines,
    recorded,
    split_request,
)

REMEMBERED_TIMES: Final = 4_096

# Whatever stands before the time (host, address, identity, user), there is no bracket in it. Behind the request come
# the status and what else the format has; none of it matters. A quotation mark within the request is escaped.
COMBINED: Final = re.compile(r'[^\[]*\[([^\]]+)\] "((?:[^"\\]|\\.)*)"')
_CLF_TIME: Final = re.compile(
    r"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? ([+-])(\d\d)(\d\d)", flags=re.ASCII
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ESCAPE: Final = re.compile(r'\\(?:x([0-9A-Fa-f]{2})|(["\\]))')

STARTS: Final = ("start", "StartUTC")
"""When the request began; the others may be when it ended."""
TIMES: Final = ("time", "timestamp", "@timestamp", "ts", "time_iso8601", "time_local", "msec")
METHODS: Final = ("method", "request_method", "RequestMethod")
URLS: Final = ("request_uri", "url", "uri", "path", "RequestPath")
QUERIES: Final = ("query", "query_string", "args")
HOSTS: Final = ("host", "http_host", "RequestHost")
MAX_LASTING_S: Final = 86_400
"""A request that took longer than a day is a number that means something else."""

_NUMBER: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{0,20})?")


def combined(content: bytes) -> Rows:
    """Apache's common and combined format, which nginx has, too; also with the virtual host in front of it."""
    return Rows(numbered_lines(content), _combined)


def json_lines(content: bytes) -> Rows:
    """One JSON object a line; see the description of the test type for the names that are understood."""
    return Rows(_json_objects(content), _json)


def _combined(line: str) -> Recorded:
    match = COMBINED.match(line)
    if match is None:
        raise NotReplayable("there is no time in brackets with a request in quotation marks behind it")
    request = match[2]
    if "\\" in request:
        request = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else escape[2], request)
    method, target = split_request(request)
    return recorded(clf_ns(match[1]), method, target)


@lru_cache(maxsize=REMEMBERED_TIMES)
def clf_ns(text: str) -> int:
    """A time of the combined format, `10/Oct/2000:13:55:36 -0700`, as Unix nanoseconds.

    Raises:
        NotReplayable: it is none, or not between 1970 and 2262.
    """
    match = _CLF_TIME.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        raise NotReplayable(f"{text!r} is no time like 10/Oct/2000:13:55:36 -0700")
    sign = -1 if match[8] == "-" else 1
    try:
        zone = timezone(sign * timedelta(hours=int(match[9]), minutes=int(match[10])))
        day, month, year = int(match[1]), _MONTHS.index(match[2]) + 1, int(match[3])
        moment = datetime(year, month, day, int(match[4]), int(match[5]), int(match[6]), tzinfo=zone)
        whole = parse_instant_ns(moment.astimezone(UTC).isoformat())
    except (ValueError, OverflowError) as error:
        raise NotReplayable(f"{text!r} is no time: {error}") from None
    return whole + int((match[7] or "").ljust(9, "0"))


def _json_objects(content: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if line and not line.isspace():
            yield number, line


def _json(line: bytes) -> Recorded:
    try:
        row = msgspec.json.decode(line)
    except ValueError as error:  # no JSON, or no UTF-8
        raise NotReplayable(f"it is no JSON: {error}") from None
    if not isinstance(row, dict):
        raise NotReplayable("it is no JSON object")
    request = row.get("request")
    if isinstance(request, dict):  # Caddy keeps what was asked for in an object of its own
        row = {**row, **request, "request_time": row.get("duration"), "headers": None}
    method, url = _asked(row)
    host = _text(row, HOSTS)
    made = recorded(_start_ns(row), method, url, _headers(row.get("headers")), _body(row.get("body")))
    return made if made.host or not host else made._replace(host=host.lower())


def _asked(row: Mapping[str, Any]) -> tuple[str, str]:
    """Method and URL, from members of their own or from a request line."""
    request = row.get("request")
    if isinstance(request, str):
        method, url = split_request(request)
    else:
        method, url = _text(row, METHODS), _text(row, URLS)
        if not method or not url:
            raise NotReplayable(f"there is no {'method' if not method else 'url'} in it")
        query = _text(row, QUERIES)
        if query and "?" not in url:
            url = f"{url}?{query.removeprefix('?')}"
    return method, url.encode().decode("latin-1")


def _text(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these members that holds a text; nothing, and nginx's `-` for nothing, are not one."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value not in {"", "-"}:
            return value
    return ""


def _start_ns(row: Mapping[str, Any]) -> int:
    """When the request began: where it is when it ended, what else is logged may be how many seconds it took."""
    for name in STARTS:
        if row.get(name) is not None:
            return _instant_ns(row[name])
    for name in TIMES:
        if row.get(name) is not None:
            return _instant_ns(row[name]) - _lasting_ns(row.get("request_time"))
    raise NotReplayable("there is no time in it")


def _instant_ns(value: Any) -> int:
    """An instant as logs have it: a text, or a number of seconds, milliseconds, microseconds or nanoseconds."""
    if isinstance(value, str):
        if value[:1].isdigit() and "/" in value:
            return clf_ns(value)
        if not _NUMBER.fullmatch(value):
            try:
                return parse_instant_ns(value)
            except InvalidInstant as error:
                raise NotReplayable(str(error)) from None
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_NS:
        raise NotReplayable(f"{value!r} is no instant")
    # In this century the number itself says what it counts: each is a thousand times as large as the one before.
    unit_ns = next((ns for limit, ns in ((1e11, SECOND), (1e14, MILLISECOND), (1e17, MICROSECOND)) if value < limit), 1)
    ns = value * unit_ns if isinstance(value, int) else round(value * unit_ns / 1000) * 1000
    if ns > MAX_NS:
        raise NotReplayable(f"{value!r} is no instant before 2262")
    return ns


def _lasting_ns(value: Any) -> int:
    """A number of seconds, which nginx may have written as a text; nothing if it is none."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return 0
    return round(seconds * 1e6) * 1000 if 0 <= seconds <= MAX_LASTING_S else 0


def _headers(value: Any) -> Headers:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise NotReplayable("'headers' is no object of texts")
    kept = tuple((name, text) for name, text in value.items() if name.lower() not in FRAMING)
    trouble = next(filter(None, (header_trouble(name, text) for name, text in kept)), "")
    if trouble:
        raise NotReplayable(trouble)
    return kept


def _body(value: Any) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, str):
        raise NotReplayable("'body' is no text")
    return value.encode()
