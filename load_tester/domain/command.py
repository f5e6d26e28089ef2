"""The wire form of an attack: what `POST /command` takes, read once and completely into a `Command`."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from load_tester.domain.attack import SEEDED_EPOCH_NS
from load_tester.domain.duration import DAY, HOUR, SECOND, InvalidDuration, format_ns, parse_ns
from load_tester.domain.fitting import suggestion
from load_tester.domain.instant import InvalidInstant, format_instant_ns, parse_instant_ns
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.schema import DURATION_PATTERN
from load_tester.domain.strict_json import InvalidJson, read_json
from load_tester.domain.test_type import (
    InvalidParams,
    Registry,
    UnknownTestType,
    match_keys,
    split_path,
)

MAX_RATE: Final = 10_000_000
"""Hits per second; more cannot be sent, so a higher number is a mistake."""
MAX_DURATION_NS: Final = 366 * DAY
MAX_TIMEOUT_NS: Final = HOUR
"""What the histograms can hold."""
MAX_CONNECTIONS: Final = 65_535
MAX_WORKERS: Final = 256
MAX_SEED: Final = 2**63 - 1
NOW: Final = "now"


class InvalidCommand(ValueError):
    """A command that is not accepted: `message` says why, `path` where, like `$.params.startedRange`."""

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class CommandDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What commands mean that do not say otherwise: `timeout_ns` per hit, connections of the whole attack, workers.

    `workers` is `None` to let the engine choose.
    """

    timeout_ns: int = 30 * SECOND
    max_connections: int = 1000
    workers: int | None = None


DEFAULTS: Final = CommandDefaults()


class StopRequest(msgspec.Struct, frozen=True):
    """A command without a duration: a request to stop the attack that runs, as upstream has it."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was checked; fields are those of `Order`.

    `params` is complete, with every default of the test type filled in. `seed` is `None` when the command has none;
    `epoch_ns` is what payloads take for now at the start, `None` for the true time.
    """

    test_type: str
    duration_ns: int
    num_messages: int
    per_ns: int = SECOND
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    name: str = ""
    description: str = ""
    labels: tuple[tuple[str, ...], ...] = ()
    timeout_ns: int = 30 * SECOND
    max_connections: int = 1000
    workers: int | None = None
    seed: int | None = None
    epoch_ns: int | None = None

    @property
    def pacer(self) -> ConstantPacer | None:
        """The schedule; `None` when there is none because the rate is unlimited."""
        return ConstantPacer(self.num_messages, self.per_ns) if self.num_messages else None

    def wire(self, seed: int) -> dict[str, Any]:
        """The command as `POST /command` takes it again for the same attack, complete; `seed` is the one in use."""
        wire: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "testType": self.test_type,
            "attackDuration": format_ns(self.duration_ns),
            "numMessages": self.num_messages,
            "per": format_ns(self.per_ns),
            "params": self.params,
            "labels": [list(label) for label in self.labels],
            "timeout": format_ns(self.timeout_ns),
            "maxConnections": self.max_connections,
            "seed": seed,
            "payloadTime": NOW if self.epoch_ns is None else format_instant_ns(self.epoch_ns),
        }
        if self.workers is not None:
            wire["workers"] = self.workers
        return wire


def _whole(low: int, high: int, meaning: str) -> Meta:
    """What a whole number of a command means; its range is checked by `_check_range`, in words."""
    limits = f"{low} to {high}"
    return Meta(description=meaning, extra_json_schema={"minimum": low, "maximum": high}, extra={"limits": limits})


def _span(limits: str, meaning: str, *, may_be_empty: bool = False) -> Meta:
    """What a duration of a command means."""
    pattern = f"^$|{DURATION_PATTERN}" if may_be_empty else DURATION_PATTERN
    schema = {"pattern": pattern, "examples": ["1m30s"]}
    return Meta(description=meaning, extra_json_schema=schema, extra={"kind": "duration", "limits": limits})


class WireCommand(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """An attack, as JSON. `null` is the same as leaving a key out, and keys match without regard to case."""

    test_type: Annotated[
        str | None, Meta(description="The test type: what is sent. Required, unless the command is a stop request.")
    ] = None
    attack_duration: Annotated[
        str | None,
        _span(
            f"up to {format_ns(MAX_DURATION_NS)}",
            "How long: hits are due from 0 up to but not including it. Absent, empty or zero, it is a stop request.",
            may_be_empty=True,
        ),
    ] = None
    num_messages: Annotated[
        int | None,
        Meta(
            description="Hits in every `per`, evenly spaced. 0 or absent: as fast as the target answers.",
            extra_json_schema={"minimum": 0},
            extra={"limits": f"0 to {MAX_RATE} per second"},
        ),
    ] = None
    per: Annotated[str | None, _span("above 0s", "The time in which `numMessages` hits are due. Absent: `1s`.")] = None
    params: Annotated[
        dict[str, Any] | None, Meta(description="Parameters of the test type.", extra={"kind": "object"})
    ] = None
    name: Annotated[str | None, Meta(description="For people, to find the run again.")] = None
    description: Annotated[str | None, Meta(description="For people.")] = None
    labels: Annotated[
        tuple[tuple[str, ...], ...] | None, Meta(description="For programs: lists of texts, kept with the run.")
    ] = None
    timeout: Annotated[
        str | None,
        _span(
            f"above 0s, up to {format_ns(MAX_TIMEOUT_NS)}",
            "How long a hit may take, counted from when it was due. Absent: the daemon's `--timeout`.",
        ),
    ] = None
    max_connections: Annotated[
        int | None,
        _whole(1, MAX_CONNECTIONS, "Connections, or records in flight, at once, in all. Absent: the daemon's."),
    ] = None
    workers: Annotated[
        int | None,
        _whole(1, MAX_WORKERS, "Attack worker processes. Absent: the daemon's, or as many as the rate needs."),
    ] = None
    seed: Annotated[
        int | None,
        _whole(0, MAX_SEED, "Of all randomness: the same command, seed and number of workers send the same bytes."),
    ] = None
    payload_time: Annotated[
        str | None,
        Meta(
            description="What timestamps in payloads take for now at the start. "
            "Absent: the true time, or with a `seed` 2025-01-01T00:00:00Z.",
            extra={"kind": 'instant or `"now"`'},
        ),
    ] = None


KEYS: Final = tuple(field.encode_name for field in msgspec.structs.fields(WireCommand))
"""The keys of a command."""


def decode_command(body: bytes, registry: Registry, defaults: CommandDefaults = DEFAULTS) -> Command | StopRequest:
    """Read and check a command; keys match without regard to case, `null` means absent.

    A stop request is recognised by its duration. What else it says must be right, too: a command that lacks its
    duration and has other faults was not meant to stop anything.

    Raises:
        InvalidCommand: it is not JSON, or a key, type, value, test type or parameter is wrong.
    """
    wire = _read(body)
    duration_ns = _duration(wire.attack_duration or "0", "$.attackDuration")
    settings = _settings(wire, defaults)
    if duration_ns == 0:
        if wire.test_type:
            _test_type(wire, registry)
            _params(wire, registry)
        return StopRequest()
    _check_range("attackDuration", duration_ns, 1, MAX_DURATION_NS, format_ns)
    return Command(
        test_type=_test_type(wire, registry),
        duration_ns=duration_ns,
        params=_params(wire, registry),
        name=wire.name or "",
        description=wire.description or "",
        labels=wire.labels or (),
        **settings,
    )


def _settings(wire: WireCommand, defaults: CommandDefaults) -> dict[str, Any]:
    """The fields of a `Command` that are numbers and times, but for the duration."""
    num_messages = wire.num_messages or 0
    if num_messages < 0:
        raise InvalidCommand("numMessages must not be negative; 0 means as fast as the target answers", "$.numMessages")
    timeout_ns = defaults.timeout_ns if wire.timeout is None else _duration(wire.timeout, "$.timeout")
    _check_range("timeout", timeout_ns, 1, MAX_TIMEOUT_NS, format_ns)
    connections = _number(wire.max_connections, "maxConnections", 1, MAX_CONNECTIONS)
    return {
        "num_messages": num_messages,
        "per_ns": _per_ns(wire, num_messages),
        "timeout_ns": timeout_ns,
        "max_connections": connections or defaults.max_connections,
        "workers": _number(wire.workers, "workers", 1, MAX_WORKERS) or defaults.workers,
        "seed": _number(wire.seed, "seed", 0, MAX_SEED),
        "epoch_ns": _epoch_ns(wire),
    }


def _read(body: bytes) -> WireCommand:
    try:
        data = read_json(body)
        if not isinstance(data, dict):
            raise InvalidCommand("a command is a JSON object")
        return msgspec.convert(match_keys(data, KEYS), type=WireCommand)
    except InvalidJson as error:
        raise InvalidCommand(error.message, error.path) from None
    except InvalidParams as error:
        raise InvalidCommand(error.message, f"${error.path}") from None
    except msgspec.ValidationError as error:
        message, path = split_path(str(error))
        raise InvalidCommand(message.replace(" | null`", "`"), f"${path}") from None


def _test_type(wire: WireCommand, registry: Registry) -> str:
    if not wire.test_type:
        known = suggestion("", (test_type.name for test_type in registry))
        raise InvalidCommand(f"testType is missing; {known}", "$.testType")
    try:
        test_type = registry[wire.test_type]
    except UnknownTestType as error:
        raise InvalidCommand(str(error), "$.testType") from None
    if test_type.unavailable:
        raise InvalidCommand(f"test type {test_type.name!r} cannot be run here: {test_type.unavailable}", "$.testType")
    return test_type.name


def _params(wire: WireCommand, registry: Registry) -> dict[str, Any]:
    """The parameters with every default filled in, as JSON has them."""
    test_type = registry[wire.test_type or ""]
    try:
        decoded = test_type.decode(wire.params or {})
    except InvalidParams as error:
        raise InvalidCommand(error.message, f"$.params{error.path}") from error
    return test_type.encode(decoded)


def _per_ns(wire: WireCommand, num_messages: int) -> int:
    per_ns = SECOND if wire.per is None else _duration(wire.per, "$.per")
    if per_ns <= 0:
        raise InvalidCommand("per must be more than 0; leave it out for 1s", "$.per")
    if num_messages and ConstantPacer(num_messages, per_ns).rate(0) > MAX_RATE:
        rate = f"{num_messages} per {format_ns(per_ns)}"
        raise InvalidCommand(f"{rate} is more than {MAX_RATE} hits per second, the most there is", "$.numMessages")
    return per_ns


def _epoch_ns(wire: WireCommand) -> int | None:
    """What counts as now at the start; without a word about it the true time, but a fixed one with a seed."""
    if wire.payload_time is None:
        return None if wire.seed is None else SEEDED_EPOCH_NS
    if wire.payload_time.lower() == NOW:
        return None
    try:
        return parse_instant_ns(wire.payload_time)
    except InvalidInstant as error:
        raise InvalidCommand(f"{error}, or {NOW!r}", "$.payloadTime") from None


def _duration(text: str, path: str) -> int:
    try:
        return parse_ns(text)
    except InvalidDuration as error:
        raise InvalidCommand(str(error), path) from None


def _number(value: int | None, name: str, low: int, high: int) -> int | None:
    if value is not None:
        _check_range(name, value, low, high, str)
    return value


def _check_range(name: str, value: int, low: int, high: int, show: Any) -> None:
    if not low <= value <= high:
        raise InvalidCommand(f"{name} must be between {show(low)} and {show(high)}, not {show(value)}", f"$.{name}")
