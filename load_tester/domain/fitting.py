"""Reads JSON values into Structs with the patience that users need, at every depth.

msgspec reads JSON strictly; what it does not do is done here: keys match without regard to case, as in Go's decoder;
`null` is the same as leaving a member out, where it may be left out; unknown keys and unknown
kinds are answered with the nearest known name; and errors name the key of an object where msgspec writes `[...]`.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
import msgspec.inspect as mi

S = TypeVar("S", bound=msgspec.Struct)

DecodeHook = Callable[[type, Any], Any]

_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]|(\[\.\.\.\])")


def fitted(data: dict[str, Any], struct: type[S], dec_hook: DecodeHook) -> S:
    """The Struct that an object describes; `dec_hook` reads what JSON has no type for.

    Raises:
        msgspec.ValidationError: it describes none; the message ends with the path, as msgspec's do.
    """
    try:
        respelt = _object(data, _info(struct), "", is_strict=True)
        return _converted(respelt, struct, dec_hook)
    except RecursionError:
        raise msgspec.ValidationError("Expected an object that is not nested so deeply") from None


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown word: a near match if there is one, and what is known."""
    names = sorted(known)
    near = difflib.get_close_matches(word.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    meant = f"did you mean {next(n for n in names if n.lower() == near[0])!r}? " if near else ""
    return f"{meant}known: {', '.join(names)}" if names else f"{meant}none is known"


@lru_cache
def _info(struct: type[msgspec.Struct]) -> mi.StructType:
    info = mi.type_info(struct)
    assert isinstance(info, mi.StructType)
    return info


def _refusal(message: str, path: str) -> msgspec.ValidationError:
    return msgspec.ValidationError(f"{message} - at `${path}`")


def _respelt(data: Any, kind: mi.Type, path: str) -> Any:
    """A value with the keys of its objects as their Structs spell them; what does not fit is left to msgspec."""
    kind = _bare(kind)
    if isinstance(data, dict):
        struct = _struct_of(data, kind, path)
        if struct is not None:
            return _object(data, struct, path)
        if isinstance(kind, mi.DictType):
            return {key: _respelt(value, kind.value_type, f"{path}.{key}") for key, value in data.items()}
    elif isinstance(data, list):
        several = next((k for k in _alternatives(kind) if isinstance(k, mi.ListType | mi.VarTupleType)), None)
        if several is not None:
            return [_respelt(item, several.item_type, f"{path}[{index}]") for index, item in enumerate(data)]
    return data


def _bare(kind: mi.Type) -> mi.Type:
    while isinstance(kind, mi.Metadata):
        kind = kind.type
    return kind


def _alternatives(kind: mi.Type) -> list[mi.Type]:
    return [_bare(member) for member in kind.types] if isinstance(kind, mi.UnionType) else [kind]


def _struct_of(data: dict[str, Any], kind: mi.Type, path: str) -> mi.StructType | None:
    """The Struct that an object is to become; `None` when it is none, or does not say which."""
    structs = [k for k in _alternatives(kind) if isinstance(k, mi.StructType)]
    if len(structs) <= 1:
        return structs[0] if structs else None
    by_tag = {struct.tag: struct for struct in structs}
    tag_field = structs[0].tag_field or ""
    tag = next((value for key, value in data.items() if key.lower() == tag_field.lower()), None)
    if not isinstance(tag, str):
        return None
    if tag not in by_tag:
        raise _refusal(f"unknown {tag_field} {tag!r}; {suggestion(tag, map(str, by_tag))}", f"{path}.{tag_field}")
    return by_tag[tag]


def _object(data: dict[str, Any], struct: mi.StructType, path: str, *, is_strict: bool = False) -> dict[str, Any]:
    fields = {field.encode_name: field for field in struct.fields}
    kinds: dict[str, mi.Type] = {name: field.type for name, field in fields.items()}
    if struct.tag_field is not None:
        kinds[struct.tag_field] = mi.StrType()
    by_lower = {name.lower(): name for name in kinds}
    respelt: dict[str, Any] = {}
    for key, value in data.items():
        name = by_lower.get(key.lower())
        if name is None:
            if struct.forbid_unknown_fields or is_strict:
                raise _refusal(f"unknown key {key!r}; {suggestion(key, kinds)}", f"{path}.{key}")
            continue
        if name in respelt:
            raise _refusal(f"{name!r} is given twice", f"{path}.{key}")
        respelt[name] = _respelt(value, kinds[name], f"{path}.{name}")
    return {
        name: value
        for name, value in respelt.items()
        if value is not None or name not in fields or fields[name].required
    }


def _converted(data: dict[str, Any], struct: type[S], dec_hook: DecodeHook) -> S:
    try:
        return msgspec.convert(data, struct, dec_hook=dec_hook)
    except msgspec.ValidationError as error:
        message, separator, path = str(error).rpartition(" - at `$")
        if "[...]" not in path:
            raise
        wrong = str(error)

    def is_wrong(part: dict[str, Any]) -> bool:
        try:
            msgspec.convert(part, struct, dec_hook=dec_hook)
        except msgspec.ValidationError as error:
            return str(error) == wrong
        return False

    steps: list[str | int] = []
    for name, index, _ in _STEP.findall(path.removesuffix("`")):
        steps.append(name or (int(index) if index else _key(data, steps, is_wrong)))
    named = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    raise msgspec.ValidationError(f"{message}{separator}{named}`")


def _key(data: dict[str, Any], steps: list[str | int], is_wrong: Callable[[dict[str, Any]], bool]) -> str:
    """The key, of the object at a path, whose value is wrong: alone it is just as wrong."""
    members = _at(data, steps)
    return next((key for key in members if is_wrong(_with(data, steps, {key: members[key]}))), "[...]")


def _at(data: Any, steps: list[str | int]) -> Mapping[str, Any]:
    for step in steps:
        data = data[step]
    found: Mapping[str, Any] = data
    return found


def _with(data: Any, steps: list[str | int], value: Any) -> Any:
    """The same data with another value at a path."""
    if not steps:
        return value
    copy = data.copy()
    copy[steps[0]] = _with(data[steps[0]], steps[1:], value)
    return copy
