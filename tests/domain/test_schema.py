"""JSON Schemas of what is read and of what is written."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from load_tester.domain.parameter import PositiveSpan, Span
from load_tester.domain.schema import json_schemas


class Leg(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A part of a journey."""

    max_delay: Annotated[PositiveSpan, Meta(description="The longest delay.")]
    weight: Annotated[float, Meta(ge=0, description="How often.")] = 1.0


class Stop(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A stop of a journey.

    It may be the last.
    """

    at: datetime
    wait: Span = Span(0)
    leg: Leg = Leg(PositiveSpan(1))
    note_left: str | msgspec.UnsetType = msgspec.UNSET


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told of a journey."""

    kind: str
    stop: Stop | None = None


def test_what_we_write_is_complete() -> None:
    """In a schema of what is written all is required but what may be left out; instants are known as such."""
    _, read = json_schemas([Stop, Notice], "#/{name}")
    _, wrote = json_schemas([Stop, Notice], "#/{name}", complete=True)
    assert read["Stop"]["required"] == ["at"]
    assert read["Stop"]["properties"]["leg"]["default"] == {"maxDelay": "1ns", "weight": 1.0}
    assert (wrote["Stop"]["required"], wrote["Leg"]["required"]) == (["at", "wait", "leg"], ["maxDelay", "weight"])
    assert wrote["Notice"]["required"] == ["kind"]
    assert "default" not in wrote["Stop"]["properties"]["wait"]
    assert wrote["Stop"]["properties"]["at"]["format"] == "date-time"
    assert wrote["Stop"]["description"] == "A stop of a journey.\n\nIt may be the last."


def test_types_of_the_same_name_are_told_apart() -> None:
    """As two packages may each have their `Params`."""
    kinds = [msgspec.defstruct("Params", [(name, int)], module=name) for name in ("one", "two")]
    schemas, components = json_schemas(kinds, "#/{name}")
    assert [schema["$ref"] for schema in schemas] == ["#/one.Params", "#/two.Params"]
    assert [list(component["properties"]) for component in components.values()] == [["one"], ["two"]]
