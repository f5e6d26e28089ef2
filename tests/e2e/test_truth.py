"""What is reported of a target that stalls, beside what can be computed."""

from pathlib import Path
from typing import Any, Final

from tests.e2e import programs

ATTEMPTS: Final = 3
MILLISECOND: Final = 1_000_000
RATE: Final = 1000
CONNECTIONS: Final = 50
MOSTLY_IDLE: Final = 0.6
"""At 1000 hits per second, the programs leave a machine with two cores this part of its time, and more."""


def truth(waited: int) -> dict[str, float]:
    """The response times of 10 000 hits at 1000/s, of a target that answers none from 2 s to 3 s, in nanoseconds.

    The tenth of the hits that is due in the stall waits for its end, between 0 and 1000 ms, evenly spread: p95 is
    500 ms, p99 900 ms. But then they are answered one after the other, as fast as this machine can, and meanwhile more
    become due. How long one takes is known from how many had to wait for a connection in all: 950 because of the stall,
    and one for each ms until the queue was empty. It is next to nothing where nothing else keeps the machine busy.
    """
    stalled_ms = RATE - CONNECTIONS
    each_ms = max(0, waited - stalled_ms) / waited
    expected_ms = {"p95": 500 + 500 * each_ms, "p99": 900 + 100 * each_ms, "max": 1000}
    return {name: expected * MILLISECOND for name, expected in expected_ms.items()}


def test_a_stall_is_reported_as_users_would_have_felt_it(tmp_path: Path) -> None:
    """Response times are within 2 % of the truth, although only 50 hits could be sent during the stall.

    Where the machine itself kept the load tester from its schedule, as the seconds without a stall and its idle time
    show, the attack is repeated; what disturbed it is in the message when no attempt was left alone.
    """
    disturbed = []
    with (
        programs.sink("--stall-at", "2s", "--stall-for", "1s") as target,
        programs.daemon(target.url, tmp_path, "--max-connections", str(CONNECTIONS)) as control,
    ):
        for _ in range(ATTEMPTS):
            target.reset()
            before = processor_time()
            run = control.finally_of(control.command(duration="10s", rate=RATE))
            figures = run["summary"]
            assert (figures["planned"], figures["sent"], target.requests) == (10_000, 10_000, 10_000)
            assert figures["statusCodes"] == {"200": 10_000}
            assert run["generatorLimited"], "hits had to wait for one of the 50 connections"
            expected = truth(figures["waited"])
            measured = {name: figures["responseTime"][name] for name in expected}
            if all(abs(measured[name] - wanted) <= 0.02 * wanted for name, wanted in expected.items()):
                assert figures["latency"]["p95"] < 100 * MILLISECOND, "latency alone does not show the stall"
                return
            excuses = disturbances(run, before)
            assert excuses, f"{measured} instead of {expected}, and nothing kept the load tester from its schedule"
            disturbed.append(f"{measured} instead of {expected}: {'; '.join(excuses)}")
    raise AssertionError(f"the machine was too busy in each of {ATTEMPTS} attempts: {disturbed}")


def processor_time() -> tuple[int, int]:
    """How much time the processors have spent since the machine was started, in all and idle."""
    spent = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return sum(spent), spent[3] + spent[4]


def disturbances(run: dict[str, Any], before: tuple[int, int]) -> list[str]:
    """What shows that the load tester was kept from its schedule by its machine, and not by the stall."""
    found = [
        f"second {second['second']} had hits {second['figures']['lag']['p99'] / MILLISECOND:.0f} ms late"
        for second in run["timeline"]
        if second["second"] not in (2, 3) and second["figures"]["lag"]["p99"] > 10 * MILLISECOND
    ]
    found += [reason for reason in run["reasons"] if "used up its core" in reason]
    spent, idle = (after - earlier for after, earlier in zip(processor_time(), before, strict=True))
    if idle < spent * MOSTLY_IDLE:
        found.append(f"the machine was idle for only {idle / spent:.0%} of the time")
    return found
