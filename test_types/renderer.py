"""Templates that are ready to be filled: what stands where is known, and each text is made by one function.

A text with places is a format of Python's `%`, which puts three values in their places in a quarter of a microsecond.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Union

from test_types.escaping import Place
from test_types.value_maker import Text
from test_types.variable import Variables


class Slot(NamedTuple):
    """Where the value of a variable stands."""

    name: str
    place: Place


class Base64(NamedTuple):
    """What its parts come to, in base64 of UTF-8."""

    parts: "Parts"


Parts = tuple[Union[str, Slot, Base64], ...]  # noqa: UP007  # `|` does not work with what is named before it is defined
"""A template whose variables are known: literal texts, escaped already, and the places for values."""


def slots_of(parts: Parts) -> tuple[Slot, ...]:
    """All of its places."""
    return tuple(_slots(parts))


def _slots(parts: Parts) -> Iterator[Slot]:
    for part in parts:
        if isinstance(part, Slot):
            yield part
        elif isinstance(part, Base64):
            yield from _slots(part.parts)


class Scope:
    """The templates of one request, in which a variable has one value, wherever it stands."""

    def __init__(self, variables: Variables, templates: Iterable[Parts]) -> None:
        self._variables = variables
        self._uses = Counter(slot.name for parts in templates for slot in slots_of(parts))

    @property
    def is_static(self) -> bool:
        """Whether no variable stands in any of them: then all requests are the same."""
        return not self._uses

    @property
    def most_bytes(self) -> int:
        """The most that the values can take together, about."""
        return sum(self._variables[name].most_bytes * uses for name, uses in self._uses.items())

    def renderer(self, parts: Parts) -> Text:
        """What makes the text of each hit."""
        form = "".join([part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts])
        makers = tuple([self._maker(part) for part in parts if not isinstance(part, str)])
        if not makers:
            literal = form % ()
            return lambda _seq, _now_ns: literal
        if len(makers) == 1:
            (make,) = makers
            return make if form == "%s" else lambda seq, now_ns: form % make(seq, now_ns)
        return lambda seq, now_ns: form % tuple([make(seq, now_ns) for make in makers])

    def _maker(self, part: Slot | Base64) -> Text:
        if isinstance(part, Slot):
            return self._variables[part.name].made(part.place, once=self._uses[part.name] == 1)
        render = self.renderer(part.parts)
        return lambda seq, now_ns: b64encode(render(seq, now_ns).encode()).decode()
