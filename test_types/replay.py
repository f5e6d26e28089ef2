"""Test type `replay`: a recorded trace is sent again, with the timing that it was recorded with."""

from collections import Counter
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MAX_NS, MILLISECOND
from load_tester.domain.files import FileUnavailable
from load_tester.domain.pacer import Pacing, TracePacer
from load_tester.domain.parameter import Span
from load_tester.domain.request import MAX_TARGETS, Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types.params import END, ZERO
from test_types.recorded import NAME_PATTERN, Recorded, header_trouble
from test_types.trace import Choice, Format, SeveralHosts, UnreadableTrace, read_trace, scaled

MAX_ENTRIES: Final = 10_000
MAX_TEXT: Final = 8_000
OTHER: Final = "other"

Method = Annotated[str, Meta(pattern=rf"^{NAME_PATTERN}{END}", max_length=20)]
HeaderValue = Annotated[str, Meta(max_length=MAX_TEXT)]


class ReplayEntry(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """One request of a trace that is written into the command."""

    at: Annotated[Span, Meta(description="When it is due, from the start of the trace.")] = ZERO
    method: Annotated[Method, Meta(description="Its method.")] = "GET"
    path: Annotated[
        str,
        Meta(
            pattern=rf"^/[!-~]*{END}",
            max_length=MAX_TEXT,
            description="Its path, with the query; percent-encoded as it is sent.",
        ),
    ] = "/"
    headers: Annotated[dict[str, HeaderValue], Meta(max_length=100, description="Its headers.")] = {}
    body: Annotated[str, Meta(description="Its body, sent as UTF-8.")] = ""


EXAMPLE: Final = tuple(
    ReplayEntry(at=Span(at_ms * MILLISECOND), path=path) for at_ms, path in ((0, "/"), (250, "/a"), (400, "/b?c=d"))
)


class ReplayParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which trace is replayed, how fast, and what is taken of it."""

    file: Annotated[
        str, Meta(max_length=1_000, description="The file that holds the trace, below the directory of `--files`.")
    ] = ""
    format: Annotated[
        Format | None, Meta(description="What the file is; `null`, or left out, to find out from its first line.")
    ] = None
    entries: Annotated[
        tuple[ReplayEntry, ...],
        Meta(min_length=1, max_length=MAX_ENTRIES, description="The trace itself, where there is no file."),
    ] = EXAMPLE
    speed: Annotated[
        float,
        Meta(ge=0.001, le=1000, description="How many times as fast as it was recorded; 0.5 takes twice as long."),
    ] = 1.0
    methods: Annotated[
        tuple[Method, ...], Meta(max_length=20, description="Only requests with these methods; none for all.")
    ] = ()
    hosts: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=300)], ...],
        Meta(
            max_length=100,
            description="Only requests to these hosts; must be given if the file has requests to more than one.",
        ),
    ] = ()
    skip_unusable: Annotated[
        bool, Meta(description="Leave out lines that hold no request that could be sent, instead of refusing the file.")
    ] = False
    by_path: Annotated[
        bool, Meta(description="Keep figures for each method and path, up to 100 of them, apart from each other.")
    ] = False


def _check(params: ReplayParams) -> None:
    if params.file and params.entries != EXAMPLE:
        raise InvalidParams("there is a file, too: give one of them", ".entries")
    about_a_file = {"format": params.format, "hosts": params.hosts, "skipUnusable": params.skip_unusable}
    for name, given in about_a_file.items():
        if given and not params.file:
            raise InvalidParams(f"{name} is about a file, and there is none", f".{name}")
    for number, entry in enumerate(params.entries):
        for name, value in entry.headers.items():
            trouble = header_trouble(name, value)
            if trouble:
                raise InvalidParams(trouble, f".entries[{number}].headers")


def _trace(params: ReplayParams, context: BuildContext) -> list[Recorded]:
    """The requests, by when they are due."""
    if not params.file:
        return _written(params)
    hosts = frozenset(host.lower() for host in params.hosts)
    choice = Choice(frozenset(params.methods), hosts, skip=params.skip_unusable)
    try:
        return read_trace(context.files.read(params.file), params.format, choice)
    except FileUnavailable as error:
        raise InvalidParams(str(error), ".file") from error
    except UnreadableTrace as error:
        raise InvalidParams(f"{params.file}: {error}", ".file") from error
    except SeveralHosts as error:
        raise InvalidParams(f"{params.file}: {error}", ".hosts") from error


def _written(params: ReplayParams) -> list[Recorded]:
    """The trace of the command itself."""
    taken = [
        Recorded(entry.at.ns, entry.method, "", entry.path, tuple(entry.headers.items()), entry.body.encode())
        for entry in params.entries
        if not params.methods or entry.method in params.methods
    ]
    if not taken:
        raise InvalidParams("no entry has one of these methods", ".methods")
    return sorted(taken, key=lambda each: each.at_ns)


def _schedule(params: ReplayParams, context: BuildContext) -> Pacing:
    instants_ns = scaled((each.at_ns for each in _trace(params, context)), params.speed)
    if instants_ns[-1] > MAX_NS:
        raise InvalidParams("at this speed the trace takes more than 292 years", ".speed")
    return TracePacer.of(instants_ns)


def _build(params: ReplayParams, context: BuildContext) -> Targeter:
    trace = _trace(params, context)
    targets = _targets(trace) if params.by_path else ()
    place_of = {target: place for place, target in enumerate(targets)}
    other = place_of.get(OTHER, 0)
    share = context.share
    made: dict[Recorded, Request] = {}
    own = []
    for each in trace[share.first % share.step :: share.step]:
        # The same request is the same object: the engine need not write it anew.
        same = each._replace(at_ns=0)
        request = made.get(same)
        if request is None:
            target = place_of.get(_name(each), other)
            request = made[same] = Request(each.method, each.path, each.headers, each.body, target)
        own.append(request)
    step = share.step

    def request_at(seq: int, _now_ns: int) -> Request:
        return own[seq // step]

    return Targeter(request_at, targets=targets)


def _name(each: Recorded) -> str:
    """What a request is counted as."""
    return f"{each.method} {each.path.partition('?')[0]}"


def _targets(trace: list[Recorded]) -> tuple[str, ...]:
    """All methods and paths; with too many of them the most frequent ones, and one for all others."""
    counts = Counter(map(_name, trace))
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return tuple(ordered) if len(ordered) <= MAX_TARGETS else (*ordered[: MAX_TARGETS - 1], OTHER)


DESCRIPTION: Final = """\
The schedule is the trace's: each request is due as long after the first one as it was recorded, divided by `speed`. A
command leaves `numMessages` out, or says 0; the attack ends with the trace, or is cut off by `attackDuration`. All
requests go to the attack's target, whatever host they were recorded for. What is sent is the method and the path with
its query, and headers and body where the trace has those of the request.

| `format` | what it is | time | what is read of it |
|---|---|---|---|
| `combined` | access logs of Apache and nginx, the common format and such with a virtual host in front included | seconds; fractions if there are any | `[time]` and `"METHOD URL HTTP/1.1"` |
| `json` | access logs with a JSON object a line | as it is written | see below |
| `jtl` | results of JMeter as CSV, with the line of names | milliseconds | `timeStamp` and `URL`; a `label` like `POST /path` for the method, else it is GET. Rows without a URL are sums, and left out |
| `vegeta-csv`, `vegeta-json` | what `vegeta encode` writes | nanoseconds | time, method and URL; body and headers of vegeta's results are those of the responses |

- Requests are sorted by time, because logs are written when requests end. Where all times of an access log are whole
  seconds, the requests of a second are spread over it evenly, in the order of the file.
- A line that holds no request that could be sent (noise of port scanners, say) is told with its number and the file is
  refused, unless `skipUnusable` is true.
- What must be percent-encoded is: a log may hold bytes that no client could send.
- A file may have up to 16 MiB: replay a part of a longer one.
- With `byPath` there are figures for each method and path without its query; for up to 100 of them, else for the 99 most
  frequent ones, and `other`.

Objects of `json` are read by the names that several servers and this table know, the first that is there:

| what | members |
|---|---|
| when | `start`, `StartUTC`, `time`, `timestamp`, `@timestamp`, `ts`, `time_iso8601`, `time_local`, `msec`: RFC 3339, the time of the combined format, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970. Of those that may be the end, nginx's `request_time` or Caddy's `duration` (seconds) is subtracted |
| method | `method`, `request_method`, `RequestMethod`, or the beginning of `request` (`"GET / HTTP/1.1"`) |
| URL | `request_uri`, `url`, `uri`, `path`, `RequestPath`, with `query`, `query_string` or `args` behind it if it has none; or `request` |
| host | that of the URL, `host`, `http_host`, `RequestHost` |
| request | `headers` (an object of texts; those that frame a request are left out), `body` (a text) |
| Caddy | `request` is an object; its members count as if they stood beside it, without its headers |
"""

REPLAY: Final = TestType(
    name="replay",
    summary="A recorded trace, sent again with its own timing: an access log, or results of JMeter or vegeta.",
    description=DESCRIPTION,
    params=ReplayParams,
    build=_build,
    check=_check,
    schedule=_schedule,
    hits_per_worker=25_000,
)
