"""What scripts can say: the builtins that add steps, with their arguments checked where they are given."""

from decimal import Decimal
from typing import Any, Final

import httpx

from load_starter.plan import AttackTest, ExternalCommand, LocustTest, Place, Plan, Sleep, Step
from load_starter.value import from_script
from load_tester.domain.command import MAX_CONNECTIONS, MAX_SEED
from load_tester.domain.duration import (
    DAY,
    HOUR,
    MICROSECOND,
    MILLISECOND,
    MINUTE,
    NANOSECOND,
    SECOND,
    Duration,
    InvalidDuration,
)

CONSTANTS: Final = {
    "Nanosecond": NANOSECOND,
    "Microsecond": MICROSECOND,
    "Millisecond": MILLISECOND,
    "Second": SECOND,
    "Minute": MINUTE,
    "Hour": HOUR,
    "Day": DAY,
}
"""The durations that scripts know by name."""

MAX_INT: Final = 2**63 - 1
_INT64: Final = range(-MAX_INT - 1, MAX_INT + 1)


class Mistake(Exception):
    """Something in a script that cannot be; the message is one sentence, the place is known to the caller."""


def duration_of(value: Any, name: str) -> Duration:
    """A duration from what a script gives for the argument `name`: a duration (here a Decimal) or Go's text form.

    Raises:
        Mistake: it is neither.
    """
    match value:
        case Decimal():
            return from_script(value)
        case str():
            try:
                return Duration.parse(value)
            except InvalidDuration as error:
                raise Mistake(f"{name}: {error}") from None
    raise Mistake(f'{name} must be a duration like 30 * Second or "30s", not {_a(value)}')


def load_tester_url(text: str) -> str:
    """The base URL of a load tester, without slashes at its end.

    Raises:
        Mistake: it is not an http or https URL with a host.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise Mistake(f"{text!r} is not a URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise Mistake(f"{text!r} is not the URL of a load tester; write it like http://127.0.0.1:8000")
    return text.rstrip("/")


class Vocabulary:
    """Adds steps while a script runs; owns the list of them and the load tester's URL as it is set at the moment."""

    def __init__(self, load_server: str) -> None:
        self._load_server = load_server
        self._url: str | None = load_server
        self._steps: list[Step] = []

    def plan(self) -> Plan:
        """The steps added so far."""
        return Plan(tuple(self._steps))

    def reset_url(self) -> None:
        """Send the tests that follow to the load tester of the command line again."""
        self._url = self._load_server

    def set_url(self, url: str | None) -> None:
        """Send the tests that follow to this load tester; `None` or an empty text leaves them without one."""
        self._url = load_tester_url(url) if url else None

    def add_attack(
        self, place: Place, duration: Any, test_type: Any, freq: Any, per: Any, config: Any, options: dict[str, Any]
    ) -> None:
        """Add a test that a load tester runs.

        `options` holds the other arguments of `add_vegeta_test` that are given; `name`, `description`, `url` as texts.
        """
        if not isinstance(test_type, str) or not test_type:
            raise Mistake(f"test_type must be the name of a test type, not {_a(test_type)}")
        if not isinstance(config, dict):
            raise Mistake(f"config must be a dict, {{}} for all defaults, not {_a(config)}")
        url = load_tester_url(options["url"]) if options.get("url") else self._url
        if url is None:
            raise Mistake("the test has no URL: give it one with url=, or call set_load_tester_url before it")
        timeout, max_connections, seed = (options.get(key) for key in ("timeout", "max_connections", "seed"))
        self._steps.append(
            AttackTest(
                place=place,
                url=url,
                duration=_positive(duration, "duration"),
                test_type=test_type,
                num_messages=_whole(freq, "freq"),
                per=_positive(per, "per"),
                params=_object(config, "config"),
                name=options.get("name", ""),
                description=options.get("description", ""),
                labels=_labels(options.get("labels", [])),
                timeout=None if timeout is None else _positive(timeout, "timeout"),
                max_connections=None
                if max_connections is None
                else _whole(max_connections, "max_connections", 1, MAX_CONNECTIONS),
                seed=None if seed is None else _whole(seed, "seed", 0, MAX_SEED),
                payload_time=_instant(options.get("payload_time")),
                produce_report=_truth(options.get("produce_report", True), "produce_report"),
            )
        )

    def add_locust(self, place: Place, duration: Any, users: Any, options: dict[str, Any]) -> None:
        """Add a test for a Locust server, which will not be run."""
        if "spawn_rate" in options and type(options["spawn_rate"]) is not int:
            raise Mistake(f"spawn_rate must be a whole number, not {_a(options['spawn_rate'])}")
        self._steps.append(
            LocustTest(
                place=place,
                duration=_positive(duration, "duration"),
                users=_whole(users, "users", 1),
                name=options.get("name", ""),
            )
        )

    def add_sleep(self, place: Place, duration: Any) -> None:
        """Add a pause."""
        pause = duration_of(duration, "duration")
        if pause.ns < 0:
            raise Mistake(f"a sleep cannot last {pause}")
        self._steps.append(Sleep(place=place, duration=pause))

    def add_external(self, place: Place, argv: Any) -> None:
        """Add a program to be run."""
        if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
            raise Mistake('the command must be a list of strings with the program first, like ["echo", "hello"]')
        if not argv[0] or any("\0" in word for word in argv):
            raise Mistake("the command must name a program, and its words cannot hold NUL characters")
        self._steps.append(ExternalCommand(place=place, argv=tuple(argv)))


def _positive(value: Any, name: str) -> Duration:
    duration = duration_of(value, name)
    if duration.ns <= 0:
        raise Mistake(f"{name} must be above zero, not {duration}")
    return duration


def _instant(value: Any) -> str | None:
    """What payloads take for now; the load tester reads the instant itself."""
    if value is not None and not isinstance(value, str):
        raise Mistake(f"payload_time must be 'now' or an instant like '2025-01-02T15:04:05Z', not {_a(value)}")
    return value


def _whole(value: Any, name: str, least: int = 0, most: int = MAX_INT) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Mistake(f"{name} must be a whole number, not {_a(value)}")
    if not least <= value <= most:
        raise Mistake(f"{name} must be at least {least} and at most {most}, not {value}")
    return value


def _truth(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise Mistake(f"{name} must be True or False, not {_a(value)}")
    return value


def _labels(value: Any) -> tuple[tuple[str, ...], ...]:
    """Labels from a dict of texts, or from a list of lists of a label and at least one value."""
    if isinstance(value, dict):
        value = [[key, text] for key, text in value.items()]
    if not isinstance(value, list):
        raise Mistake(f'labels must be a dict like {{"team": "ingest"}} or a list of lists, not {_a(value)}')
    for index, label in enumerate(value):
        if not isinstance(label, list) or len(label) < 2 or not all(isinstance(text, str) for text in label):
            raise Mistake(f'labels[{index}] must be a label with at least one text for it, like ["team", "ingest"]')
    return tuple(tuple(label) for label in value)


def _plain(value: Any, path: str) -> Any:
    """The JSON form of a value of a script: durations become Go's text form.

    Raises:
        Mistake: it has none; the message names the place inside of the value.
    """
    match value:
        case None | bool() | str() | float():
            return value
        case Decimal():
            return str(from_script(value))
        case int():
            if value not in _INT64:
                raise Mistake(f"{path}: {value} does not fit into 64 bits")
            return value
        case list():
            return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
        case dict():
            return _object(value, path)
    raise AssertionError(f"{path}: the interpreter hands over nothing else")


def _object(value: dict[Any, Any], path: str) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise Mistake(f"{path}: the keys must be strings, not {_a(key)}")
    return {key: _plain(item, f"{path}.{key}") for key, item in value.items()}


def _a(value: Any) -> str:
    """A value as a message names it: its type in Starlark's words, and itself when it is short."""
    match value:
        case None:
            return "None"
        case Decimal():
            return f"the duration {from_script(value)}"
        case str():
            return f"the string {value!r}" if len(value) <= 40 else "a string"
        case bool() | int() | float():
            return f"the {type(value).__name__} {value}"
    return f"a {type(value).__name__}"
