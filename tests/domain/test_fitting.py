"""How patiently JSON is read into Structs, and how precisely it is refused."""

from typing import Annotated, Any

import msgspec
import pytest

from load_tester.domain.duration import Duration
from load_tester.domain.fitting import fitted, suggestion


class Circle(
    msgspec.Struct, frozen=True, tag_field="shapeType", tag="circle", rename="camel", forbid_unknown_fields=True
):
    """A shape."""

    radius: Annotated[float, msgspec.Meta(gt=0)]
    line_width: int = 1


class Group(
    msgspec.Struct, frozen=True, tag_field="shapeType", tag="group", rename="camel", forbid_unknown_fields=True
):
    """Shapes within a shape."""

    shapes: "tuple[Shape, ...]" = ()
    by_name: "dict[str, Shape]" = {}


Shape = Circle | Group


class Note(msgspec.Struct, frozen=True, rename="camel"):
    """It says nothing of what else there may be."""

    any_text: str = ""


class Given(msgspec.Struct, frozen=True):
    """What has no default."""

    value: Any


class Drawing(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is read."""

    by_name: dict[str, Shape] = {}
    ranges: dict[str, dict[str, int]] = {}
    layers: list[Shape] | None = None
    main_note: Note | None = None
    any_value: Any = "none"
    wait: Duration = Duration(0)


CIRCLE = {"shapeType": "circle", "radius": 1}


def read(data: Any) -> Drawing:
    """A drawing; durations are Go's texts."""
    return fitted(data, Drawing, lambda _, text: Duration.parse(text))


def test_keys_match_without_regard_to_case_at_every_depth() -> None:
    """Keys of objects that have names of their own are left as they are."""
    data = {
        "BYNAME": {"Sun": {"SHAPETYPE": "circle", "Radius": 2, "linewidth": 3}},
        "layers": [{"shapeType": "group", "Shapes": [{"Shapetype": "circle", "RADIUS": 1}]}],
        "MainNote": {"ANYTEXT": "x", "other": 5},
        "Wait": "1s",
    }
    assert read(data) == Drawing(
        by_name={"Sun": Circle(2, 3)},
        layers=[Group((Circle(1),))],
        main_note=Note("x"),
        wait=Duration(10**9),
    )


def test_null_is_absent_where_that_may_be() -> None:
    """At every depth; what must be given may be any JSON, also `null`."""
    data = {"byName": {"sun": {"shapeType": "circle", "radius": 1, "lineWidth": None}}, "layers": None, "wait": None}
    assert read(data) == Drawing(by_name={"sun": Circle(1)})
    assert read({"anyValue": None}).any_value == "none"
    assert fitted({"value": None}, Given, lambda _, text: text) == Given(None)


@pytest.mark.parametrize(
    ("data", "path", "words"),
    [
        ({"byNam": {}}, ".byNam", "unknown key 'byNam'; did you mean 'byName'? known: anyValue, byName, layers"),
        ({"byName": {"sun": {"shapeType": "circel"}}}, ".byName.sun.shapeType", "unknown shapeType 'circel'; did you"),
        ({"layers": [{**CIRCLE, "width": 1}]}, ".layers[0].width", "unknown key 'width'; did you mean 'lineWidth'?"),
        ({"layers": [{**CIRCLE, "z": 1}]}, ".layers[0].z", "unknown key 'z'; known: lineWidth, radius, shapeType"),
        ({"layers": [{**CIRCLE, "Radius": 1}]}, ".layers[0].Radius", "'radius' is given twice"),
        ({"byName": {"a": CIRCLE, "the b": {**CIRCLE, "radius": 0}}}, ".byName.the b.radius", "Expected `float` > 0.0"),
        ({"byName": {"x": {"shapeType": "circle"}}}, ".byName.x", "Object missing required field `radius`"),
        ({"byName": {"x": {}}}, ".byName.x", "Object missing required field `shapeType`"),
        ({"byName": {"x": {"shapeType": 1}}}, ".byName.x.shapeType", "Expected `str`, got `int`"),
        ({"byName": {"x": 5}}, ".byName.x", "Expected `object`, got `int`"),
        ({"ranges": {"x": {"a": 1, "b.c": "2"}}}, ".ranges.x.b.c", "Expected `int`, got `str`"),
        ({"layers": [{"shapeType": "group", "byName": {"y": 1}}]}, ".layers[0].byName.y", "Expected `object`"),
        ({"wait": "5"}, ".wait", "'5' lacks a unit"),
        ({"layers": {}}, ".layers", "Expected `array | null`, got `object`"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(data: Any, path: str, words: str) -> None:
    """Names are answered with the nearest known one; the path has the keys that were written."""
    with pytest.raises(msgspec.ValidationError) as caught:
        read(data)
    message, found = str(caught.value).split(" - at `$")
    assert (found, message.startswith(words)) == (f"{path}`", True)


def test_unknown_keys_are_refused_even_of_a_struct_that_would_ignore_them() -> None:
    """A slip in a parameter is never ignored."""
    with pytest.raises(msgspec.ValidationError, match="unknown key 'anyTxt'; did you mean 'anyText'"):
        fitted({"anyTxt": ""}, Note, lambda _kind, text: text)


def test_what_is_nested_too_deeply_is_refused() -> None:
    """It is no crash."""
    shape: dict[str, Any] = {"shapeType": "group"}
    for _ in range(2000):
        shape = {"shapeType": "group", "shapes": [shape]}
    with pytest.raises(msgspec.ValidationError, match="nested so deeply"):
        read({"layers": [shape]})


def test_a_suggestion_says_so_when_nothing_is_known() -> None:
    """Without anything known there is nothing to suggest."""
    assert suggestion("word", []) == "none is known"
