"""A trace: requests in the order of time, read from a file of any of the formats that are understood."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import msgspec

from load_tester.domain.duration import SECOND
from test_types.access_log import COMBINED, combined, json_lines
from test_types.recorded import NotReplayable, Recorded, Rows, numbered_lines
from test_types.result_file import JTL_TIME, VEGETA_FIELDS, jtl, vegeta_csv, vegeta_json

Format = Literal["combined", "json", "jtl", "vegeta-csv", "vegeta-json"]

FORMATS: Final[dict[Format, Callable[[bytes], Rows]]] = {
    "combined": combined,
    "json": json_lines,
    "jtl": jtl,
    "vegeta-csv": vegeta_csv,
    "vegeta-json": vegeta_json,
}
_VEGETA_MEMBERS: Final = {"attack", "seq", "code", "timestamp", "latency"}
_SHOWN: Final = 10
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class UnreadableTrace(ValueError):
    """A trace that cannot be replayed as it is; the message says why, with the number of the line."""


class SeveralHosts(ValueError):
    """A trace of requests to several hosts, when nobody said which of them the target stands for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken of a trace.

    Attributes:
        methods: only requests with these methods; none for all.
        hosts: only requests to these hosts, and those that name none; none for all, if they are to one host.
        skip: whether rows without a request that can be replayed are left out; otherwise the trace is refused.
    """

    methods: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    skip: bool = False


def read_trace(content: bytes, form: Format | None, choice: Choice) -> list[Recorded]:
    """The requests of a file by their start, as nanoseconds from the first of them; at least one.

    With `form` `None` the format is found out. Where all times are whole seconds, as in the combined format, the
    requests of a second are spread over it evenly, in their order.

    Raises:
        UnreadableTrace: the file is not of that format, has a row that cannot be replayed, or nothing to replay.
        SeveralHosts: see `Choice`.
    """
    content = content.removeprefix(_BYTE_ORDER_MARK)
    form = detected(content) if form is None else form
    methods, hosts = choice.methods, choice.hosts
    taken = [each for each in _read(content, form, skip=choice.skip) if not methods or each.method in methods]
    if hosts:
        taken = [each for each in taken if not each.host or each.host in hosts]
    else:
        _check_hosts(taken)
    if not taken:
        raise UnreadableTrace("there is no request in it that is to be replayed")
    taken.sort(key=lambda each: each.at_ns)
    return _from_start(spread(taken) if form in {"combined", "json"} else taken)


def scaled(instants_ns: Iterable[int], speed: float) -> list[int]:
    """Instants of a trace that is replayed `speed` times as fast, in whole nanoseconds, rounded down."""
    exact = Fraction(str(speed))  # the number as it was written: 0.1 is a tenth
    by, per = exact.denominator, exact.numerator
    return [at_ns * by // per for at_ns in instants_ns]


def detected(content: bytes) -> Format:
    """The format of a file, from its first line.

    Raises:
        UnreadableTrace: it is none of those that are understood.
    """
    first = next(numbered_lines(content[: 1 << 20]), (1, ""))[1]
    fields = first.split(",")
    if first.startswith("{"):
        return "vegeta-json" if _members(first) >= _VEGETA_MEMBERS else "json"
    if JTL_TIME in fields:
        return "jtl"
    if len(fields) >= VEGETA_FIELDS and fields[0].isdigit():
        return "vegeta-csv"
    if COMBINED.match(first):
        return "combined"
    hint = ""
    if first.startswith("<"):
        hint = "; have JMeter write its results as CSV"
    elif "\0" in first or "\x03" in first:
        hint = "; if it is vegeta's own format, use `vegeta encode --to csv`"
    raise UnreadableTrace(f"its first line, {first[:80]!r}, is of no format that is known{hint}")


def spread(ordered: list[Recorded]) -> list[Recorded]:
    """The same requests, those of one second evenly over it if all their times are whole seconds."""
    if any(each.at_ns % SECOND for each in ordered):
        return ordered
    counts = Counter(each.at_ns for each in ordered)
    placed, second_ns, number = [], -1, 0
    for each in ordered:
        number = number + 1 if each.at_ns == second_ns else 0
        second_ns = each.at_ns
        placed.append(each._replace(at_ns=second_ns + number * SECOND // counts[second_ns]))
    return placed


def _read(content: bytes, form: Format, *, skip: bool) -> Iterator[Recorded]:
    """The requests of a file in its order."""
    try:
        rows = FORMATS[form](content)
        for number, row in rows.numbered:
            try:
                made = rows.read(row)
            except NotReplayable as error:
                if not skip:
                    raise UnreadableTrace(f"line {number}: {error}") from None
            else:
                if made is not None:
                    yield made
    except NotReplayable as error:
        raise UnreadableTrace(str(error)) from None


def _check_hosts(requests: Iterable[Recorded]) -> None:
    hosts = Counter(each.host for each in requests if each.host)
    if len(hosts) > 1:
        names = ", ".join(repr(host) for host, _ in hosts.most_common(_SHOWN))
        raise SeveralHosts(
            f"the trace has requests to {len(hosts)} hosts; name those that the target stands for: {names}"
        )


def _from_start(ordered: list[Recorded]) -> list[Recorded]:
    first_ns = ordered[0].at_ns
    return [each._replace(at_ns=each.at_ns - first_ns) for each in ordered]


def _members(line: str) -> set[str]:
    try:
        return set(msgspec.json.decode(line.encode("latin-1"), type=dict[str, msgspec.Raw]))
    except ValueError:
        return set()
