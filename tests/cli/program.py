"""The real programs as processes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from load_tester.domain.duration import format_ns

LIMIT_S = 60
"""A program that takes longer hangs."""


class Ended(NamedTuple):
    """How a program ended, and what it wrote."""

    status: int
    out: str
    err: str


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of the tests without what could set options, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOAD_TESTER_")}
    return {**kept, **(more or {})}


@asynccontextmanager
async def started(*argv: object, env: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """`load-tester` with these arguments, started; killed when the test is left before it ends."""
    command = [sys.executable, "-m", "load_tester", *map(str, argv)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment(env))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ending(process: Process, stdin: bytes = b"") -> Ended:
    """Wait for the end of a program that was started."""
    async with asyncio.timeout(LIMIT_S):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def run(*argv: object, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ended:
    """`load-tester` with these arguments, from start to end."""
    async with started(*argv, env=env) as process:
        return await ending(process, stdin)


async def line(stream: asyncio.StreamReader | None) -> str:
    """The next line that a program writes."""
    assert stream is not None
    async with asyncio.timeout(LIMIT_S):
        return (await stream.readline()).decode().rstrip("\n")


def attack(
    url: str, data_dir: object, *more: object, rate: str = "100/1s", duration_ns: int = 500_000_000
) -> list[str]:
    """The arguments of an attack with sessions: 50 of them, unless said otherwise."""
    fixed = ["attack", "-t", url, "--data-dir", data_dir, "--rate", rate, "--duration", format_ns(duration_ns)]
    kind = [] if "--type" in more else ["--type", "session"]
    return [*map(str, fixed), *kind, *map(str, more)]
