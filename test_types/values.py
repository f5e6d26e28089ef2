"""Value providers: what a column, a field or a place in a template is filled with, as users declare it.

A provider is written `{"valueType": "randomInt", "config": {"min": 1, "max": 6}}`. These are the declarations and their
checks; `value_maker` makes what makes the values.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from load_tester.domain.parameter import AnySpan
from load_tester.domain.test_type import InvalidParams
from test_types.generation import json_text
from test_types.layout import MAX_LAYOUT, InvalidLayout
from test_types.layout_reader import UnreadableTimestamp, read_ns
from test_types.layout_writer import layout_writer
from test_types.params import check_order

RFC3339: Final = "2006-01-02T15:04:05Z07:00"
DESCRIPTION: Final = """\
Timestamps are written and read in UTC (go-load-tester wrote `timestamp` in the zone of its machine), by a time layout of
Go: the reference time `Mon Jan 2 15:04:05 MST 2006` written the way that is wanted, like
`2006-01-02T15:04:05.000Z07:00`. All elements that Go's `time` package knows are known. A layout without any is refused, and so is one with elements of other notations (`%Y`, `YYYY`), and an example such as
`2024-01-31`, of which Go would take single digits for elements. A timestamp with an offset from UTC is read as the
instant that it names.

Sizes and numbers of random providers reach both ends of their ranges. An object has fewer members than `minSize` only
when its keys run out, like timestamps of one day. Arrays and maps may be nested five deep.
"""
"""What readers have to know of all providers, in Markdown."""

MAX_DEPTH: Final = 5
"""How deep arrays and maps may be nested."""

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

_MAX_FLOAT: Final = 1e300
Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Float = Annotated[float, Meta(ge=-_MAX_FLOAT, le=_MAX_FLOAT)]
Characters = Annotated[int, Meta(ge=0, le=1_000_000)]
Elements = Annotated[int, Meta(ge=0, le=10_000)]
Alphabet = Annotated[tuple[Annotated[str, Meta(max_length=10_000)], ...], Meta(min_length=1, max_length=10_000)]
Layout = Annotated[str, Meta(min_length=1, max_length=MAX_LAYOUT)]
Timestamp = Annotated[str, Meta(max_length=2 * MAX_LAYOUT)]
_FORMAT: Final = "How it is written: a time layout of Go, in UTC."


class NoConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Nothing."""


class ConstConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is always sent."""

    value: Annotated[Any, Meta(description="The value: any JSON, also `null`.")]


class SetConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Texts to choose from."""

    alphabet: Annotated[Alphabet, Meta(description="The texts; one that is listed twice comes twice as often.")]


class TimestampConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How now is written."""

    format: Annotated[Layout, Meta(description=_FORMAT)] = RFC3339


class RandomTimestampConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Two instants and how those between them are written."""

    start: Annotated[Timestamp, Meta(description="The earliest, written by `format`.")]
    end: Annotated[Timestamp, Meta(description="The latest, written by `format`.")]
    format: Annotated[Layout, Meta(description=_FORMAT)] = RFC3339


class SequentialTimestampConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An instant, and how far the others are from each other."""

    start: Annotated[Timestamp, Meta(description="That of row 0, written by `format`.")]
    step: Annotated[AnySpan, Meta(description="From each to the next.")]
    format: Annotated[Layout, Meta(description=_FORMAT)] = RFC3339


class IntConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A range of integers."""

    min: Annotated[Int, Meta(description="The least.")]
    max: Annotated[Int, Meta(description="The greatest.")]


class FloatConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A range of numbers."""

    min: Annotated[Float, Meta(description="The least.")]
    max: Annotated[Float, Meta(description="The greatest.")]


class StringConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How long a text is."""

    min_size: Annotated[Characters, Meta(description="The fewest characters.")]
    max_size: Annotated[Characters, Meta(description="The most characters.")]


class ArrayConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How long a list is, and what is in it."""

    min_size: Annotated[Elements, Meta(description="The fewest elements.")]
    max_size: Annotated[Elements, Meta(description="The most elements.")]
    value_provider: Annotated["ValueProvider", Meta(description="Provides each element.")]


class MapConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How large an object is, and what is in it."""

    min_size: Annotated[Elements, Meta(description="The fewest members.")]
    max_size: Annotated[Elements, Meta(description="The most members.")]
    key_provider: Annotated["TextProvider", Meta(description="Provides the keys, which differ.")]
    value_provider: Annotated["ValueProvider", Meta(description="Provides each value.")]


class Const(Struct, frozen=True, kw_only=True, tag_field="valueType", tag="const", forbid_unknown_fields=True):
    """Always the same value."""

    config: Annotated[ConstConfig, Meta(description="What the value is.")]


class Sequence(Struct, frozen=True, kw_only=True, tag_field="valueType", tag="sequence", forbid_unknown_fields=True):
    """The number of the row within the whole attack, from 0: each comes once, however many workers there are."""

    config: Annotated[NoConfig, Meta(description="Nothing.")] = NoConfig()


class PartitionedSequence(
    Struct, frozen=True, kw_only=True, tag_field="valueType", tag="partitionedSequence", forbid_unknown_fields=True
):
    """`partitionId` + `partitions` · the number of the row: load testers with a part each never send the same."""

    config: Annotated[NoConfig, Meta(description="Nothing.")] = NoConfig()


class RandomSet(Struct, frozen=True, kw_only=True, tag_field="valueType", tag="randomSet", forbid_unknown_fields=True):
    """One of the texts, each equally likely."""

    config: Annotated[SetConfig, Meta(description="Which texts there are.")]


class SequenceSet(
    Struct, frozen=True, kw_only=True, tag_field="valueType", tag="sequenceSet", forbid_unknown_fields=True
):
    """The texts in turn: that of row 0 is the first, and after the last comes the first again."""

    config: Annotated[SetConfig, Meta(description="Which texts there are.")]


class Now(Struct, frozen=True, kw_only=True, tag_field="valueType", tag="timestamp", forbid_unknown_fields=True):
    """When the hit is due."""

    config: Annotated[TimestampConfig, Meta(description="How it is written.")] = TimestampConfig()


class RandomTimestamp(
    Struct, frozen=True, kw_only=True, tag_field="valueType", tag="randomTimestamp", forbid_unknown_fields=True
):
    """An instant from `start` to `end`, each nanosecond equally likely."""

    config: Annotated[RandomTimestampConfig, Meta(description="Which instants, and how they are written.")]


class SequentialTimestamp(
    Struct, frozen=True, kw_only=True, tag_field="valueType", tag="sequentialTimestamp", forbid_unknown_fields=True
):
    """`start` + `step` · the number of the row."""

    config: Annotated[SequentialTimestampConfig, Meta(description="Which instants, and how they are written.")]


class Uuid(Struct, frozen=True, kw_only=True, tag_field="valueType", tag="uuid", forbid_unknown_fields=True):
    """A random UUID (version 4), with dashes."""

    config: Annotated[NoConfig, Meta(description="Nothing.")] = NoConfig()


class RandomInt(Struct, frozen=True, kw_only=True, tag_field="valueType", tag="randomInt", forbid_unknown_fields=True):
    """An integer from `min` to `max`, each equally likely, both included."""

    config: Annotated[IntConfig, Meta(description="Which integers.")]


class RandomFloat(
    Struct, frozen=True, kw_only=True, tag_field="valueType", tag="randomFloat", forbid_unknown_fields=True
):
    """A number from `min` to `max`, uniform."""

    config: Annotated[FloatConfig, Meta(description="Which numbers.")]


class RandomString(
    Struct, frozen=True, kw_only=True, tag_field="valueType", tag="randomString", forbid_unknown_fields=True
):
    """A text of letters `A` to `Z`, `a` to `z` and digits, each equally likely, and so is each length."""

    config: Annotated[StringConfig, Meta(description="How long the texts are.")]


class RandomArray(
    Struct, frozen=True, kw_only=True, tag_field="valueType", tag="randomArray", forbid_unknown_fields=True
):
    """A list; each length is equally likely, and element *k* of row *i* is what its provider has for row *i + k*."""

    config: Annotated[ArrayConfig, Meta(description="How long the lists are, and of what.")]


class RandomMap(Struct, frozen=True, kw_only=True, tag_field="valueType", tag="randomMap", forbid_unknown_fields=True):
    """An object; each size is equally likely, a key that comes again is replaced by another one."""

    config: Annotated[MapConfig, Meta(description="How large the objects are, and of what.")]


TextProvider = (
    Const | RandomSet | SequenceSet | Now | RandomTimestamp | SequentialTimestamp | Uuid | RandomString
)  # fmt: skip
"""Those whose values are texts; of `const` those whose value is one."""

ValueProvider = (
    Const | Sequence | PartitionedSequence | RandomSet | SequenceSet | Now | RandomTimestamp | SequentialTimestamp
    | Uuid | RandomInt | RandomFloat | RandomString | RandomArray | RandomMap
)  # fmt: skip
"""All of them."""


def check_provider(provider: ValueProvider, path: str) -> None:
    """Raise `InvalidParams` for what is wrong with a provider beyond the types of its fields; `path` is its own."""
    for inner, where in _each(provider, path):
        try:
            _check_one(inner)
        except InvalidParams as error:
            raise InvalidParams(error.message, f"{where}.config{error.path}") from None


def _each(provider: ValueProvider, path: str, depth: int = 0) -> Iterator[tuple[ValueProvider, str]]:
    """A provider and those inside of it, each with its path."""
    if depth > MAX_DEPTH:
        raise InvalidParams(f"arrays and maps are nested more than {MAX_DEPTH} deep", path)
    yield provider, path
    if isinstance(provider, RandomMap):
        yield from _each(provider.config.key_provider, f"{path}.config.keyProvider", depth + 1)
    if isinstance(provider, (RandomArray, RandomMap)):
        yield from _each(provider.config.value_provider, f"{path}.config.valueProvider", depth + 1)


def _check_one(provider: ValueProvider) -> None:
    match provider:
        case RandomInt(config=config):
            check_order("min", config.min, "max", config.max)
        case RandomFloat(config=config):
            check_order("min", config.min, "max", config.max)
        case RandomString(config=config) | RandomArray(config=config):
            check_order("minSize", config.min_size, "maxSize", config.max_size)
        case RandomMap(config=config):
            check_order("minSize", config.min_size, "maxSize", config.max_size)
            _check_keys(config)
        case Now(config=config):
            _check_layout(config.format)
        case SequentialTimestamp(config=config):
            _check_layout(config.format)
            read_timestamp(config.format, config.start, ".start")
        case RandomTimestamp(config=config):
            _check_layout(config.format)
            start = read_timestamp(config.format, config.start, ".start")
            if start > read_timestamp(config.format, config.end, ".end"):
                raise InvalidParams(f"start ({config.start}) is after end ({config.end})", ".start")
        case _:
            pass


def _check_layout(layout: str) -> None:
    try:
        layout_writer(layout)
    except InvalidLayout as error:
        raise InvalidParams(str(error), ".format") from None


def read_timestamp(layout: str, text: str, path: str) -> int:
    """The instant that a timestamp names, in Unix nanoseconds; `InvalidParams` at the path when there is none."""
    try:
        return read_ns(layout, text)
    except UnreadableTimestamp as error:
        raise InvalidParams(str(error), path) from None


def _check_keys(config: MapConfig) -> None:
    keys = config.key_provider
    if isinstance(keys, Const) and not isinstance(keys.config.value, str):
        raise InvalidParams(f"a key must be a text, not {json_text(keys.config.value)}", ".keyProvider.config.value")
    variety = key_variety(keys)
    if variety is not None and variety < config.min_size:
        raise InvalidParams(
            f"minSize ({config.min_size}) is above the number of different keys ({variety})", ".minSize"
        )


def key_variety(provider: TextProvider) -> int | None:
    """How many different texts a provider has; `None` where that cannot be told or does not matter."""
    match provider:
        case Const():
            return 1
        case RandomSet(config=config) | SequenceSet(config=config):
            return len(set(config.alphabet))
        case RandomString(config=config):
            # Longer ones are more than a map has members.
            longest = min(config.max_size, config.min_size + 3)
            return sum(int(len(LETTERS) ** size) for size in range(config.min_size, longest + 1))
        case _:
            return None


def most_bytes(provider: ValueProvider) -> int:  # noqa: PLR0911 - one for each shape
    """The most bytes that a value can take as JSON; of a timestamp's names and numbers a generous guess."""
    match provider:
        case Const(config=config):
            return len(json_text(config.value).encode())
        case RandomSet(config=config) | SequenceSet(config=config):
            return max(len(json_text(text).encode()) for text in config.alphabet)
        case RandomString(config=config):
            return config.max_size + 2
        case RandomArray(config=config):
            return config.max_size * (most_bytes(config.value_provider) + 1) + 2
        case RandomMap(config=config):
            return config.max_size * (most_bytes(config.key_provider) + most_bytes(config.value_provider) + 2) + 2
        case Now(config=config) | RandomTimestamp(config=config) | SequentialTimestamp(config=config):
            return 6 * len(config.format) + 20
        case _:
            return 40
