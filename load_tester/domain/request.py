"""What is sent and what comes back: the types between a test type and the engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

Headers = tuple[tuple[str, str], ...]
"""Header names and values in the order in which they are sent."""


class Request(NamedTuple):
    """One HTTP request, as a test type describes it.

    `path` is the origin form of RFC 9112 §3.2.1 (`/api/1/envelope/?x=y`), to be put behind the path of the attack's
    target URL. The engine adds `Host` and, where the method or a body calls for it, `Content-Length`; both may be
    given in `headers` to override what it would send.

    A named tuple, because one is made per hit: it is made in a third of the time a frozen dataclass takes.
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""


class Response(NamedTuple):
    """A response as an observing test type sees it.

    `seq` is the number of the hit within the whole attack, the one its request was made with. `body` holds at most
    the first MiB; header names are in lower case.
    """

    seq: int
    status: int
    headers: Headers
    body: bytes


RequestMaker = Callable[[int, int], Request]
"""Makes the request of one hit: `(seq, now_ns)`, the number of the hit within the whole attack from 0, and the
instant that counts as now for timestamps in the payload, in nanoseconds since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class Targeter:
    """What a test type builds for one worker's part of an attack: it makes the requests and may watch the responses.

    `request` is called once per hit, in order of the hits, from one thread. `observe`, where given, is called with
    every whole response; without it responses are drained and not kept, which is faster.
    """

    request: RequestMaker
    observe: Callable[[Response], None] | None = None
