"""Rows of values from a file: CSV with a line of names, or one JSON object a line."""

import csv
import io
from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random
from typing import Any, Final, Literal

import msgspec

from load_tester.domain.pacer import Share

MAX_ROWS: Final = 500_000
"""Each worker keeps all of them in memory."""

RowFormat = Literal["csv", "jsonLines"]
RowOrder = Literal["sequential", "random", "uniquePerWorker"]

Chooser = Callable[[int, int], int]
"""`(seq, now_ns)` → the number of the row of a hit."""

ENDINGS: Final[dict[str, RowFormat]] = {".csv": "csv", ".jsonl": "jsonLines", ".ndjson": "jsonLines"}
"""Formats by the ends of the names of files."""


class InvalidRows(ValueError):
    """A file that holds no rows; the message says which line is wrong, and why."""


def columns_of(content: bytes, form: RowFormat) -> dict[str, list[Any]]:
    """The values of each column, by its name, in the order of the rows; of a CSV file all are texts.

    Blank lines are skipped. There is at least one column and one row.

    Raises:
        InvalidRows: the file is not UTF-8, has no rows or too many, a name is missing or comes twice, or a row has
            other columns than the first line says.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidRows(f"line {line} is not UTF-8") from None
    names, rows = _csv(text) if form == "csv" else _json_lines(text)
    found = []
    for row in rows:
        found.append(row)
        if len(found) > MAX_ROWS:
            raise InvalidRows(f"there are more than {MAX_ROWS} rows")
    if not found:
        raise InvalidRows("there are no rows")
    return {name: list(values) for name, values in zip(names, zip(*found, strict=True), strict=True)}


def chooser(order: RowOrder, count: int, share: Share, random: Random) -> Chooser:
    """Which of `count` rows each hit gets; asked twice about a hit, it answers the same.

    Raises:
        InvalidRows: rows are to be used by one worker only, and there is none for this one.
    """
    if order == "sequential":
        return lambda seq, _now_ns: seq % count
    if order == "random":
        draw = random.random
        return lru_cache(1)(lambda _seq, _now_ns: int(draw() * count))
    # Hit n is sent by the worker of the remainder n mod step, which has the rows with the same remainder.
    step = share.step
    first = share.first % step
    own = len(range(first, count, step))
    if not own:
        raise InvalidRows(f"there are {count} rows, too few for {step} workers")
    return lambda seq, _now_ns: first + step * (seq // step % own)


def _csv(text: str) -> tuple[list[str], Iterator[list[str]]]:
    lines = _csv_lines(text)
    first, names = next(lines, (1, []))
    _check_names(names, first)

    def rows() -> Iterator[list[str]]:
        for line, row in lines:
            if len(row) != len(names):
                raise InvalidRows(f"line {line} has {len(row)} values, but line {first} names {len(names)} columns")
            yield row

    return names, rows()


def _csv_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank, each with the number of the line on which it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InvalidRows(f"line {reader.line_num} is not CSV: {error}") from None
        if row is None:
            return
        if row:
            yield reader.line_num, row


def _check_names(names: list[str], line: int) -> None:
    if not names:
        raise InvalidRows(f"line {line} names no columns")
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise InvalidRows(f"line {line} has no name for column {number}")
        if "}" in name:
            raise InvalidRows(f"the column {name!r} has a brace in its name, so no template can name it")
        if name in names[: number - 1]:
            raise InvalidRows(f"two columns are named {name!r}")


def _json_lines(text: str) -> tuple[list[str], Iterator[list[Any]]]:
    lines = _json_objects(text)
    number, first = next(lines, (1, {}))
    names = list(first)
    _check_names(names, number)

    def rows() -> Iterator[list[Any]]:
        yield list(first.values())
        for line, row in lines:
            if row.keys() != first.keys():
                raise InvalidRows(
                    f"line {line} has the members {', '.join(row) or 'none'}, but line {number} has {', '.join(names)}"
                )
            yield [row[name] for name in names]

    return names, rows()


def _json_objects(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, decoder.decode(line)
            except (msgspec.DecodeError, RecursionError) as error:
                raise InvalidRows(f"line {number} is no JSON object: {error}") from None
