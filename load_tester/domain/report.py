"""The report of a run as plain text, for a reader who has never seen one.

Nothing that went wrong is left out, and no ratio is rounded up: with one failure in a million it does not read 100 %.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from load_tester.domain.duration import MILLISECOND, InvalidDuration, format_ns, parse_ns
from load_tester.domain.histogram import Distribution
from load_tester.domain.kafka import is_kafka
from load_tester.domain.metrics import ANSWERED, ErrorKind, Figures, TargetFigures
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.run import Run, RunState

MEANINGS: Final = {
    ErrorKind.RESOLVE: "the target's name could not be resolved",
    ErrorKind.REFUSED: "the target refused the connection",
    ErrorKind.CONNECT: "no connection could be made",
    ErrorKind.TLS: "the TLS handshake failed",
    ErrorKind.RESET: "the target reset the connection after the request was sent",
    ErrorKind.CLOSED: "the target closed the connection before the response was whole",
    ErrorKind.TIMEOUT: "no whole response came in time",
    ErrorKind.QUEUED: "never sent: no connection became free in time",
    ErrorKind.MALFORMED: "what came back was not valid HTTP/1.1",
    ErrorKind.OVERSIZE: "the response was larger than the limits",
    ErrorKind.REJECTED: "the broker did not accept the record",
    ErrorKind.STATUS: "answered, but with a status that is not expected",
    ErrorKind.CHECK: "answered, but a check of the response failed",
}
"""What each kind of error means, in a few words."""

_DIGITS: Final = 4
_MUCH_FACTOR: Final = 1.25
_MUCH_NS: Final = 10 * MILLISECOND
_LABEL: Final = 14
_COLUMNS: Final = ("min", "mean", "p50", "p90", "p95", "p99", "p999", "max")
_CAPTIONS: Final = {"p999": "p99.9"}


def text_report(run: Run) -> str:
    """The report: what was asked, what happened, how long it took, what went wrong. Ends with a newline.

    Texts that come from elsewhere (names, messages) are put on one line, without control characters.
    """
    blocks = (
        _heading(run),
        _warning(run),
        _counts(run),
        _times(run.summary),
        _status_codes(run),
        _targets(run.summary),
        _errors(run),
        _list("Incidents: what went wrong on the way", run.incidents),
    )
    return "\n\n".join("\n".join(lines) for lines in map(list, blocks) if lines) + "\n"


def brief(run: Run) -> str:
    """The figures of a run in a line, while it goes on and after: percentiles are those of the response time.

    Errors are all hits that have ended and are no successes, whatever the reason.
    """
    figures = run.summary
    errors = figures.failed + figures.aborted + figures.lost + figures.answered - figures.successes
    parts = [
        f"{figures.sent} sent",
        per_second(figures.pace),
        f"p50 {rounded(figures.response_time.p50)}",
        f"p99 {rounded(figures.response_time.p99)}",
        f"{errors} errors",
        *([f"{run.waiting} waiting"] if run.waiting else []),
    ]
    return "  ".join(parts)


def unwanted_statuses(figures: Figures) -> dict[str, int]:
    """The statuses outside of 200 to 399 with their counts, where answers are no successes because of them.

    Where the test type expects others, the answers with none of them are errors of the kind `status` instead.
    """
    told = sum(figures.errors.get(kind, 0) for kind in ANSWERED)
    if figures.answered - figures.successes <= told:
        return {}
    return {code: count for code, count in figures.status_codes.items() if not "200" <= code < "400"}


def rounded(ns: int) -> str:
    """A span in Go's form, rounded to four significant digits: `1.235ms`, `12.35s`, `1h1m0s`."""
    surplus = len(str(abs(ns))) - _DIGITS
    return format_ns(round(ns, -surplus) if surplus > 0 else ns)


def size(size_bytes: int) -> str:
    """Bytes with a unit: `999 B`, `1.50 KiB`, `12.3 MiB`."""
    if size_bytes < 1024:
        return f"{size_bytes} B"
    amount = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        amount /= 1024
        if amount < 1000 or unit == "TiB":
            break
    return f"{amount:.2f} {unit}" if amount < 10 else f"{amount:.1f} {unit}" if amount < 100 else f"{amount:.0f} {unit}"


def percentage(ratio: float) -> str:
    """A ratio between 0 and 1 as `99.98%`, rounded down: only all is 100 %; above none it is never 0 %."""
    # The epsilon keeps 0.07, which is 7.000000000000001 or 6.9999… hundredths in binary, at 7 %.
    hundredths = min(int(ratio * 10_000 + 1e-9), 10_000 if ratio >= 1 else 9_999)
    return "<0.01%" if hundredths == 0 and ratio > 0 else f"{hundredths / 100:.2f}%"


def per_second(rate: float) -> str:
    """A rate with four significant digits at least: `0.5/s`, `99.9/s`, `1000/s`, `51234/s`."""
    # The decimal writes 1 hit per day as 0.00001157 and not with an exponent.
    return f"{rate:.0f}/s" if rate >= 1000 else f"{Decimal(f'{rate:.{_DIGITS}g}'):f}/s"


def one_line(text: str) -> str:
    """The text on one line: white space is one blank, and what cannot be printed (terminal commands) is `?`."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))


def asked(run: Run) -> str:
    """What a run's command asks for, in words: `100 hits per 1s for 10s (1000 hits in all)`."""
    command = run.command
    duration, per, number = command.get("attackDuration", "0s"), command.get("per", "1s"), command.get("numMessages", 0)
    if not number and run.scheduled_hits is not None:
        return f"{_hits(run.scheduled_hits)} in {rounded(run.scheduled_ns)}, by a schedule of its own"
    if not number:
        return f"as many hits as the target answers for {duration}"
    try:
        in_all = ConstantPacer(number, parse_ns(per)).hits(parse_ns(duration))
    except (InvalidDuration, ValueError):
        return f"{number} hits per {per} for {duration}"
    return f"{_hits(number)} per {per} for {duration} ({_hits(in_all)} in all)"


def _hits(number: int) -> str:
    return "1 hit" if number == 1 else f"{number} hits"


def _row(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}"


def _heading(run: Run) -> Iterator[str]:
    command = run.command
    yield _row("Run", f"{run.id}  {run.state.value}")
    if run.error:
        yield _row("Failure", one_line(run.error))
    for label, text in (("Name", run.name), ("Description", run.description)):
        if text:
            yield _row(label, one_line(text))
    if run.labels:
        yield _row("Labels", one_line(", ".join("=".join(label) for label in run.labels)))
    yield _row("Target", one_line(run.target_url))
    yield _row("Test", one_line(f"{run.test_type}: {asked(run)}"))
    limits = [f"timeout {command['timeout']}"] if "timeout" in command else []
    at_once = "records in flight" if is_kafka(run.target_url) else "connections"
    limits += [f"at most {command['maxConnections']} {at_once}"] if "maxConnections" in command else []
    workers = f"{run.workers} worker{'' if run.workers == 1 else 's'}"
    yield _row("With", ", ".join([*limits, workers, f"seed {run.seed}"]))
    if run.started_at is None:
        yield _row("Started", f"never; accepted {run.created_at:%Y-%m-%d %H:%M:%S} UTC")
    else:
        yield _row("Started", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC, took {rounded(run.elapsed_ns)}")


def _warning(run: Run) -> Iterator[str]:
    lost = run.summary.lost
    if lost:
        yield f"WARNING: {_hits(lost).upper()} LOST"
        yield "Nobody knows how they ended, because the process that sent them ended; see the incidents below."
    if run.generator_limited:
        yield "WARNING: THE LOAD GENERATOR WAS LIMITED"
        yield "These figures may show the limits of the load tester or its machine, not those of the target:"
        yield from (f"  - {one_line(reason)}" for reason in run.reasons)


def _counts(run: Run) -> Iterator[str]:
    figures = run.summary
    ended = figures.answered + figures.failed + figures.aborted + figures.lost
    going = f", {figures.planned - ended} not ended" if figures.planned != ended else ""
    until = " until it was stopped" if run.state is RunState.STOPPED else ""
    yield _row("Hits", f"{figures.planned} planned{until}, {figures.sent} sent")
    yield _row(
        "",
        f"{figures.answered} answered, {figures.failed} failed, {figures.aborted} aborted, {figures.lost} lost{going}",
    )
    if figures.aborted:
        yield _row("", "aborted: still in flight, or not sent yet, when the attack was stopped and its grace was over")
    if figures.lost:
        yield _row("", "lost: nobody knows how they ended, because the process that sent them died")
    yield _row("Success", f"{percentage(figures.success)} of the planned hits were {_success(run)}")
    yield _row("Rate", f"{per_second(figures.pace)} sent; throughput {per_second(figures.throughput)} (successes only)")
    yield _row(
        "Bytes", f"{_bytes(figures.bytes_out, figures.sent)} out, {_bytes(figures.bytes_in, figures.answered)} in"
    )
    yield from _room(run)
    if run.state in {RunState.RUNNING, RunState.STOPPING}:
        yield _row("At present", f"{run.connections_open} open, {run.in_flight} in flight, {run.waiting} waiting")


def _success(run: Run) -> str:
    if is_kafka(run.target_url):
        return "acknowledged"
    # What else a test type may expect, only its parameters say.
    as_wanted = run.summary.errors.keys().isdisjoint(ANSWERED)
    return "answered with a status of 200 to 399" if as_wanted else "answered as expected"


def _room(run: Run) -> Iterator[str]:
    """What hits had to share: connections, or the number of records that may be in flight."""
    figures = run.summary
    if is_kafka(run.target_url):
        if figures.waited:
            yield _row("Queue", f"{_hits(figures.waited)} waited until fewer records were in flight")
        return
    waited = f"; {_hits(figures.waited)} waited for a free one" if figures.waited else ""
    yield _row("Connections", f"{figures.connections_opened} opened{waited}")


def _bytes(total: int, number: int) -> str:
    return f"{size(total)} ({size(total // number)} each)" if number else size(total)


def _times(figures: Figures) -> Iterator[str]:
    rows = {"Latency": figures.latency, "Response time": figures.response_time, "Lag": figures.lag}
    if not any(distribution.count for distribution in rows.values()):
        return
    cells = {label: list(_cells(times, is_empty=not times.count)) for label, times in rows.items()}
    widths = [max(8, *(len(row[i]) for row in cells.values())) for i in range(len(_COLUMNS))]
    captions = [_CAPTIONS.get(column, column) for column in _COLUMNS]
    yield _row("", _aligned(captions, widths))
    yield from (_row(label, _aligned(row, widths)) for label, row in cells.items())
    yield "Latency: from sent to answered. Response time: from due to answered. Lag: from due to sent."
    if _differ_much(figures.latency, figures.response_time):
        if _differ_much(Distribution(), figures.lag):
            yield (
                "Response time is well above latency: hits were due before they could be sent, so judge the target by "
                "response time, which counts their wait as a user would feel it."
            )
        else:
            yield (
                "Response time is well above latency: it also counts the hits that were given up, when their time was "
                "over or the attack was stopped, with the time that they had waited."
            )


def _cells(times: Distribution, *, is_empty: bool) -> Iterator[str]:
    for column in _COLUMNS:
        yield "-" if is_empty else rounded(getattr(times, column))


def _aligned(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _differ_much(less: Distribution, more: Distribution) -> bool:
    # The extremes may differ by one late hit, which says nothing of the rest.
    pairs = ((getattr(less, column), getattr(more, column)) for column in ("mean", "p50", "p90", "p99"))
    return any(high - low > _MUCH_NS and high > _MUCH_FACTOR * low for low, high in pairs)


def _status_codes(run: Run) -> Iterator[str]:
    codes = run.summary.status_codes
    if codes:
        yield "Status codes"
        width = max(map(len, map(str, codes.values())))
        for code, count in codes.items():
            phrase = "acknowledged" if is_kafka(run.target_url) else _phrase(code)
            yield f"  {code}  {count:>{width}}  {phrase}".rstrip()


def _phrase(code: str) -> str:
    try:
        return HTTPStatus(int(code)).phrase
    except ValueError:
        return ""


def _targets(figures: Figures) -> Iterator[str]:
    """A line for each target that hits were counted as; times are response times."""
    if figures.targets:
        rows: list[tuple[str, ...]] = [("", "sent", "success", "p50", "p90", "p99", "max", "errors")]
        rows += [
            (
                one_line(name),
                str(target.sent),
                percentage(target.success),
                *(
                    rounded(ns) if target.response_time.count else "-"
                    for ns in (
                        target.response_time.p50,
                        target.response_time.p90,
                        target.response_time.p99,
                        target.response_time.max,
                    )
                ),
                ", ".join(f"{kind} {count}" for kind, count in _target_errors(target).items()) or "-",
            )
            for name, target in figures.targets.items()
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        yield "Targets: times are response times"
        for name, *cells, errors in rows:
            yield f"  {name:<{widths[0]}}  {_aligned(cells, widths[1:-1])}  {errors}"


def _target_errors(target: TargetFigures) -> dict[str, int]:
    """All hits that were no successes, by what is said of them: those of an unwanted status are `status` here, too."""
    told = sum(target.errors.get(kind, 0) for kind in ANSWERED)
    unwanted = target.answered - target.successes - told
    more = {"status": unwanted + target.errors.get(ErrorKind.STATUS, 0), "aborted": target.aborted}
    return {**target.errors, **{kind: count for kind, count in more.items() if count}}


def _errors(run: Run) -> Iterator[str]:
    errors = run.summary.errors
    if errors:
        yield "Errors"
        width = max(len(str(count)) for count in errors.values())
        kinds = max(map(len, errors))
        for kind, count in sorted(errors.items(), key=lambda item: (-item[1], item[0])):
            meaning = MEANINGS.get(ErrorKind(kind), "") if kind in set(ErrorKind) else ""
            yield f"  {one_line(kind):<{kinds}}  {count:>{width}}  {meaning}".rstrip()
            if kind in run.error_messages:
                yield f"  {'':<{kinds}}  {'':>{width}}  first: {one_line(run.error_messages[kind])}"


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    lines = [f"  - {one_line(item)}" for item in items]
    if lines:
        yield title
        yield from lines
