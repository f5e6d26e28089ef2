"""How fast payloads are made, on one core, beside a generator that encodes a tree of dicts per payload.

Speeds are payloads per second of CPU time, so that other work on the machine does not count against them. The peer
makes payloads of the same shape in the plain way (`peer_payload.py`) and is encoded once with `json` and once with
msgspec; the ratio to it is the figure that carries over to other machines. What is always the same has no peer, nor has
what is nearly all signing or looking up. The size of a payload is that of the body, or of a record's value.

Run it with `python -m bench.generation`.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from bench.cases import CASES, LINES, Case, access_log
from bench.row import Row
from load_tester.domain.command import MAX_DURATION_NS
from load_tester.domain.request import Record, RequestMaker, Response, Sendable, Targeter
from test_types.trace import Choice, read_trace

REPEATS: Final = 9
REPEAT_S: Final = 0.25
"""CPU seconds of one repeat, about."""

START_NS: Final = 1_735_830_245_123_456_789
INTERVAL_NS: Final = 20_000
"""From hit to hit, as at 50 000 hits per second."""
SIZED: Final = 1_000
"""So many payloads are looked at to say how large one is."""
READ_LINES: Final = 50_000
"""So many must be read per second: then a log of 16 MiB is read in two."""
ANSWERS: Final = 10_000
"""So many different ones a test type that learns from responses is shown."""


def ours(case: Case) -> RequestMaker:
    """The test type's own generator."""
    targeter = built(case)
    request, observe, answer = targeter.request, targeter.observe, case.answer
    if case.test_type.schedule is not None:
        hits = case.test_type.schedule(case.test_type.decode(case.params), case.context).hits(MAX_DURATION_NS)
        return lambda seq, now_ns: request(seq % hits, now_ns)
    if observe is None or answer is None:
        return request
    # The answers come from a twin, so that making them is not measured.
    twin = built(case).request
    answers = [answer(twin(seq, START_NS + seq * INTERVAL_NS)) for seq in range(ANSWERS)]

    def learning(seq: int, now_ns: int) -> object:
        made = request(seq, now_ns)
        observe(Response(seq, 200, (), answers[seq % ANSWERS]))
        return made

    return learning


def built(case: Case) -> Targeter:
    """The targeter of a single worker."""
    return case.test_type.build(case.test_type.decode(case.params), case.context)


def size_bytes(make: RequestMaker) -> float:
    """How large a body is, or the value of a record, on average."""
    return statistics.fmean(len(_content(make(seq, START_NS + seq * INTERVAL_NS))) for seq in range(SIZED))


def _content(made: Sendable) -> bytes:
    return made.value if isinstance(made, Record) else made.body


def speeds(make: Callable[[int, int], object]) -> tuple[float, float]:
    """Payloads per second of CPU time: the best and the median of the repeats."""
    hits = max(10, int(REPEAT_S / _seconds(make, 200) * 200))
    measured = sorted(hits / _seconds(make, hits) for _ in range(REPEATS))
    return measured[-1], statistics.median(measured)


def _seconds(make: Callable[[int, int], object], hits: int) -> float:
    started = time.process_time()
    for seq in range(hits):
        make(seq, START_NS + seq * INTERVAL_NS)
    return time.process_time() - started


def rows() -> Iterator[Row]:
    """What was measured of each case; it is as required when the median reaches that."""
    for case in CASES:
        make = ours(case)
        best, median = speeds(make)
        yield Row(
            what=f"{case.name} payloads per second and core",
            measured=f"{median:,.0f} (best {best:,.0f}), {size_bytes(make):,.0f} bytes each",
            required=f">= {case.required:,}",
            ok=median >= case.required,
            peers=_beside(case, median),
        )
    yield reading()


def reading() -> Row:
    """How fast a trace is read, which happens three times before its first hit."""
    content = access_log()
    spent = []
    for _ in range(REPEATS):
        started = time.process_time()
        read_trace(content, None, Choice())
        spent.append(time.process_time() - started)
    lines_per_s = LINES / statistics.median(spent)
    return Row(
        what="replay lines of an access log read per second",
        measured=f"{lines_per_s:,.0f} (best {LINES / min(spent):,.0f}), {len(content) // LINES} bytes each",
        required=f">= {READ_LINES:,}",
        ok=lines_per_s >= READ_LINES,
    )


def _beside(case: Case, median: float) -> str:
    if case.peer is None:
        return ""
    _, with_json = speeds(case.peer(lambda tree: json.dumps(tree).encode()))
    _, with_msgspec = speeds(case.peer(msgspec.json.encode))
    return (
        f"{median / with_json:.1f} times as fast as dicts through json, "
        f"{median / with_msgspec:.1f} times as fast as dicts through msgspec"
    )


def main() -> None:
    """Print the table."""
    for row in rows():
        print(f"{row.what}: {row.measured}; required {row.required}: {'ok' if row.ok else 'MISSED'}; {row.peers}")


if __name__ == "__main__":
    main()
