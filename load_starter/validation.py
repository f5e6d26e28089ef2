"""Finds out what load testers think of a plan before any of it runs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import anyio
import httpx

from load_starter.client import CommandRefused, LoadTester, Unreachable, Verdict
from load_starter.clock import Clock, SystemClock
from load_starter.plan import AttackTest, Place, Plan

_ARGUMENTS: Final = {
    "testType": "test_type",
    "attackDuration": "duration",
    "numMessages": "freq",
    "params": "config",
    "maxConnections": "max_connections",
    "payloadTime": "payload_time",
}
"""The arguments of `add_vegeta_test` whose names are not those of the command's keys."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that a load tester finds wrong with a test.

    Attributes:
        place: where the test is made.
        title: what it is called.
        message: what is wrong, and with which argument.
        others: how many more tests made there have the same flaw: a loop makes many.
    """

    place: Place
    title: str
    message: str
    others: int = 0

    def __str__(self) -> str:
        more = f" ({self.others} more of the tests made there have this, too)" if self.others else ""
        return f"{self.place}: {self.title}: {self.message}{more}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about a plan.

    Attributes:
        valid: how many tests would be accepted.
        flaws: what is wrong with the others, in the order of the plan.
        silent: the load testers that could not be asked, each with the reason in a sentence, and how many tests that
            concerns.
    """

    valid: int = 0
    flaws: tuple[Flaw, ...] = ()
    silent: dict[str, tuple[str, int]] = field(default_factory=dict)


async def validate(plan: Plan, http: httpx.AsyncClient, clock: Clock | None = None) -> Findings:
    """Ask the load testers of a plan about its tests, each about its own; nothing is started.

    `clock` waits between attempts.
    """
    sleep = (clock or SystemClock()).sleep
    tests = [step for step in plan.steps if isinstance(step, AttackTest)]
    verdicts: dict[int, Verdict] = {}
    silent: dict[str, tuple[str, int]] = {}

    async def ask(url: str) -> None:
        numbers = [number for number, test in enumerate(tests) if test.url == url]
        try:
            found = await LoadTester(url, http, sleep).validate([tests[number].command() for number in numbers])
        except Unreachable as unreachable:
            silent[url] = (str(unreachable), len(numbers))
        except CommandRefused as refusal:
            silent[url] = (f"{url} does not say what it would accept: {refusal}", len(numbers))
        else:
            if found is None:
                silent[url] = (f"{url} is a load tester that cannot validate", len(numbers))
            else:
                verdicts.update(zip(numbers, found, strict=True))

    async with anyio.create_task_group() as asking:
        for url in dict.fromkeys(test.url for test in tests):
            asking.start_soon(ask, url)
    judged = [(tests[number], verdicts[number]) for number in sorted(verdicts)]
    valid = sum(verdict.error is None for _, verdict in judged)
    return Findings(valid, tuple(_flaws(judged)), dict(sorted(silent.items())))


def _flaws(judged: Iterable[tuple[AttackTest, Verdict]]) -> Iterable[Flaw]:
    titles: dict[tuple[Place, str], list[str]] = {}
    for test, verdict in judged:
        if verdict.error is not None:
            titles.setdefault((test.place, _message(verdict.error, verdict.path)), []).append(test.title)
    for (place, message), named in titles.items():
        yield Flaw(place, named[0], message, len(named) - 1)


def _message(error: str, path: str | None) -> str:
    """What is wrong, with the argument of the script that it is about."""
    key, dot, rest = (path or "$").removeprefix("$").removeprefix(".").partition(".")
    return f"{error} (at {_ARGUMENTS.get(key, key)}{dot}{rest})" if key else error
