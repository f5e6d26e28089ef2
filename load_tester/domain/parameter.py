"""Parameters of test types: what their declaration says of them, for readers and for programs.

A parameter is declared once, as a field of its test type's Struct: its type, its default, and by `msgspec.Meta` its
range, its meaning (`description`: one sentence) and its unit (`extra={"unit": "bytes"}`; a duration is its own unit).
Where neither tells what holds, as of a text that is checked later, `extra` can have the `kind` and `limits` in words.
The checks, the JSON Schema and every page of documentation are made from that declaration.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import msgspec
import msgspec.inspect as mi

from load_tester.domain.duration import DAY, NANOSECOND, Duration, InvalidDuration, format_ns


class Span(Duration):
    """A duration parameter between 0 and 365 days: payloads stay in this century. Subclasses have other limits."""

    __slots__ = ()

    least_ns: ClassVar[int] = 0
    most_ns: ClassVar[int] = 365 * DAY

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a duration in Go's syntax.

        Raises:
            InvalidDuration: it is none, or outside of the limits.
        """
        span = super().parse(text)
        if not cls.least_ns <= span.ns <= cls.most_ns:
            raise InvalidDuration(f"{span} is out of range: it must be {cls.limits()}")
        return span

    @classmethod
    def limits(cls) -> str:
        """The range, in words."""
        return f"{format_ns(cls.least_ns)} to {format_ns(cls.most_ns)}"


class PositiveSpan(Span):
    """A duration parameter that must not be 0: an interval, a timeout."""

    __slots__ = ()

    least_ns = NANOSECOND


class AnySpan(Span):
    """A duration parameter that may be negative: a step."""

    __slots__ = ()

    least_ns = -365 * DAY


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, as documentation shows it.

    Attributes:
        name: as JSON spells it.
        kind: its type in words, like `integer` or `list of text`.
        unit: of its number, empty for none.
        default: as JSON writes it, empty for none; `None` when the parameter is required.
        limits: its range in words, empty for none.
        meaning: one sentence.
        members: those of the object, or of the objects that it is a list of; not again within themselves.
        tag_field: the member that says which kind of object it is, empty when there is one kind; `members` then are
            the kinds, each with its own members.
    """

    name: str
    kind: str
    unit: str
    default: str | None
    limits: str
    meaning: str
    members: tuple["Parameter", ...] = ()
    tag_field: str = ""


def parameters(params: type[msgspec.Struct]) -> tuple[Parameter, ...]:
    """The parameters that a Struct declares, in its order."""
    info = mi.type_info(params)
    assert isinstance(info, mi.StructType)
    return _members(info, frozenset())


def written(value: Any) -> str:
    """A value of a parameter as JSON writes it; what JSON does not know, a duration, as a text."""
    return msgspec.json.encode(value, enc_hook=str).decode()


def _members(info: mi.StructType, outer: frozenset[type]) -> tuple[Parameter, ...]:
    """The parameters of an object; `outer` are the Structs that it is in, which are not told again."""
    if info.cls in outer:
        return ()
    return tuple(_parameter(field, outer | {info.cls}) for field in info.fields)


def _parameter(field: mi.Field, outer: frozenset[type]) -> Parameter:
    meaning, extra, kind = "", {}, field.type
    if isinstance(kind, mi.Metadata):
        meaning = (kind.extra_json_schema or {}).get("description", "")
        extra, kind = kind.extra or {}, kind.type
    default: str | None
    if field.default is not msgspec.NODEFAULT:
        default = written(field.default)
    elif field.default_factory is not msgspec.NODEFAULT:
        default = written(field.default_factory())
    else:
        default = None if field.required else ""
    structs = _structs(kind)
    tag_field = (structs[0].tag_field or "") if len(structs) > 1 else ""
    members = _kinds(structs, outer) if tag_field else tuple(p for struct in structs for p in _members(struct, outer))
    return Parameter(
        name=field.encode_name,
        kind=extra.get("kind") or _named(kind),
        unit=extra.get("unit", ""),
        default=default,
        limits=extra.get("limits") or _limits(kind),
        meaning=meaning,
        members=members,
        tag_field=tag_field,
    )


def _kinds(structs: tuple[mi.StructType, ...], outer: frozenset[type]) -> tuple[Parameter, ...]:
    """The kinds of an object, by their tags; each means what its Struct's first sentence says."""
    if any(struct.cls in outer for struct in structs):
        return ()
    inside = outer.union(struct.cls for struct in structs)
    return tuple(
        Parameter(
            str(struct.tag), "object", "", None, "", _first_sentence(struct.cls),
            tuple(_parameter(field, inside) for field in struct.fields),
        )
        for struct in structs
    )  # fmt: skip


def _first_sentence(struct: type) -> str:
    return " ".join((struct.__doc__ or "").split("\n\n")[0].split())


def _bare(kind: mi.Type) -> mi.Type:
    return kind.type if isinstance(kind, mi.Metadata) else kind


def _named(kind: mi.Type) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of type there is
    match _bare(kind):
        case mi.BoolType():
            return "boolean"
        case mi.IntType():
            return "integer"
        case mi.FloatType():
            return "number"
        case mi.StrType():
            return "text"
        case mi.NoneType():
            return "null"
        case mi.AnyType():
            return "any JSON"
        case mi.DateTimeType():
            return "instant"
        case mi.CustomType(cls) if issubclass(cls, Duration):
            return "duration"
        case mi.VarTupleType(item) | mi.ListType(item):
            return f"list of {_named(item)}"
        case mi.DictType(_, value):
            return f"object of {_named(value)} by name"
        case mi.StructType(tag_field=str(tag_field)):
            return f"object with a `{tag_field}`"
        case mi.StructType():
            return "object"
        case mi.LiteralType(values):
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case mi.EnumType(cls):
            return "one of " + ", ".join(f"`{member.value}`" for member in cls)
        case mi.UnionType(members):
            names = dict.fromkeys(_named(member) for member in members if not isinstance(_bare(member), mi.NoneType))
            return " or ".join(names)
        case other:
            raise TypeError(f"say how a parameter of type {other} is documented")


def _limits(kind: mi.Type) -> str:  # noqa: PLR0911 - one for each kind of type
    match _bare(kind):
        case mi.IntType() | mi.FloatType() as number:
            return _number_limits(number)
        case mi.StrType() as text:
            return _lengths(text.min_length, text.max_length, "characters")
        case mi.CustomType(cls) if issubclass(cls, Span):
            return cls.limits()
        case mi.VarTupleType() | mi.ListType() as several:
            length = _lengths(several.min_length, several.max_length, "of them")
            return ", each ".join(part for part in (length, _limits(several.item_type)) if part)
        case mi.DictType() as named:
            length = _lengths(named.min_length, named.max_length, "of them")
            return ", each ".join(part for part in (length, _limits(named.value_type)) if part)
        case mi.UnionType(members):
            return " or ".join(dict.fromkeys(filter(None, map(_limits, members))))
        case _:
            return ""


def _number_limits(number: mi.IntType | mi.FloatType) -> str:
    low = next((text for limit, text in ((number.ge, "{}"), (number.gt, "above {}")) if limit is not None), None)
    least = number.ge if number.ge is not None else number.gt
    most = number.le if number.le is not None else number.lt
    below = "" if number.le is not None else "below "
    if low is None:
        return "" if most is None else f"up to {below}{most}"
    return low.format(least) + (
        f" to {below}{most}" if most is not None else (" or more" if number.ge is not None else "")
    )


def _lengths(least: int | None, most: int | None, what: str) -> str:
    match least, most:
        case None | 0, None:
            return ""
        case None | 0, _:
            return f"up to {most} {what}"
        case _, None:
            return f"at least {least} {what}"
        case _:
            return f"{least} to {most} {what}"


def _structs(kind: mi.Type) -> tuple[mi.StructType, ...]:
    """The kinds of objects that are in a value, not counting those inside of each other."""
    match _bare(kind):
        case mi.StructType() as struct:
            return (struct,)
        case mi.VarTupleType(item) | mi.ListType(item):
            return _structs(item)
        case mi.DictType(_, value):
            return _structs(value)
        case mi.UnionType(members):
            return tuple(struct for member in members for struct in _structs(member))
        case _:
            return ()
