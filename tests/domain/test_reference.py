"""Test types as people read of them: the Markdown of objects within parameters."""

from typing import Annotated

import msgspec
from msgspec import Meta

from load_tester.domain.reference import section
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import TestType


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How large."""

    width: Annotated[int, Meta(ge=1, description="From left to right.", extra={"unit": "m"})] = 1


class Nothing(msgspec.Struct, frozen=True):
    """Nothing."""


class Box(msgspec.Struct, frozen=True, kw_only=True, tag_field="form", tag="box"):
    """Has corners | edges."""

    size: Size = Size()
    stack: Annotated[tuple["Box | Ball", ...], Meta(description="On it.")] = ()


class Ball(msgspec.Struct, frozen=True, kw_only=True, tag_field="form", tag="ball"):
    """Has none."""

    config: Nothing = Nothing()


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """A scene."""

    room: Annotated[Size, Meta(description="The room.")] = Size()
    door: Annotated[Size, Meta(description="Its door.")] = Size()
    things: Annotated[dict[str, Box | Ball], Meta(description="The things.")] = {}


SCENE = TestType(
    name="scene",
    summary="Shows a scene.",
    description="That is all.",
    params=Params,
    build=lambda _params, _context: Targeter(lambda _seq, _now_ns: Request("GET", "/")),
)
EXPECTED = """\
## `scene`

Shows a scene.

| parameter | type | default | range | meaning |
|---|---|---|---|---|
| `room` | object | `{"width":1}` |  | The room. |
| `door` | object | `{"width":1}` |  | Its door. |
| `things` | object of object with a `form` by name | `{}` |  | The things. |

Each of `room` and of `door`:

| parameter | type | default | range | meaning |
|---|---|---|---|---|
| `width` | integer | `1` | 1 or more m | From left to right. |

Each of `things`, by its `form`:

| `form` | parameter | type | default | range | meaning |
|---|---|---|---|---|---|
| `box` |  |  |  |  | Has corners \\| edges. |
|  | `size.width` | integer | `1` | 1 or more m | From left to right. |
|  | `stack` | list of object with a `form` | `[]` |  | On it. |
| `ball` |  |  |  |  | Has none. |

That is all."""


def test_objects_have_tables_of_their_own() -> None:
    """One for each kind that is the same; objects of several kinds have one with all, each followed by its members."""
    assert section(SCENE) == EXPECTED
