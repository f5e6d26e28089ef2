"""What the declaration of a parameter says of it: to readers, to JSON Schema, to the reader of commands."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import Meta

from load_tester.domain.duration import InvalidDuration, format_ns
from load_tester.domain.parameter import AnySpan, Parameter, PositiveSpan, Span, parameters
from load_tester.domain.schema import json_schema


class Leg(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A part of a journey."""

    max_delay: Annotated[PositiveSpan, Meta(description="The longest delay.")]
    weight: Annotated[float, Meta(ge=0, description="How often.")] = 1.0


class Journey(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A journey."""

    size: Annotated[int, Meta(gt=0, lt=10, description="How large.", extra={"unit": "bytes"})] = 5
    least: Annotated[float, Meta(ge=0.5)] = 1.0
    below: Annotated[int, Meta(le=3)] = 0
    name: Annotated[str, Meta(min_length=1, max_length=9)] = "x"
    code: Annotated[str, Meta(min_length=2)] = "xy"
    delay: Span = Span(0)
    legs: Annotated[tuple[Leg, ...], Meta(min_length=1, description="The legs.")] = (Leg(max_delay=PositiveSpan(5)),)
    by_name: Annotated[dict[str, Leg], Meta(max_length=2)] = {}
    kind: Literal["a", "b"] = "a"
    either: int | str | None = None
    fast: bool = False
    anything: Any = None
    texts: Annotated[tuple[Annotated[str, Meta(max_length=3)], ...], Meta(max_length=2)] = ()


def test_a_declaration_is_told_in_words() -> None:
    """Type, unit, default, range and meaning of each parameter, and the members of those that are objects."""
    leg = (
        Parameter("maxDelay", "duration", "", None, "1ns to 8760h0m0s", "The longest delay."),
        Parameter("weight", "number", "", "1.0", "0 or more", "How often."),
    )
    assert parameters(Journey) == (
        Parameter("size", "integer", "bytes", "5", "above 0 to below 10", "How large."),
        Parameter("least", "number", "", "1.0", "0.5 or more", ""),
        Parameter("below", "integer", "", "0", "up to 3", ""),
        Parameter("name", "text", "", '"x"', "1 to 9 characters", ""),
        Parameter("code", "text", "", '"xy"', "at least 2 characters", ""),
        Parameter("delay", "duration", "", '"0s"', "0s to 8760h0m0s", ""),
        Parameter(
            "legs", "list of object", "", '[{"maxDelay":"5ns","weight":1.0}]', "at least 1 of them", "The legs.", leg
        ),
        Parameter("byName", "object of object by name", "", "{}", "up to 2 of them", "", leg),
        Parameter("kind", "one of `a`, `b`", "", '"a"', "", ""),
        Parameter("either", "integer or text", "", "null", "", ""),
        Parameter("fast", "boolean", "", "false", "", ""),
        Parameter("anything", "any JSON", "", "null", "", ""),
        Parameter("texts", "list of text", "", "[]", "up to 2 of them, each up to 3 characters", ""),
    )


@pytest.mark.parametrize(
    ("params", "is_valid"),
    [
        ({}, True),
        ({"size": 10}, False),
        ({"delay": "1m30s", "legs": [{"maxDelay": "-1.5h"}]}, True),  # a pattern cannot say how much a duration is
        ({"delay": "1m 30s"}, False),
        ({"delay": 5}, False),
        ({"legs": []}, False),
        ({"legs": [{"weight": 1}]}, False),
        ({"byName": {"a": {"maxDelay": "1s", "wait": 1}}}, False),
        ({"slip": 1}, False),
    ],
)
def test_the_schema_says_what_the_declaration_says(params: dict[str, Any], is_valid: bool) -> None:
    """It is a JSON Schema with every default, and durations are texts."""
    schema = json_schema(Journey)
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(params) is is_valid
    assert schema["properties"]["size"]["default"] == 5
    assert schema["properties"]["delay"]["default"] == "0s"
    assert schema["properties"]["legs"]["default"] == [{"maxDelay": "5ns", "weight": 1.0}]


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_duration_as_written_matches_the_pattern(ns: int) -> None:
    """What the daemon writes, its schema accepts."""
    schema = json_schema(Journey)
    assert Draft202012Validator(schema).is_valid({"delay": format_ns(ns)})


@pytest.mark.parametrize(
    ("kind", "text", "limits"),
    [
        (Span, "-1ns", "0s to 8760h0m0s"),
        (Span, "8761h", "0s to 8760h0m0s"),
        (PositiveSpan, "0", "1ns to 8760h0m0s"),
        (AnySpan, "-8761h", "-8760h0m0s to 8760h0m0s"),
    ],
)
def test_a_span_outside_of_its_limits_is_refused(kind: type[Span], text: str, limits: str) -> None:
    """The message says what the limits are."""
    with pytest.raises(InvalidDuration, match=f"it must be {limits}"):
        kind.parse(text)


class Walk(msgspec.Struct, frozen=True, tag_field="by", tag="foot", rename="camel", forbid_unknown_fields=True):
    """On foot.

    Slowly.
    """

    num_steps: Annotated[int, Meta(ge=1, description="How many steps.")] = 100


class Tour(msgspec.Struct, frozen=True, tag_field="by", tag="turns", rename="camel", forbid_unknown_fields=True):
    """By one after the other."""

    parts: Annotated[tuple["Walk | Tour", ...], Meta(description="The parts.")] = (Walk(),)


class Trip(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A journey of any kind."""

    ways: Annotated[dict[str, Walk | Tour], Meta(description="The ways.")] = msgspec.field(
        default_factory=lambda: {"home": Walk(5)}
    )


def test_kinds_of_an_object_are_told_by_their_tags() -> None:
    """Each with what it means and its own members; what is within itself is told once."""
    (ways,) = parameters(Trip)
    assert (ways.kind, ways.tag_field, ways.default) == (
        "object of object with a `by` by name", "by", '{"home":{"by":"foot","numSteps":5}}',
    )  # fmt: skip
    assert [(kind.name, kind.meaning) for kind in ways.members] == [
        ("foot", "On foot."), ("turns", "By one after the other."),
    ]  # fmt: skip
    foot, turns = (kind.members for kind in ways.members)
    assert foot == (Parameter("numSteps", "integer", "", "100", "1 or more", "How many steps."),)
    assert [(part.name, part.members) for part in turns] == [("parts", ())]


@pytest.mark.parametrize(
    ("way", "is_valid"),
    [
        ({"by": "foot"}, True),
        ({"by": "turns", "parts": [{"by": "turns"}, {"by": "foot", "numSteps": 1}]}, True),
        ({"by": "turns", "parts": [{"by": "foot", "numSteps": 0}]}, False),
        ({"by": "air"}, False),
        ({"numSteps": 1}, False),
        ({"by": "turns", "numSteps": 1}, False),
    ],
)
def test_the_schema_of_kinds_may_lead_back_to_itself(way: dict[str, Any], is_valid: bool) -> None:
    """Tags decide what is allowed, at every depth; the default of an object is in it."""
    schema = json_schema(Trip)
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid({"ways": {"a": way}}) is is_valid
    assert schema["properties"]["ways"]["default"] == {"home": {"by": "foot", "numSteps": 5}}


class Stop(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A stop of a trip."""

    at: datetime
    note_left: str | msgspec.UnsetType = msgspec.UNSET
    wait: Annotated[str, Meta(extra={"kind": "duration", "limits": "up to 5m"})] = "1s"


def test_what_a_type_does_not_tell_is_told_beside_it() -> None:
    """A text that is checked later has its kind and limits in words; what may be missing has no default."""
    assert parameters(Stop) == (
        Parameter("at", "instant", "", None, "", ""),
        Parameter("noteLeft", "text", "", "", "", ""),
        Parameter("wait", "duration", "", '"1s"', "up to 5m", ""),
    )


def test_a_type_that_cannot_be_described_is_a_mistake_of_its_author() -> None:
    """It is told when the test type is written, not by a page that leaves it out."""

    class Odd(msgspec.Struct):
        of_bytes: bytes = b""

    with pytest.raises(TypeError, match="say how a parameter"):
        parameters(Odd)
