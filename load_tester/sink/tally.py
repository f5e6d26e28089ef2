"""What a sink counts, in bounded memory."""

from collections import deque
from typing import Final

import msgspec

from load_tester.domain.instant import format_instant_ns
from load_tester.sink.recorded import RawRequest

MAX_PATHS: Final = 1000
"""So many distinct paths are counted one by one; requests to further ones are counted as `OTHER`."""
MAX_PATH_BYTES: Final = 256
"""Paths that agree in their first bytes up to here count as one."""
OTHER: Final = "other"
MAX_SECONDS: Final = 3600
"""So many seconds are counted one by one, from the first request; later requests are in the totals only."""


class Stats(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a sink has seen since its start or the last reset; `GET /stats` serves it as JSON.

    Requests to the sink's own paths are not in it. `bytes` are those of request bodies. `requests` =
    `responses` + `dropped` (answered by closing the connection) + `held` (not answered yet, or never because the
    client went away). `connections` have carried at least one request; `open_connections` of them are open.
    `per_second` counts requests by the second in which they were complete, from the first one.
    """

    requests: int
    responses: int
    dropped: int
    held: int
    bad_requests: int
    bytes: int
    connections: int
    open_connections: int
    first_at: str | None
    last_at: str | None
    statuses: dict[str, int]
    paths: dict[str, int]
    per_second: tuple[int, ...]


class Tally:
    """The counters; owned by the sink, counted up by its connections. A reset puts a new one in its place."""

    __slots__ = (
        "bad_requests", "bytes", "connections", "dropped", "first_ns", "last_ns", "paths", "per_second", "recorded",
        "requests", "started", "statuses",
    )  # fmt: skip

    def __init__(self, record_limit: int) -> None:
        self.requests = self.dropped = self.bad_requests = self.bytes = self.connections = 0
        self.first_ns = self.last_ns = 0
        # The instant of the first request on the loop's clock; the stall is counted from it.
        self.started: float | None = None
        self.statuses: dict[int, int] = {}
        self.paths: dict[bytes, int] = {}
        self.per_second: list[int] = []
        self.recorded: deque[RawRequest] = deque(maxlen=record_limit)

    def begin(self, now: float, unix_ns: int) -> None:
        """Note the first request, at `now` on the loop's clock."""
        self.started = now
        self.first_ns = unix_ns

    def count(self, target: bytes) -> None:
        """Count one whole request."""
        self.requests += 1
        path = target.partition(b"?")[0] if b"?" in target else target
        if len(path) > MAX_PATH_BYTES:
            path = path[:MAX_PATH_BYTES]
        known = self.paths.get(path)
        if known is not None:
            self.paths[path] = known + 1
        elif len(self.paths) < MAX_PATHS:
            self.paths[path] = 1
        else:
            other = OTHER.encode()
            self.paths[other] = self.paths.get(other, 0) + 1

    def answer(self, status: int, responses: int) -> None:
        """Count responses with that status."""
        self.statuses[status] = self.statuses.get(status, 0) + responses

    def note(self, requests: int, now: float, unix_ns: int) -> None:
        """Note when `requests` requests that were counted have arrived."""
        self.last_ns = unix_ns
        second = int(now - (self.started or 0.0))
        per_second = self.per_second
        if second < len(per_second):
            per_second[second] += requests
        elif second < MAX_SECONDS:
            per_second.extend([0] * (second - len(per_second)))
            per_second.append(requests)

    def stats(self, open_connections: int) -> Stats:
        """The counts so far."""
        responses = sum(self.statuses.values())
        return Stats(
            requests=self.requests,
            responses=responses,
            dropped=self.dropped,
            held=self.requests - responses - self.dropped,
            bad_requests=self.bad_requests,
            bytes=self.bytes,
            connections=self.connections,
            open_connections=open_connections,
            first_at=format_instant_ns(self.first_ns) if self.first_ns else None,
            last_at=format_instant_ns(self.last_ns) if self.last_ns else None,
            statuses={str(status): count for status, count in sorted(self.statuses.items())},
            paths={path.decode("latin-1"): count for path, count in sorted(self.paths.items())},
            per_second=tuple(self.per_second),
        )
