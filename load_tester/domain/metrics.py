"""The figures of an attack: counts and histograms that add up exactly, over workers and over seconds.

Every figure is booked into the second of the attack in which its event took place: a hit is planned in the second in
which it was due, sent in the second in which it was sent, and answered, failed or aborted in the second in which it
ended. Hence a second that has passed does not change any more, and the seconds of a run add up to its totals.
"""

from enum import StrEnum
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from load_tester.domain.duration import SECOND
from load_tester.domain.histogram import Distribution, Histogram, HistogramDelta, merged


class ErrorKind(StrEnum):
    """Why a hit has no response, or not the one that was expected.

    The set is fixed; the message of the first error of each kind is kept beside it.
    """

    RESOLVE = "resolve"
    """The name of the target could not be resolved."""
    REFUSED = "refused"
    """The target refused the connection."""
    CONNECT = "connect"
    """The connection could not be made for another reason: unreachable, no free local port, too many files."""
    TLS = "tls"
    """The TLS handshake failed: an untrusted certificate, a wrong name, no common version."""
    RESET = "reset"
    """The connection was reset after the request was sent."""
    CLOSED = "closed"
    """The target closed the connection before the response was whole."""
    TIMEOUT = "timeout"
    """The request was sent, and no whole response had come when the hit's time was over."""
    QUEUED = "queued"
    """The hit's time was over while it still waited for a free connection; it was never sent."""
    MALFORMED = "malformed"
    """What came is not HTTP/1.1, or contradicts itself."""
    OVERSIZE = "oversize"
    """The response's headers or body exceed the limits."""
    REJECTED = "rejected"
    """The broker did not accept the record."""
    STATUS = "status"
    """Answered, but with none of the statuses that the test type expects. The hit counts as answered."""
    CHECK = "check"
    """Answered, but a check of the test type's on the response failed. The hit counts as answered."""


ANSWERED: Final = frozenset({ErrorKind.STATUS, ErrorKind.CHECK})
"""The kinds of errors of hits that were answered; those of all other kinds have failed."""


class Counts(msgspec.Struct, array_like=True):
    """What is counted. Also the mutable tally of whoever counts: the recorder of a worker, the totals of a run.

    `planned` = `answered` + `failed` + `aborted` + `lost` once an attack has ended. `successes` are answers with
    200 ≤ status < 400, or as the test type expects instead. `unsent` is the part of `failed` that was never sent,
    `waited` the number of hits that waited for a connection; `opened` and `closed` count connections. Bytes are those
    of bodies. The instants are nanoseconds from the start of the attack: `first_at` and `last_at` of the first and last
    hit that was sent (or, when it could not be sent, was due), `end_at` of the last end of a hit; -1 for none.
    """

    planned: int = 0
    sent: int = 0
    answered: int = 0
    failed: int = 0
    aborted: int = 0
    lost: int = 0
    successes: int = 0
    unsent: int = 0
    waited: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    opened: int = 0
    closed: int = 0
    first_at: int = -1
    last_at: int = -1
    end_at: int = -1
    status_codes: dict[int, int] = msgspec.field(default_factory=dict)
    errors: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, other: "Counts") -> Self:
        """Add what another tally has counted."""
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.first_at >= 0:
            self.first_at = other.first_at if self.first_at < 0 else min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)
        self.end_at = max(self.end_at, other.end_at)
        for code, count in other.status_codes.items():
            self.status_codes[code] = self.status_codes.get(code, 0) + count
        for kind, count in other.errors.items():
            self.errors[kind] = self.errors.get(kind, 0) + count
        return self


_SUMMED = (
    "planned", "sent", "answered", "failed", "aborted", "lost", "successes", "unsent", "waited",
    "bytes_in", "bytes_out", "opened", "closed",
)  # fmt: skip


class TargetPart(msgspec.Struct, frozen=True, array_like=True):
    """What happened to the hits of one target: those that were sent and have ended.

    Of the counts, `sent`, `answered`, `failed`, `aborted`, `successes`, `status_codes` and `errors` are used.
    """

    counts: Counts
    latency: HistogramDelta
    response_time: HistogramDelta

    def merge(self, other: "TargetPart") -> "TargetPart":
        """Both parts together."""
        return TargetPart(
            Counts().add(self.counts).add(other.counts),
            merged(self.latency, other.latency),
            merged(self.response_time, other.response_time),
        )


class Second(msgspec.Struct, frozen=True, array_like=True):
    """A part of what happened in one second of an attack, counted from 0; parts of the same second can be merged.

    `targets` tells it apart for the targets of the test type, if it has any.
    """

    second: int
    counts: Counts
    latency: HistogramDelta
    response_time: HistogramDelta
    lag: HistogramDelta
    targets: dict[str, TargetPart] = {}

    def merge(self, other: "Second") -> "Second":
        """Both parts together; they must be of the same second.

        Raises:
            ValueError: they are not.
        """
        if other.second != self.second:
            raise ValueError(f"seconds {self.second} and {other.second} cannot be merged")
        return Second(
            self.second,
            Counts().add(self.counts).add(other.counts),
            merged(self.latency, other.latency),
            merged(self.response_time, other.response_time),
            merged(self.lag, other.lag),
            {
                target: _merged_targets(self.targets.get(target), other.targets.get(target))
                for target in {**self.targets, **other.targets}
            },
        )


def _merged_targets(one: TargetPart | None, other: TargetPart | None) -> TargetPart:
    if one is None or other is None:
        part = one or other
        assert part is not None, "one of them has the target"
        return part
    return one.merge(other)


class TargetFigures(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The figures of the hits of one target that were sent and have ended: how, and how long they took."""

    sent: Annotated[int, Meta(description="Hits that were sent and have ended.")] = 0
    answered: Annotated[int, Meta(description="Hits with a whole response, whatever its status.")] = 0
    failed: Annotated[int, Meta(description="Hits without one.")] = 0
    aborted: Annotated[int, Meta(description="Hits that had not ended when the attack was stopped.")] = 0
    successes: Annotated[int, Meta(description="As of the whole run.")] = 0
    success: Annotated[float, Meta(description="The part of `sent` that are successes.")] = 0.0
    throughput: Annotated[float, Meta(description="Successes per second of the attack.")] = 0.0
    status_codes: Annotated[dict[str, int], Meta(description="Answers by status.")] = msgspec.field(
        default_factory=dict
    )
    errors: Annotated[dict[str, int], Meta(description="As of the whole run.")] = msgspec.field(default_factory=dict)
    latency: Annotated[Distribution, Meta(description="As of the whole run.")] = Distribution()
    response_time: Annotated[Distribution, Meta(description="As of the whole run.")] = Distribution()


class Figures(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The figures of a run, or of one second of it; times are integer nanoseconds.

    At every ending planned = answered + failed + aborted + lost.
    """

    planned: Annotated[int, Meta(description="Hits that were due; of a stopped run, until it was stopped.")] = 0
    sent: Annotated[int, Meta(description="Hits that were sent.")] = 0
    answered: Annotated[int, Meta(description="Hits with a whole response, whatever its status.")] = 0
    failed: Annotated[int, Meta(description="Hits without one.")] = 0
    aborted: Annotated[int, Meta(description="Hits that had not ended when the attack was stopped.")] = 0
    lost: Annotated[int, Meta(description="Hits whose worker died before it told how they ended.")] = 0
    successes: Annotated[
        int,
        Meta(description="Hits answered with 200 to 399, or as the test type expects instead, that passed its checks."),
    ] = 0
    # Of the planned ones: leaving out those without an answer would make the target look better than it is.
    success: Annotated[
        float,
        Meta(
            description="The part of the planned hits that are successes; of one second, of the hits that ended in it."
        ),
    ] = 0.0
    status_codes: Annotated[dict[str, int], Meta(description="Answers by status.")] = msgspec.field(
        default_factory=dict
    )
    errors: Annotated[dict[str, int], Meta(description="Why hits failed or were no successes, by kind.")] = (
        msgspec.field(default_factory=dict)
    )
    bytes_in: Annotated[int, Meta(description="Of the bodies of responses.")] = 0
    bytes_out: Annotated[int, Meta(description="Of the bodies of requests.")] = 0
    connections_opened: Annotated[int, Meta(description="Connections that were made.")] = 0
    connections_closed: Annotated[int, Meta(description="Connections that have ended.")] = 0
    # Of a second by itself, of those that were made in it; `completed` makes it of all.
    connections_open: Annotated[int, Meta(description="Connections that are open after it.")] = 0
    waited: Annotated[int, Meta(description="Hits that waited for a connection.")] = 0
    # Rate and throughput are vegeta's (`lib/metrics.go`).
    rate: Annotated[float, Meta(description="Hits, over the time between the first and the last one.")] = 0.0
    pace: Annotated[
        float, Meta(description="What was really sent per second, also by few hits: those after the first, likewise.")
    ] = 0.0
    throughput: Annotated[
        float, Meta(description="Successes, over the time between the first hit and the last end of one.")
    ] = 0.0
    latency: Annotated[Distribution, Meta(description="From sent to answered, of the hits that were answered.")] = (
        Distribution()
    )
    # With those that timed out or were aborted, for the same reason as above. Other failures are in neither: a refused
    # connection is quick, not fast.
    response_time: Annotated[
        Distribution,
        Meta(description="From due to answered; of hits that timed out or were aborted, to when they were given up."),
    ] = Distribution()
    lag: Annotated[Distribution, Meta(description="From due to sent, of the hits that were sent.")] = Distribution()
    targets: Annotated[
        dict[str, TargetFigures],
        Meta(description="The figures of each target of the test type; empty for one second of a run."),
    ] = msgspec.field(default_factory=dict)


class _TargetMetrics:
    """The running totals of one target."""

    __slots__ = ("counts", "latency", "response_time")

    def __init__(self) -> None:
        self.counts = Counts()
        self.latency = Histogram()
        self.response_time = Histogram()

    def add(self, part: TargetPart) -> None:
        self.counts.add(part.counts)
        self.latency.add(part.latency)
        self.response_time.add(part.response_time)

    def figures(self, total_ns: int) -> TargetFigures:
        counts = self.counts
        return TargetFigures(
            sent=counts.sent,
            answered=counts.answered,
            failed=counts.failed,
            aborted=counts.aborted,
            successes=counts.successes,
            success=counts.successes / counts.sent if counts.sent else 0.0,
            throughput=_per_second(counts.successes, total_ns),
            status_codes=_by_code(counts.status_codes),
            errors=dict(sorted(counts.errors.items())),
            latency=self.latency.distribution(),
            response_time=self.response_time.distribution(),
        )


class Metrics:
    """The running totals of an attack: `add` what workers report, read `figures` at any time. Memory is constant."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.latency = Histogram()
        self.response_time = Histogram()
        self.lag = Histogram()
        self._targets: dict[str, _TargetMetrics] = {}

    def add(self, second: Second) -> Self:
        """Add a part of a second."""
        self.counts.add(second.counts)
        self.latency.add(second.latency)
        self.response_time.add(second.response_time)
        self.lag.add(second.lag)
        for target, part in second.targets.items():
            self._targets.setdefault(target, _TargetMetrics()).add(part)
        return self

    def figures(self) -> Figures:
        """The figures so far, with vegeta's rate and throughput: hits over the time they took."""
        counts = self.counts
        attack_ns = counts.last_at - counts.first_at
        total_ns = max(counts.end_at, counts.last_at) - counts.first_at
        total_ns = total_ns if attack_ns > 0 else 0
        hits = counts.sent + counts.unsent
        figures = self._figures(
            of=counts.planned,
            rate=_per_second(hits, attack_ns),
            pace=max(0, hits - 1) * SECOND / attack_ns if attack_ns > 0 else 0.0,
            throughput=_per_second(counts.successes, total_ns),
        )
        targets = {target: metrics.figures(total_ns) for target, metrics in sorted(self._targets.items())}
        return msgspec.structs.replace(figures, targets=targets) if targets else figures

    def second_figures(self) -> Figures:
        """The figures of one whole second, in which rates are simply the counts.

        Its `success` is of the hits that ended in it: those that were due in it may end in another one.
        """
        counts = self.counts
        return self._figures(
            of=counts.answered + counts.failed + counts.aborted + counts.lost,
            rate=float(counts.sent + counts.unsent),
            pace=float(counts.sent + counts.unsent),
            throughput=float(counts.successes),
        )

    def _figures(self, of: int, rate: float, pace: float, throughput: float) -> Figures:
        counts = self.counts
        return Figures(
            planned=counts.planned,
            sent=counts.sent,
            answered=counts.answered,
            failed=counts.failed,
            aborted=counts.aborted,
            lost=counts.lost,
            successes=counts.successes,
            success=counts.successes / of if of else 0.0,
            status_codes=_by_code(counts.status_codes),
            errors=dict(sorted(counts.errors.items())),
            bytes_in=counts.bytes_in,
            bytes_out=counts.bytes_out,
            connections_opened=counts.opened,
            connections_closed=counts.closed,
            connections_open=counts.opened - counts.closed,
            waited=counts.waited,
            rate=rate,
            pace=pace,
            throughput=throughput,
            latency=self.latency.distribution(),
            response_time=self.response_time.distribution(),
            lag=self.lag.distribution(),
        )


def _by_code(status_codes: dict[int, int]) -> dict[str, int]:
    return {str(code): count for code, count in sorted(status_codes.items())}


def _per_second(count: int, ns: int) -> float:
    """Vegeta's rule: with no time between the first and the last, the rate is the bare count."""
    return count * SECOND / ns if ns > 0 else float(count)
