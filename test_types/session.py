"""Test type `session`: Sentry release-health sessions, each an envelope of one session update."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MICROSECOND
from load_tester.domain.parameter import Span
from load_tester.domain.request import Request, RequestMaker, Targeter
from load_tester.domain.test_type import BuildContext, TestType
from test_types.envelope import Endpoint, endpoints, framed
from test_types.generation import now_rfc3339_ms, rfc3339_ms, rfc3339_ns, seconds_us, uuid4_pair, weighted
from test_types.params import ZERO, Count, Weight, check_projects

MAX_ERRORS: Final = 19
MAX_SEQ: Final = 4
MAX_OPEN: Final = 10_000
"""So many sessions a worker has open at most, of half a kilobyte each."""
UNWEIGHTED: Final = (2, 1, 0, 0, 0)
"""The weights of correlated sessions when none is given: otherwise none of them would ever end."""
MIN_PACE: Final = 0.001
"""That of sessions that never end."""


class SessionParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What sessions look like. A count of 0 stands for 1; when no weight is above 0, every session is `ok`."""

    num_projects: Annotated[Count, Meta(description="Projects the sessions are spread over; 0 stands for 1.")] = 1
    started_range: Annotated[Span, Meta(description="How much the starts are spread.")] = ZERO
    duration_range: Annotated[Span, Meta(description="The longest duration of a session.")] = ZERO
    num_releases: Annotated[Count, Meta(description="Releases `r-1.0.0`, `r-1.0.1` …; 0 stands for 1.")] = 1
    num_environments: Annotated[
        Count, Meta(description="Environments `environment-0`, `environment-1` …; 0 stands for 1.")
    ] = 1
    num_users: Annotated[Count, Meta(description="Users `u-0`, `u-1` …; 0 stands for 1.")] = 1
    ok_weight: Annotated[Weight, Meta(description="How often the status is `ok`, against the other weights.")] = 0
    exited_weight: Annotated[Weight, Meta(description="How often the status is `exited`.")] = 0
    errored_weight: Annotated[Weight, Meta(description="How often the status is `errored`.")] = 0
    crashed_weight: Annotated[Weight, Meta(description="How often the status is `crashed`.")] = 0
    abnormal_weight: Annotated[Weight, Meta(description="How often the status is `abnormal`.")] = 0
    correlated: Annotated[
        bool, Meta(description="Whether hits are the updates of whole sessions, which start, go on and end.")
    ] = False

    @property
    def weights(self) -> tuple[int, ...]:
        """The weights of the statuses, in the order of `STATUS_NAMES`."""
        return (self.ok_weight, self.exited_weight, self.errored_weight, self.crashed_weight, self.abnormal_weight)


class _Status(NamedTuple):
    """What a payload says because of its status; the variants, of errors and `seq`, are equally likely."""

    opening: str
    variants: tuple[tuple[str, str], ...]


def _status(name: str) -> _Status:
    """An `ok` update starts its session and has the number 0; only an `errored` one has errors."""
    starts = name == "ok"
    errors = range(1, MAX_ERRORS + 1) if name == "errored" else range(1)
    seqs = range(1 if starts else MAX_SEQ + 1)
    return _Status(
        opening=f'{{"init":{"true" if starts else "false"},"started":"',
        variants=tuple(
            (f'","status":"{name}","errors":{count},"duration":', f'","seq":{seq},"timestamp":"')
            for count, seq in product(errors, seqs)
        ),
    )


STATUS_NAMES: Final = ("ok", "exited", "errored", "crashed", "abnormal")
STATUSES: Final = tuple(map(_status, STATUS_NAMES))


def _build(params: SessionParams, context: BuildContext) -> Targeter:
    check_projects(params.num_projects or 1, context)
    return Targeter(_lives(params, context) if params.correlated else _single_updates(params, context))


def _single_updates(params: SessionParams, context: BuildContext) -> RequestMaker:
    """Make updates that have nothing to do with each other."""
    num_projects = params.num_projects or 1
    endpoint_at = endpoints(context.projects)
    draw, bits = context.random.random, context.random.getrandbits
    choose_status = weighted(context.random, STATUSES, params.weights)
    num_releases, num_environments = params.num_releases or 1, params.num_environments or 1
    num_users = params.num_users or 1
    started_range_us = params.started_range.ns // MICROSECOND
    duration_range_us = params.duration_range.ns // MICROSECOND
    range_us = started_range_us + duration_range_us

    def request(_seq: int, now_ns: int) -> Request:
        # Counted back from the whole millisecond that the payload calls now, and rounded down: a session ends before.
        now_ms = now_ns // 1_000_000
        started_us = now_ms * 1000 - range_us + int(draw() * (started_range_us + 1))
        opening, variants = choose_status()
        status_and_errors, seq = variants[int(draw() * len(variants))]
        event_id, session_id = uuid4_pair(bits(256))
        now_text = now_rfc3339_ms(now_ms)
        payload = (
            f"{opening}{rfc3339_ms(started_us // 1000)}{status_and_errors}"
            f'{seconds_us(int(draw() * (duration_range_us + 1)))},"sid":"{session_id}"'
            f',"did":"u-{int(draw() * num_users)}{seq}{now_text}'
            f'","attrs":{{"release":"r-1.0.{int(draw() * num_releases)}"'
            f',"environment":"environment-{int(draw() * num_environments)}"}}}}'
        )
        header = f'{{"event_id":"{event_id}","sent_at":"{rfc3339_ns(now_ns, now_text)}"}}'
        path, headers, _ = endpoint_at(int(draw() * num_projects))
        return Request("POST", path, headers, framed(header, "session", payload))

    return request


@dataclass(slots=True)
class _Session:
    """A session under way; owned by the queue of its worker.

    `identity` and `attrs` are texts of the payload, `total_us` is how long the session will have lasted at its end.
    """

    endpoint: Endpoint
    started: str
    identity: str
    attrs: str
    total_us: int
    seq: int = 0
    duration_us: int = 0


def _beginner(params: SessionParams, context: BuildContext) -> Callable[[int], _Session]:
    """Start sessions, at the Unix time given in milliseconds."""
    endpoint_at = endpoints(context.projects)
    draw, bits = context.random.random, context.random.getrandbits
    num_projects, num_users = params.num_projects or 1, params.num_users or 1
    num_releases, num_environments = params.num_releases or 1, params.num_environments or 1
    started_range_us = params.started_range.ns // MICROSECOND
    duration_range_us = params.duration_range.ns // MICROSECOND

    def begin(now_ms: int) -> _Session:
        session_id, _ = uuid4_pair(bits(256))
        started_us = now_ms * 1000 - started_range_us - duration_range_us + int(draw() * (started_range_us + 1))
        return _Session(
            endpoint=endpoint_at(int(draw() * num_projects)),
            started=rfc3339_ms(started_us // 1000),
            identity=f'"sid":"{session_id}","did":"u-{int(draw() * num_users)}"',
            attrs=(
                f'{{"release":"r-1.0.{int(draw() * num_releases)}"'
                f',"environment":"environment-{int(draw() * num_environments)}"}}'
            ),
            total_us=int(draw() * (duration_range_us + 1)),
        )

    return begin


def _lives(params: SessionParams, context: BuildContext) -> RequestMaker:
    """Make the updates of whole sessions.

    The sessions that are open stand in a queue, the one whose last update is the longest ago first: so the updates of
    a session are as far apart as they can be, and seldom overtake each other on the way to the target.
    """
    weights = params.weights if max(params.weights) > 0 else UNWEIGHTED
    endings = sum(max(weight, 0) for weight in weights[1:])
    # An update adds a part of what is left of the duration, at most so much of it: so there is some left for the
    # update after it, as many of them as there may be.
    pace = max(endings / (endings + max(weights[0], 0)), MIN_PACE)
    choose_status = weighted(context.random, STATUS_NAMES, weights)
    begin, most = _beginner(params, context), min(params.num_users or 1, MAX_OPEN)
    draw, bits = context.random.random, context.random.getrandbits
    waiting: deque[_Session] = deque()

    def request(_seq: int, now_ns: int) -> Request:
        now_ms = now_ns // 1_000_000
        status = choose_status()
        goes_on = status == "ok"
        if len(waiting) >= (most if goes_on else 1):
            session, init = waiting.popleft(), "false"
            session.seq += 1
            left_us = session.total_us - session.duration_us
            if left_us > 1:
                session.duration_us += 1 + int(draw() * (left_us - 1) * pace)
        else:
            session, init = begin(now_ms), "true"
        if goes_on:
            waiting.append(session)
        else:
            session.duration_us = session.total_us
        errors = 1 + int(draw() * MAX_ERRORS) if status == "errored" else 0
        now_text = now_rfc3339_ms(now_ms)
        payload = (
            f'{{"init":{init},"started":"{session.started}","status":"{status}","errors":{errors}'
            f',"duration":{seconds_us(session.duration_us)},{session.identity}'
            f',"seq":{session.seq},"timestamp":"{now_text}","attrs":{session.attrs}}}'
        )
        event_id, _ = uuid4_pair(bits(256))
        header = f'{{"event_id":"{event_id}","sent_at":"{rfc3339_ns(now_ns, now_text)}"}}'
        return Request("POST", session.endpoint.path, session.endpoint.headers, framed(header, "session", payload))

    return request


DESCRIPTION: Final = """\
A weight of 0 or below means never. When no weight is above 0, every session is `ok`.

| field | value |
|---|---|
| `init` | true when the status is `ok`, else false |
| `started` | now - `startedRange` - `durationRange`, plus a uniform part of `startedRange`; milliseconds |
| `status` | chosen by the weights |
| `errors` | 1 to 19 when the status is `errored`, else 0 |
| `duration` | seconds, uniform from 0 to `durationRange`; a session ends before now |
| `sid` | a random UUID (version 4) without dashes |
| `did` | `u-<n>` |
| `seq` | 0 when the status is `ok`, else 0 to 4 |
| `timestamp` | now; milliseconds |
| `attrs` | `release` and `environment` |

Relay accepts sessions that started up to five days ago: keep `startedRange` + `durationRange` below that unless you
want to see them refused. Updates that are not `ok` have fresh session ids, so they do not refer to a session that was
started before, unless `correlated` is true.

With `correlated`, hits are the updates of whole sessions: a first one (`init` true, `seq` 0, `duration` 0), further ones,
and a last one whose status is not `ok`. All of them go to the same project and have the same `sid`, `did`, `started` and
`attrs`; `seq` rises by 1 each time, and `duration` grows up to what it is at the end, uniform from 0 to `durationRange`.

- The status of each hit is chosen by the weights, as without `correlated`; so each status has the same share of the hits
  in both cases. A session has as many updates on average as there are hits for one that is not `ok`: with `okWeight` 3
  and `exitedWeight` 1 four, the last one included.
- `ok` starts a session while fewer than `numUsers` are open, and else updates the one whose last update is the longest
  ago; any other status ends that one. When none is open it starts and ends one at once (`init` true, `seq` 0), as it
  must where `ok` is not the most frequent.
- When no weight is above 0, it is as with `okWeight` 2 and `exitedWeight` 1. With `okWeight` alone no session ends.
- Each worker has sessions of its own, at most 10000 of them open. The updates of a session are about as many hits of its
  worker apart as it has open: with few users and many connections, one may overtake the one before it on its way.
- Sessions that are open when the attack ends stay so. A hit that fails is not repeated.
"""

SESSION: Final = TestType(
    name="session",
    summary="Sentry release-health sessions, one update per envelope.",
    description=DESCRIPTION,
    params=SessionParams,
    build=_build,
    hits_per_worker=25_000,
)
