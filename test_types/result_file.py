"""Result files of other load testers: JMeter's JTL as CSV, and vegeta's results as CSV and JSON.

They tell when each request was sent, and where to; not what was in it. (The `body` and `headers` of vegeta's results are
those of the responses.)
"""

import csv
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

import msgspec

from load_tester.domain.duration import MILLISECOND
from load_tester.domain.instant import InvalidInstant, parse_instant_ns
from test_types.recorded import NotReplayable, Recorded, Rows, numbered_lines, recorded

JTL_TIME: Final = "timeStamp"
JTL_URL: Final = "URL"
VEGETA_FIELDS: Final = 12
_MOST_NS: Final = 2**63 - 1
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _VegetaResult(msgspec.Struct):
    """What matters of one of vegeta's results; old versions do not tell method and URL."""

    timestamp: str
    method: str = ""
    url: str = ""


def jtl(content: bytes) -> Rows:
    """JMeter's results as CSV, with the line of names that JMeter writes first; only `timeStamp` and `URL` must be there.

    Raises:
        NotReplayable: they are not.
    """
    rows = _csv_rows(content)
    names = next(rows, (1, []))[1]
    for name in (JTL_TIME, JTL_URL):
        if name not in names:
            raise NotReplayable(f"the first line names no column {name!r}")
    return Rows(rows, _jtl_reader(names))


def vegeta_csv(content: bytes) -> Rows:
    """What `vegeta encode --to csv` writes: twelve fields, and no line of names."""
    return Rows(_csv_rows(content), _vegeta_fields)


def vegeta_json(content: bytes) -> Rows:
    """What `vegeta encode --to json` writes: an object a line."""
    decode = msgspec.json.Decoder(_VegetaResult).decode

    def read(line: str) -> Recorded:
        try:
            result = decode(line.encode("latin-1"))
            at_ns = parse_instant_ns(result.timestamp)
        except InvalidInstant as error:
            raise NotReplayable(str(error)) from None
        except ValueError as error:
            raise NotReplayable(f"it is no result of vegeta: {error}") from None
        return recorded(at_ns, result.method, result.url)

    return Rows(numbered_lines(content), read)


def _jtl_reader(names: list[str]) -> Callable[[list[str]], Recorded | None]:
    """Read rows with these columns.

    JMeter does not tell the method. Who records with it calls samplers `POST /path`; where a label does not begin like
    that, it was a GET. The sums that transaction controllers write have no URL; they are no requests.
    """
    time_at, url_at = names.index(JTL_TIME), names.index(JTL_URL)
    label_at = names.index("label") if "label" in names else None

    def read(row: list[str]) -> Recorded | None:
        if len(row) != len(names):
            raise NotReplayable(f"it has {len(row)} fields, and the first line names {len(names)}")
        if row[url_at] in {"", "null"}:
            return None
        method = "GET" if label_at is None else row[label_at].partition(" ")[0]
        return recorded(
            _whole(row[time_at], MILLISECOND, "milliseconds, JMeter's default"),
            method if method in _METHODS else "GET",
            row[url_at],
        )

    return read


def _vegeta_fields(row: list[str]) -> Recorded:
    if len(row) != VEGETA_FIELDS:
        raise NotReplayable(f"it has {len(row)} fields; a result of vegeta has {VEGETA_FIELDS}")
    return recorded(_whole(row[0], 1, "nanoseconds"), row[9], row[10])


def _whole(text: str, unit_ns: int, unit: str) -> int:
    """An instant as a whole number since 1970, in nanoseconds."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) * unit_ns <= _MOST_NS):
        raise NotReplayable(f"the time is {text!r}, which is not in {unit}")
    return int(text) * unit_ns


def _csv_rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with the lines at which they begin.

    Most have no quotes; only the others are left to `csv`, which takes further lines when a quoted field goes on there.
    Vegeta's hold the body of the response, which may be longer than what `csv` takes for a field.
    """
    lines = numbered_lines(content)
    for number, line in lines:
        if '"' not in line:
            yield number, line.split(",")
            continue
        try:
            yield number, next(csv.reader(chain([f"{line}\n"], (f"{more}\n" for _, more in lines)), strict=True))
        except csv.Error as error:
            raise NotReplayable(f"line {number}: {error}") from None
