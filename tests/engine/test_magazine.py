"""Requests that are made again and again are written once."""

from load_tester.domain.duration import SECOND
from load_tester.domain.pacer import ALL_HITS, ConstantPacer
from load_tester.domain.request import Request
from load_tester.engine.assignment import Assignment, Payloads
from load_tester.engine.http import round_maker
from load_tester.engine.magazine import Magazine
from load_tester.engine.transport import Round


def test_repeated_requests_are_written_once_and_others_each_time() -> None:
    """What is sent is the same; a request that is only equal to a repeated one is written like any other."""
    repeated = [Request("GET", f"/{number}", target=number) for number in range(3)]
    written: list[Request] = []
    round_of = round_maker("target", "")

    def encode(request: Request) -> Round:
        written.append(request)
        return round_of(request)

    def request(seq: int, _now_ns: int) -> Request:
        return repeated[seq % 3] if seq < 30 else Request(*repeated[seq % 3])

    payloads = Payloads(request, encode, repeated=repeated)
    magazine = Magazine(payloads, Assignment(ConstantPacer(100_000, SECOND), ALL_HITS, SECOND, SECOND, 10))
    made: list[Round] = []
    while len(made) < 33:
        magazine.load(len(made), 0, 0)
        made.append(magazine.rounds.popleft())
        while magazine.rounds:
            made.append(magazine.rounds.popleft())
    assert made[:33] == [round_of(repeated[seq % 3]) for seq in range(33)]
    assert written[:3] == repeated
    assert len(written) == 3 + len(made) - 30
