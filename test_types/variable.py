"""The variables of templates: what is built in, what users declare with value providers, and the columns of rows.

A variable is asked once for what makes its values in one place; that is then called for each hit. Whatever can be
escaped beforehand is: the columns of rows above all.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from random import Random
from typing import Any, Final, Protocol

from test_types import values
from test_types.escaping import ESCAPES, Place, as_it_is, in_json_text, text_of, written
from test_types.rows import Chooser
from test_types.value_maker import Text, maker
from test_types.values import TimestampConfig, ValueProvider, most_bytes

RFC3339_MS: Final = "2006-01-02T15:04:05.000Z07:00"

_FIXED: Final = (
    values.Const, values.Sequence, values.PartitionedSequence, values.SequenceSet, values.Now, values.SequentialTimestamp
)  # fmt: skip
"""Providers that say the same when they are asked twice about a hit."""
_PLAIN: Final = (
    values.Sequence, values.PartitionedSequence, values.Uuid, values.RandomInt, values.RandomString
)  # fmt: skip
"""Providers whose texts are letters, digits and dashes, which are themselves in every place."""
_TEXTS: Final = (values.RandomSet, values.RandomTimestamp, values.Uuid, values.RandomString)
"""Providers whose values are texts, of those that say something else when they are asked twice."""


class Variable(Protocol):
    """A variable."""

    @property
    def most_bytes(self) -> int:
        """The size of the largest text that it has, about."""

    def made(self, place: Place, *, once: bool) -> Text:
        """What makes its texts for one place.

        With `once` nothing else is made of the variable for the same hit. Without, all that were made say the same of
        one hit, if they are asked about it before any is asked about another one.
        """


class Provided:
    """What a value provider has."""

    def __init__(self, provider: ValueProvider, random: Random) -> None:
        self.most_bytes = most_bytes(provider)
        self._maker = maker(provider, random)
        self._is_plain = isinstance(provider, _PLAIN)
        self._is_text = isinstance(provider, _TEXTS)
        # Everything that is not a text is the same text as JSON, so texts are enough to share.
        self._shared = None if isinstance(provider, _FIXED) else lru_cache(1)(self._maker.text)

    def made(self, place: Place, *, once: bool) -> Text:
        """See `Variable.made`."""
        text = self._shared
        if once or text is None:
            if place is Place.JSON_VALUE:
                return self._maker.json
            return _escaped(self._maker.text, as_it_is if self._is_plain else ESCAPES[place])
        if place is Place.JSON_VALUE:
            return _escaped(text, _json_of_text) if self._is_text else text
        return _escaped(text, as_it_is if self._is_plain else ESCAPES[place])


class UnixTime:
    """Now, as a number of some unit since 1970-01-01 UTC."""

    most_bytes = 20

    def __init__(self, unit_ns: int) -> None:
        self._unit_ns = unit_ns

    def made(self, place: Place, *, once: bool) -> Text:
        """See `Variable.made`."""
        del place, once
        unit_ns = self._unit_ns
        return lambda _seq, now_ns: str(now_ns // unit_ns)


class Column:
    """A column of the rows; `chosen` says which row a hit gets."""

    def __init__(self, column: Sequence[Any], chosen: Chooser) -> None:
        self.column = column
        self._chosen = chosen

    @cached_property
    def most_bytes(self) -> int:
        """See `Variable.most_bytes`."""
        return max(len(text_of(value).encode()) for value in self.column)

    def made(self, place: Place, *, once: bool) -> Text:
        """See `Variable.made`."""
        del once
        chosen = self._chosen
        texts = tuple([written(value, place) for value in self.column])
        return lambda seq, now_ns: texts[chosen(seq, now_ns)]


def _json_of_text(text: str) -> str:
    return f'"{in_json_text(text)}"'


def _escaped(text: Text, escape: Callable[[str], str]) -> Text:
    if escape is as_it_is:
        return text
    return lambda seq, now_ns: escape(text(seq, now_ns))


Variables = Mapping[str, Variable]
"""Variables by name."""

_NOW: Final[dict[str, int]] = {"now.s": 1_000_000_000, "now.ms": 1_000_000, "now.us": 1_000, "now.ns": 1}
BUILT_IN: Final = ("seq", "uuid", "now", "now.date", *_NOW)
"""The names of the variables that need not be declared."""


def built_in(random: Random) -> dict[str, Variable]:
    """The variables that need not be declared."""
    return {
        "seq": Provided(values.Sequence(), random),
        "uuid": Provided(values.Uuid(), random),
        "now": Provided(values.Now(config=TimestampConfig(format=RFC3339_MS)), random),
        "now.date": Provided(values.Now(config=TimestampConfig(format="2006-01-02")), random),
        **{name: UnixTime(unit_ns) for name, unit_ns in _NOW.items()},
    }
