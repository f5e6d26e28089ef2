"""What is sent and what comes back: the types between a test type and the engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

Headers = tuple[tuple[str, str], ...]
"""Header names and values in the order in which they are sent."""


class Request(NamedTuple):
    """One HTTP request, as a test type describes it.

    `path` is the origin form of RFC 9112 §3.2.1 (`/api/1/envelope/?x=y`), to be put behind the path of the attack's
    target URL. The engine adds `Host` and, where the method or a body calls for it, `Content-Length`; both may be
    given in `headers` to override what it would send. `target` is the place in the targeter's `targets` of what the
    hit is.

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

    `seq` is the number of the hit within the whole attack, the one its request was made with, and `target` what that
    request had. `body` holds at most the first MiB; header names are in lower case.
    """

    seq: int
    status: int
    headers: Headers
    body: bytes
    target: int = 0


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
"""So many kinds of hits are counted apart at most: so many different names of targets there may be."""


@dataclass(frozen=True, slots=True)
class Targeter:
    """What a test type builds for one worker's part of an attack: it makes the requests and may watch the responses.

    Attributes:
        request: called once per hit, in order of the hits, from one thread.
        observe: where given, called with every whole response; without it responses are drained and not kept, which
            is faster. What it complains of is counted as an error of the kind `check`, and the hit is no success.
        targets: what hits are, by name: figures are kept for each name, so targets of one name are counted together.
            None: for all only.
        expected: the statuses that are successes, if they are others than 200 to 399; any other is counted as an
            error of the kind `status`.
        expected_of: the same for single targets, by their places; it takes the place of `expected`.
        repeated: requests that are made again and again, the very same objects: each of them is written once, which
            saves a tenth of the time of a hit.

    Raises:
        ValueError: there are more than `MAX_TARGETS` different targets.
    """

    request: RequestMaker
    observe: Observer | None = None
    targets: tuple[str, ...] = ()
    expected: frozenset[int] | None = None
    expected_of: Mapping[int, frozenset[int]] = field(default_factory=dict)
    repeated: Sequence[Sendable] = ()

    def __post_init__(self) -> None:
        if len(set(self.targets)) > MAX_TARGETS:
            raise ValueError(f"a targeter may have up to {MAX_TARGETS} different targets")
