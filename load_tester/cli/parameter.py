"""What the words of a command line mean: durations, rates, ports, log levels, delays."""

import logging
from typing import Any, Final, NamedTuple

import click

from load_tester.domain.duration import SECOND, InvalidDuration, format_ns, parse_ns
from load_tester.domain.target import InvalidTarget, parse_target
from load_tester.sink.delay import Delay, InvalidDelay, parse_delay

LEVELS: Final = {
    logging.DEBUG: ("debug", "dbg", "d", "trace", "trc", "t"),
    logging.INFO: ("info", "inf", "i"),
    logging.WARNING: ("warning", "warn", "w"),
    logging.ERROR: ("error", "err", "e"),
    logging.CRITICAL: ("fatal", "f", "panic", "p"),
    logging.CRITICAL + 10: ("disabled", "disable", "dis"),
}
"""The names of the log levels, with the short forms that go-load-tester knows."""


class Rate(NamedTuple):
    """So many hits per so many nanoseconds; 0 hits stand for as many as the target answers."""

    num_messages: int
    per_ns: int


UNLIMITED: Final = Rate(0, SECOND)


class DurationType(click.ParamType[int]):
    """A duration in Go's syntax, as nanoseconds, at least `low_ns`."""

    name = "duration"

    def __init__(self, low_ns: int = 0) -> None:
        self.low_ns = low_ns

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; see `click.ParamType`."""
        if isinstance(value, int):
            return value
        try:
            ns = parse_ns(value)
        except InvalidDuration as error:
            self.fail(str(error), param, ctx)
        if ns < self.low_ns:
            self.fail(f"{value!r} is less than {format_ns(self.low_ns)}", param, ctx)
        return ns


class RateType(click.ParamType[Rate]):
    """`100`, `100/1s`, `100/s`, `6/m`, `0`."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Rate:
        """Read it; see `click.ParamType`."""
        if isinstance(value, Rate):
            return value
        number, slash, per = value.partition("/")
        if not (number.isascii() and number.isdigit() and len(number) <= 18):
            self.fail(f"{value!r} is not a rate; write it like 100/1s, 100 (per second), or 0 (unlimited)", param, ctx)
        per_ns = SECOND
        if slash:
            try:
                per_ns = parse_ns(f"1{per}" if per[:1].isalpha() else per)
            except InvalidDuration as error:
                self.fail(f"{value!r} is not a rate: {error}", param, ctx)
            if per_ns <= 0:
                self.fail(f"{value!r} is not a rate: the time must be more than 0", param, ctx)
        return Rate(int(number), per_ns)


class PortType(click.IntRange):
    """A port to listen on; 0 for any that is free."""

    name = "port"

    def __init__(self) -> None:
        super().__init__(0, 65535)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it; see `click.ParamType`.

        Kubernetes puts `LOAD_TESTER_PORT=tcp://10.0.0.1:8000` into every container beside a service that is called
        load-tester; that is not meant for us.
        """
        if isinstance(value, str) and value.startswith("tcp://") and param is not None and ctx is not None:
            value = param.get_default(ctx)
        return super().convert(value, param, ctx)


class TargetType(click.ParamType[str]):
    """A URL that can be attacked, checked and otherwise unchanged."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it; see `click.ParamType`."""
        url = str(value)
        try:
            parse_target(url)
        except InvalidTarget as error:
            self.fail(str(error), param, ctx)
        return url


class LevelType(click.ParamType[int]):
    """The name of a log level, as the number that `logging` has for it."""

    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; see `click.ParamType`."""
        if isinstance(value, int):
            return value
        found = [level for level, names in LEVELS.items() if value.lower() in names]
        if not found:
            self.fail(f"{value!r} is none of {', '.join(names[0] for names in LEVELS.values())}", param, ctx)
        return found[0]


class DelayType(click.ParamType[Delay]):
    """How long the sink waits before it answers."""

    name = "delay"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Delay:
        """Read it; see `click.ParamType`."""
        if isinstance(value, Delay):
            return value
        try:
            return parse_delay(value)
        except InvalidDelay as error:
            self.fail(str(error), param, ctx)


class LabelType(click.ParamType[tuple[str, ...]]):
    """`key=value`, as a tuple; the value may hold further signs of equality."""

    name = "label"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Read it; see `click.ParamType`."""
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not a label; write it like env=staging", param, ctx)
        return key, text
