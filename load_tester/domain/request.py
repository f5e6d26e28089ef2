"""What is sent and what comes back: the types between a test type and the engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

Headers = tuple[tuple[str, str], ...]
"""Header names and values in the order in which they are sent."""


class Request(NamedTuple):
    """One HTTP request, as a test type describes it.

    `path` is the origin form of RFC 9112 §3.2.1 (`/api/1/envelope/?x=y`), to be put behind the path of the attack's
    target URL. The engine adds `Host` and, where the method or a body calls for it, `Content-Length`; both may be
    given in `headers` to override what it would send. `target` is the place in the targeter's `targets` of what the
    hit is counted as.

    A named tuple, because one is made per hit: it is made in a third of the time a frozen dataclass takes.
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""
    target: int = 0


class Record(NamedTuple):
    """One record for a Kafka topic, as a test type describes it; `target` as in `Request`."""

    topic: str
    value: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    target: int = 0


class Response(NamedTuple):
    """A response as an observing test type sees it.

    `seq` is the number of the hit within the whole attack, the one its request was made with. `body` holds at most
    the first MiB; header names are in lower case.
    """

    seq: int
    status: int
    headers: Headers
    body: bytes


Sendable = Request | Record
"""What a hit can be; which of them, the test type's transport says."""

RequestMaker = Callable[[int, int], Any]
"""Makes the request of one hit: `(seq, now_ns)`, the number of the hit within the whole attack from 0, and the
instant that counts as now for timestamps in the payload, in nanoseconds since 1970-01-01 UTC.

What it makes is a `Sendable`; which one, only the test type's transport says, so no type checker can tell; `prove`
looks at the first.
"""

Observer = Callable[[Response], str | None]
"""Is shown a whole response; returns what is wrong with it, in one sentence, or `None` if nothing is."""

MAX_TARGETS: Final = 100
"""So many kinds of hits are counted apart at most."""


@dataclass(frozen=True, slots=True)
class Targeter:
    """What a test type builds for one worker's part of an attack: it makes the requests and may watch the responses.

    Attributes:
        request: called once per hit, in order of the hits, from one thread.
        observe: where given, called with every whole response; without it responses are drained and not kept, which
            is faster. What it complains of is counted as an error of the kind `check`, and the hit is no success.
        targets: what hits are counted as, apart from each other: figures are kept for each of them. None: for all only.
        expected: the statuses that are successes, if they are others than 200 to 399; any other is counted as an
            error of the kind `status`.

    Raises:
        ValueError: there are more than `MAX_TARGETS` targets, or two are the same.
    """

    request: RequestMaker
    observe: Observer | None = None
    targets: tuple[str, ...] = ()
    expected: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if len(self.targets) > MAX_TARGETS or len(set(self.targets)) < len(self.targets):
            raise ValueError(f"a targeter may have up to {MAX_TARGETS} targets, all different")
