"""Makes values by the declarations in `values`: compiled once, then called per row.

A provider becomes a `Maker`: four functions that make the same kind of value in the form in which it is needed. Use one
of them for one thing: each call draws anew. Whatever does not change from value to value is done beforehand, escaping
for JSON above all.

    make = maker(provider, context.random)
    make.value(seq, now_ns)  # the value itself, like 7, "x" or [1, 2]
    make.json(seq, now_ns)  # as JSON, to stand in a body: 7, "x" with its quotes
    make.text(seq, now_ns)  # as a text, to stand in a path or within a JSON text: 7, x; not escaped
    make.column(seq, 100, now_ns)  # the JSON of 100 rows from `seq` on, quicker than 100 calls
"""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from itertools import cycle, islice
from random import Random
from typing import Any, Final, NamedTuple

from test_types import values
from test_types.generation import json_text
from test_types.layout_reader import read_ns
from test_types.layout_writer import layout_writer, resolution_ns
from test_types.values import LETTERS, MapConfig, ValueProvider, key_variety

Value = Callable[[int, int], Any]
"""`(index, now_ns)` → a value: the number of the row, and the instant that counts as now in Unix nanoseconds."""

Text = Callable[[int, int], str]
"""The same, as a text."""

Column = Callable[[int, int, int], Sequence[str]]
"""`(first, count, now_ns)` → the JSON texts of the rows from `first` on."""


class Maker(NamedTuple):
    """What makes the values of one provider."""

    value: Value
    text: Text
    json: Text
    column: Column


class Partition(NamedTuple):
    """Which part of a `partitionedSequence` is made: `number`, from 0, `of` so many."""

    of: int = 1
    number: int = 0


WHOLE: Final = Partition()

EXACT_BELOW: Final = 2**40
"""So many different numbers are drawn from a float's 53 bits without a noticeable preference for any."""

MAX_MISSES: Final = 1000
"""So often in a row a key may come that the object has already; then it stays smaller."""

_PAIRS: Final = tuple(first + second for first in LETTERS for second in LETTERS)


def maker(provider: ValueProvider, random: Random, partition: Partition = WHOLE) -> Maker:  # noqa: C901, PLR0911, PLR0912
    """Compile a provider that `check_provider` has accepted; all randomness is taken from `random`."""
    match provider:  # one line for each
        case values.Const(config=config):
            return _const(config.value)
        case values.Sequence():
            return _sequence(WHOLE)
        case values.PartitionedSequence():
            return _sequence(partition)
        case values.RandomSet(config=config):
            return _random_set(random, config.alphabet)
        case values.SequenceSet(config=config):
            return _sequence_set(config.alphabet)
        case values.Now(config=config):
            return _now(config.format)
        case values.RandomTimestamp(config=config):
            return _random_timestamp(random, config)
        case values.SequentialTimestamp(config=config):
            return _sequential_timestamp(config)
        case values.Uuid():
            return _plain_texts(_uuid(random))
        case values.RandomInt(config=config):
            return _random_int(random, config.min, config.max)
        case values.RandomFloat(config=config):
            return _random_float(random, config.min, config.max)
        case values.RandomString(config=config):
            return _plain_texts(_string(random, config.min_size, config.max_size))
        case values.RandomArray(config=config):
            return _array(
                _integer(random, config.min_size, config.max_size), maker(config.value_provider, random, partition)
            )
        case values.RandomMap(config=config):
            return _map(random, config, partition)


def _each(make: Text) -> Column:
    def column(first: int, count: int, now_ns: int) -> list[str]:
        return [make(index, now_ns) for index in range(first, first + count)]

    return column


def _plain_texts(text: Text) -> Maker:
    """Texts that are JSON as they are, but for the quotes."""

    def json(index: int, now_ns: int) -> str:
        return f'"{text(index, now_ns)}"'

    return Maker(text, text, json, _each(json))


def _const(value: Any) -> Maker:
    json = json_text(value)
    text = value if isinstance(value, str) else json
    return Maker(
        lambda _index, _now_ns: value,
        lambda _index, _now_ns: text,
        lambda _index, _now_ns: json,
        lambda _first, count, _now_ns: [json] * count,
    )


def _sequence(partition: Partition) -> Maker:
    step, start = partition

    def value(index: int, _now_ns: int) -> int:
        return start + step * index

    def text(index: int, _now_ns: int) -> str:
        return str(start + step * index)

    def column(first: int, count: int, _now_ns: int) -> list[str]:
        return list(map(str, range(start + step * first, start + step * (first + count), step)))

    return Maker(value, text, text, column)


def _random_set(random: Random, alphabet: Sequence[str]) -> Maker:
    draw, choices, count = random.random, random.choices, len(alphabet)
    jsons = tuple(map(json_text, alphabet))

    def text(_index: int, _now_ns: int) -> str:
        return alphabet[int(draw() * count)]

    def json(_index: int, _now_ns: int) -> str:
        return jsons[int(draw() * count)]

    return Maker(text, text, json, lambda _first, count, _now_ns: choices(jsons, k=count))


def _sequence_set(alphabet: Sequence[str]) -> Maker:
    count, jsons = len(alphabet), tuple(map(json_text, alphabet))

    def text(index: int, _now_ns: int) -> str:
        return alphabet[index % count]

    def json(index: int, _now_ns: int) -> str:
        return jsons[index % count]

    def column(first: int, size: int, _now_ns: int) -> list[str]:
        start = first % count
        return list(islice(cycle(jsons), start, start + size))

    return Maker(text, text, json, column)


def _escaped(text: str) -> str:
    """As it stands within the quotes of a JSON text."""
    return json_text(text)[1:-1]


def _now(layout: str) -> Maker:
    """Hits between which a timestamp does not change share its text."""
    unit = resolution_ns(layout)
    write, write_json = layout_writer(layout), layout_writer(layout, _escaped)
    shared = lru_cache(1)(lambda number: write(number * unit))
    shared_json = lru_cache(1)(lambda number: f'"{write_json(number * unit)}"')

    def text(_index: int, now_ns: int) -> str:
        return shared(now_ns // unit)

    def json(_index: int, now_ns: int) -> str:
        return shared_json(now_ns // unit)

    return Maker(text, text, json, lambda _first, count, now_ns: [shared_json(now_ns // unit)] * count)


def _timestamps(layout: str, instant: Callable[[int], int]) -> Maker:
    """Timestamps of instants, in Unix nanoseconds by the number of the row."""
    write, write_json = layout_writer(layout), layout_writer(layout, _escaped)

    def text(index: int, _now_ns: int) -> str:
        return write(instant(index))

    def json(index: int, _now_ns: int) -> str:
        return f'"{write_json(instant(index))}"'

    return Maker(text, text, json, _each(json))


def _random_timestamp(random: Random, config: values.RandomTimestampConfig) -> Maker:
    start, end = (read_ns(config.format, text) for text in (config.start, config.end))
    draw = _integer(random, start, end)
    return _timestamps(config.format, lambda _: draw())


def _sequential_timestamp(config: values.SequentialTimestampConfig) -> Maker:
    start, step = read_ns(config.format, config.start), config.step.ns
    return _timestamps(config.format, lambda index: start + step * index)


def _uuid(random: Random) -> Text:
    bits = random.getrandbits
    variants = "89ab"

    def text(_index: int, _now_ns: int) -> str:
        # RFC 9562 §5.4: 122 random bits, the version in digit 12, the variant in two bits of digit 16.
        digits = bits(128).to_bytes(16, "big").hex()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variants[int(digits[16], 16) & 3]}{digits[17:20]}-{digits[20:]}"

    return text


def _integer(random: Random, low: int, high: int) -> Callable[[], int]:
    """Integers from `low` to `high`, both included."""
    span = high - low + 1
    if span >= EXACT_BELOW:
        below = random.randrange
        return lambda: low + below(span)
    draw = random.random
    return lambda: low + int(draw() * span)


def _random_int(random: Random, low: int, high: int) -> Maker:
    integer, span, draw = _integer(random, low, high), high - low + 1, random.random

    def text(_index: int, _now_ns: int) -> str:
        return str(integer())

    def column(_first: int, count: int, _now_ns: int) -> list[str]:
        if span >= EXACT_BELOW:
            return [str(integer()) for _ in range(count)]
        return [str(low + int(draw() * span)) for _ in range(count)]

    return Maker(lambda _index, _now_ns: integer(), text, text, column)


def _random_float(random: Random, low: float, high: float) -> Maker:
    # Rounding never carries a value beyond `high`: the greatest draw, 1 - 2**-53, takes more off the span than rounding
    # can have added to it.
    draw, span = random.random, high - low

    def value(_index: int, _now_ns: int) -> float:
        return low + draw() * span

    def text(_index: int, _now_ns: int) -> str:
        return repr(low + draw() * span)

    def column(_first: int, count: int, _now_ns: int) -> list[str]:
        return [repr(low + draw() * span) for _ in range(count)]

    return Maker(value, text, text, column)


def _string(random: Random, low: int, high: int) -> Text:
    """Letters are drawn in pairs: half the time."""
    size, choices = _integer(random, low, high), random.choices

    def text(_index: int, _now_ns: int) -> str:
        length = size()
        return "".join(choices(_PAIRS, k=(length + 1) // 2))[:length]

    return text


def _array(size: Callable[[], int], element: Maker) -> Maker:
    make_value, make_column = element.value, element.column

    def value(index: int, now_ns: int) -> list[Any]:
        return [make_value(number, now_ns) for number in range(index, index + size())]

    def json(index: int, now_ns: int) -> str:
        return f"[{','.join(make_column(index, size(), now_ns))}]"

    return Maker(value, json, json, _each(json))


def _map(random: Random, config: MapConfig, partition: Partition) -> Maker:
    variety = key_variety(config.key_provider)
    most = config.max_size if variety is None else min(config.max_size, variety)
    size = _integer(random, config.min_size, most)
    key, member = maker(config.key_provider, random), maker(config.value_provider, random, partition)
    make_value, make_column = member.value, member.column

    def value(index: int, now_ns: int) -> dict[str, Any]:
        keys = _different(key.text, size(), index, now_ns)
        return {text: make_value(number, now_ns) for number, text in enumerate(keys, index)}

    def json(index: int, now_ns: int) -> str:
        keys = _different(key.json, size(), index, now_ns)
        members = zip(keys, make_column(index, len(keys), now_ns), strict=True)
        return f"{{{','.join([f'{name}:{text}' for name, text in members])}}}"

    return Maker(value, json, json, _each(json))


def _different(make: Text, wanted: int, index: int, now_ns: int) -> Collection[str]:
    """So many texts, made for the rows from `index` on, of which no two are the same."""
    found: dict[str, None] = {}
    misses = 0
    while len(found) < wanted and misses < MAX_MISSES:
        text = make(index, now_ns)
        misses = misses + 1 if text in found else 0
        found[text] = None
        index += 1
    return found
