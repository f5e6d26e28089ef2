"""Going through the hot path before it counts.

The first run of a piece of code costs many times what it costs later: the interpreter has not specialised it yet, the
first call of a numpy function sets it up, and in a process that was forked each page of memory is copied when it is
first written to, which includes counting references. Without a warm-up, the first second of an attack at 10 000/s has
hits that are 30 ms late.
"""

from typing import Final

from load_tester.domain.duration import MICROSECOND, SECOND
from load_tester.domain.pacer import ConstantPacer, Share
from load_tester.domain.request import Request
from load_tester.engine.assignment import Assignment, Payloads, Timing
from load_tester.engine.attacker import Attacker
from load_tester.engine.http import round_maker
from load_tester.engine.virtual import VirtualTarget, VirtualTime

HITS: Final = 300
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


def warm_up() -> None:
    """Run small attacks of a virtual target, on virtual time: one with a schedule, one without.

    Their requests are our own: a test type's would use up its random numbers, and may do anything.
    """
    for pacer in (ConstantPacer(HITS, SECOND), None):
        time = VirtualTime()
        target = VirtualTarget(time, lambda now, _: (_ANSWER, now + 10 * MICROSECOND))
        attacker = Attacker(
            Assignment(pacer, Share(0, 1), SECOND if pacer else HITS * 10 * MICROSECOND, SECOND, 4),
            Payloads(lambda seq, _: Request("POST", f"/{seq}", (), b"{}"), round_maker("", "")),
            Timing(time.clock, time.alarm),
            make_dialer=target.dialer,
            on_done=lambda: None,
            on_failure=lambda _: None,
        )
        start_ns = time.now_ns
        attacker.start(start_ns, 0)
        for tenth in range(11):
            time.run(start_ns + tenth * SECOND // 10)
            attacker.book()
            attacker.recorder.take()
        attacker.stop()
        attacker.close()
