"""JSON Schemas (2020-12) of the Structs that are read from JSON and written as JSON."""

import functools
import inspect
import operator
import types
import typing
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec

from load_tester.domain.duration import Duration

DURATION_PATTERN: Final = r"^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$"
"""What Go's `time.ParseDuration` takes, as JSON Schema can say it."""


def json_schema(params: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a Struct's parameters; what it refers to is in its `$defs`."""
    schemas, components = json_schemas([params], "#/$defs/{name}")
    schema: dict[str, Any] = components.pop(schemas[0]["$ref"].rpartition("/")[2])
    return schema | ({"$defs": components} if components else {})


def json_schemas(
    kinds: Iterable[Any], ref_template: str, *, complete: bool = False
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """The JSON Schemas of several types, and the components that they refer to by the template.

    They are those of values to be read, in which what has a default may be missing, or with `complete` of values that
    we write, in which it is there.
    """
    mirror = _Mirror(complete=complete)
    made = msgspec.json.schema_components([mirror.of(kind) for kind in kinds], ref_template=ref_template)
    schemas, components = msgspec.json.decode(msgspec.json.encode(made))  # plain JSON: lists for tuples
    return tuple(schemas), components


class _Mirror:
    """Types as msgspec's schemas can say them: a duration becomes a text, also where it is a default.

    When `complete`, what has a default is there all the same, as in what we write.

    msgspec has a hook for the schema of a type that it does not know, but none for its values.
    """

    def __init__(self, *, complete: bool) -> None:
        self._complete = complete
        self._structs: dict[type[msgspec.Struct], type[msgspec.Struct]] = {}

    def of(self, kind: Any) -> Any:
        """The same type, with texts for durations."""
        origin, args = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return Annotated[(self.of(args[0]), *args[1:])]
        if origin is types.UnionType or origin is typing.Union:
            return functools.reduce(operator.or_, map(self.of, args))
        if origin is not None and origin is not typing.Literal:
            return origin[tuple(arg if arg is ... else self.of(arg) for arg in args)]
        return self._of_class(kind) if isinstance(kind, type) else kind

    def _of_class(self, kind: type) -> Any:
        if issubclass(kind, Duration):
            return Annotated[str, msgspec.Meta(pattern=DURATION_PATTERN, examples=["1m30s"])]
        if kind is datetime:
            return Annotated[datetime, msgspec.Meta(tz=True)]  # otherwise the schema does not say what the text is
        return self._struct(kind) if issubclass(kind, msgspec.Struct) else kind

    def _struct(self, struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
        known = self._structs.get(struct)
        if known is None:
            hints = typing.get_type_hints(struct, include_extras=True)
            config = struct.__struct_config__
            known = self._structs[struct] = msgspec.defstruct(
                struct.__name__,
                [
                    (field.name, Any, msgspec.field(name=field.encode_name, **self._default(field, config)))
                    for field in msgspec.structs.fields(struct)
                ],
                module=struct.__module__,  # tells Structs of the same name apart
                tag=config.tag,
                tag_field=config.tag_field,
                kw_only=True,
                array_like=config.array_like,
                forbid_unknown_fields=config.forbid_unknown_fields,
            )
            known.__doc__ = inspect.cleandoc(struct.__doc__ or "")
            # Only now, since a type may lead back to the Struct itself; msgspec looks at them later.
            known.__annotations__.update(
                {field.name: self._field_type(field, hints[field.name]) for field in msgspec.structs.fields(struct)}
            )
        return known

    def _field_type(self, field: msgspec.structs.FieldInfo, hint: Any) -> Any:
        """The mirror of a field's type; with its default, where msgspec has no place for it: that is an object."""
        mirrored, default = self.of(hint), _plain_default(field)
        if isinstance(default, dict) and not self._complete:
            return Annotated[mirrored, msgspec.Meta(extra_json_schema={"default": default})]
        return mirrored

    def _default(self, field: msgspec.structs.FieldInfo, config: msgspec.structs.StructConfig) -> dict[str, Any]:
        """How the mirror of a field declares that it may be left out."""
        default = _plain_default(field)
        may_be_missing = config.omit_defaults or default is msgspec.UNSET
        if default is msgspec.NODEFAULT or (self._complete and not may_be_missing):
            return {}
        if isinstance(default, dict):
            return {"default_factory": lambda: default}
        return {"default": tuple(default) if isinstance(default, list) else default}


def _plain_default(field: msgspec.structs.FieldInfo) -> Any:
    """The default as JSON has it; `NODEFAULT` or `UNSET` when there is none."""
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    is_none = default is msgspec.NODEFAULT or default is msgspec.UNSET
    return default if is_none else msgspec.to_builtins(default, enc_hook=str)
