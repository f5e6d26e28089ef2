"""Test type `session`: Sentry release-health sessions, each an envelope of one session update."""

from itertools import product
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MICROSECOND
from load_tester.domain.parameter import Span
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, TestType
from test_types.envelope import endpoints, framed
from test_types.generation import now_rfc3339_ms, rfc3339_ms, rfc3339_ns, seconds_us, uuid4_pair, weighted
from test_types.params import ZERO, Count, Weight, check_projects

MAX_ERRORS: Final = 19
MAX_SEQ: Final = 4


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


STATUSES: Final = tuple(_status(name) for name in ("ok", "exited", "errored", "crashed", "abnormal"))


def _build(params: SessionParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    check_projects(num_projects, context)
    endpoint_at = endpoints(context.projects)
    draw, bits = context.random.random, context.random.getrandbits
    weights = (
        params.ok_weight,
        params.exited_weight,
        params.errored_weight,
        params.crashed_weight,
        params.abnormal_weight,
    )
    choose_status = weighted(context.random, STATUSES, weights)
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

    return Targeter(request)


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
started before.
"""

SESSION: Final = TestType(
    name="session",
    summary="Sentry release-health sessions, one update per envelope.",
    description=DESCRIPTION,
    params=SessionParams,
    build=_build,
    hits_per_worker=25_000,
)
