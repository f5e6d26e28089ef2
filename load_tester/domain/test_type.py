"""Test types: what a load test of one kind sends, and the registry that knows them by name."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Generic, Literal, TypeVar

import msgspec

from load_tester.domain.duration import Duration
from load_tester.domain.files import NO_FILES, Files
from load_tester.domain.fitting import fitted, suggestion
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.pacer import ALL_HITS, Pacing, Share
from load_tester.domain.project import MADE_UP_PROJECTS, ProjectProvider
from load_tester.domain.request import Targeter

P = TypeVar("P", bound=msgspec.Struct)

Transport = Literal["http", "kafka"]
"""How requests travel; the engine has one sender for each."""


class UnknownTestType(LookupError):
    """A name under which no test type is registered; the message lists those that are, and a near match."""


class InvalidParams(ValueError):
    """Parameters a test type does not accept.

    `path` says which one, as a JSONPath below the parameters' own root: `.startedRange`, `.labels[0]`, or empty.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What a builder may use besides its parameters.

    Attributes:
        random: the worker's own, seeded from the command's seed; all randomness of the payloads comes from it.
        projects: where Sentry's projects come from.
        share: which of the hits are this worker's. The builder is called with the share (0, 1) for a first request as
            proof, then in each worker; a worker that takes over from another has the same remainder of
            `share.first` by `share.step`.
        files: what is read from them while the attack is checked is carried to the workers, so a builder has to read
            the same files whatever its share.
        target_url: what is attacked; empty where that is not known.
    """

    random: Random
    projects: ProjectProvider = MADE_UP_PROJECTS
    share: Share = ALL_HITS
    files: Files = NO_FILES
    target_url: str = ""


@dataclass(frozen=True, slots=True)
class TestType(Generic[P]):
    """One kind of load test.

    Attributes:
        name: the `testType` of commands.
        summary: one sentence for lists and help texts.
        description: what is sent, in Markdown, for readers who have seen the parameters.
        params: the type of the parameters; field names are camelCase in JSON (`rename="camel"`), unknown ones are
            refused (`forbid_unknown_fields`). Ranges are checked by `msgspec.Meta` and by `check`. Fields of type
            `Duration` are Go duration strings in JSON.
        build: makes the targeter of one worker's part of the attack; it may raise `InvalidParams`.
        hits_per_worker: how many hits per second one attack worker is trusted with by default, from a measurement.
        check: raises `InvalidParams` for parameters that are wrong together; called once when a command arrives.
        transport: how the requests travel; `http` sends a `Request`, `kafka` a `Record`.
        kafka: with the transport `kafka`, and only then: the cluster that the parameters name. Hits of the transport
            `http` go to the target URL.
        most_workers: how many workers can share an attack with these parameters; `None`, or no such function, for no
            limit. It may raise `InvalidParams`.
        schedule: makes the schedule of attacks that have one of their own; it may raise `InvalidParams`.
        unavailable: why this installation cannot run the test type, and what to do about it; empty if it can.

    Raises:
        ValueError: transport and `kafka` do not fit together.
    """

    __test__ = False  # not a test, whatever pytest thinks of its name

    name: str
    summary: str
    params: type[P]
    build: Callable[[P, BuildContext], Targeter]
    hits_per_worker: int = 20_000
    check: Callable[[P], None] | None = None
    description: str = ""
    transport: Transport = "http"
    kafka: Callable[[P], KafkaTarget] | None = None
    most_workers: Callable[[P, BuildContext], int | None] | None = None
    schedule: Callable[[P, BuildContext], Pacing] | None = None
    unavailable: str = ""

    def __post_init__(self) -> None:
        if (self.transport == "kafka") != (self.kafka is not None):
            raise ValueError(f"test type {self.name!r}: `kafka` belongs to the transport kafka, and to no other")

    def decode(self, params: dict[str, Any]) -> P:
        """Read and check parameters, as `fitting` does: keys match without regard to case, `null` means absent.

        Raises:
            InvalidParams: an unknown key, a wrong type or a value out of range.
        """
        try:
            decoded = fitted(params, self.params, _from_builtin)
        except msgspec.ValidationError as error:
            raise InvalidParams(*split_path(str(error))) from error
        try:
            self.encode(decoded)
        except UnicodeEncodeError as error:
            raise InvalidParams(f"a text holds half of a surrogate pair: {error.object!r}") from error
        if self.check is not None:
            self.check(decoded)
        return decoded

    def encode(self, params: P) -> dict[str, Any]:
        """Parameters as plain JSON values, every one of them; `decode` makes equal parameters of them."""
        encoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(params, enc_hook=_to_builtin))
        return encoded

    def field_names(self) -> tuple[str, ...]:
        """The names of the parameters, as JSON spells them."""
        return tuple(field.encode_name for field in msgspec.structs.fields(self.params))


class Registry:
    """The test types of this process, by name."""

    def __init__(self, test_types: Iterable[TestType[Any]]) -> None:
        self._by_name: dict[str, TestType[Any]] = {}
        for test_type in test_types:
            if test_type.name in self._by_name:
                raise ValueError(f"two test types are named {test_type.name!r}")
            self._by_name[test_type.name] = test_type

    def __iter__(self) -> Iterator[TestType[Any]]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> TestType[Any]:
        """The test type of that name.

        Raises:
            UnknownTestType: there is none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownTestType(f"unknown test type {name!r}; {suggestion(name, self._by_name)}") from None


def match_keys(data: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """The same object with its keys spelled as `known` spells them, as Go's JSON decoder matches them.

    Raises:
        InvalidParams: a key that matches none, or two that match the same one.
    """
    by_lower = {name.lower(): name for name in known}
    matched: dict[str, Any] = {}
    for key, value in data.items():
        name = by_lower.get(key.lower())
        if name is None:
            raise InvalidParams(f"unknown key {key!r}; {suggestion(key, by_lower.values())}", f".{key}")
        if name in matched:
            raise InvalidParams(f"{name!r} is given twice", f".{key}")
        matched[name] = value
    return matched


def split_path(message: str) -> tuple[str, str]:
    """Part one of msgspec's messages, ``Expected … - at `$.a[0]` ``, into the text and the path below the root."""
    text, separator, path = message.rpartition(" - at `$")
    return (text, path.rstrip("`")) if separator else (message, "")


def _from_builtin(wanted: type, value: Any) -> Any:
    if not issubclass(wanted, Duration):
        raise NotImplementedError(f"parameters of type {wanted.__name__} cannot be read from JSON")
    if not isinstance(value, str):
        raise TypeError(f"Expected a duration like `1m30s`, got {value!r}")  # msgspec adds the path
    return wanted.parse(value)


def _to_builtin(value: Any) -> Any:
    if not isinstance(value, Duration):
        raise NotImplementedError(f"parameters of type {type(value).__name__} cannot be written as JSON")
    return str(value)
