"""Parameter types and checks that test types share."""

from typing import Annotated, Final, TypeVar

import msgspec

from load_tester.domain.duration import Duration
from load_tester.domain.parameter import Span
from load_tester.domain.test_type import BuildContext, InvalidParams

N = TypeVar("N", int, float, Duration)

ZERO: Final = Span(0)

END: Final = r"$(?!\n)"
"""The end of a pattern, for Python as for JSON Schema: Python's `$` alone lets a line break pass behind it."""

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
"""How many different values there are: of projects, users, releases."""

Length = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
"""How many elements one payload has: spans, breadcrumbs."""

Weight = Annotated[int, msgspec.Meta(ge=-1_000_000_000, le=1_000_000_000)]
"""How often something is chosen, in proportion to the other weights; 0 and below mean never."""

RelativeWeight = Annotated[float, msgspec.Meta(ge=0, le=1_000_000_000)]
"""How often something is chosen, in proportion to the other weights; 0 means never."""

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], msgspec.Meta(max_length=50)]
Texts = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=1_000)], ...], msgspec.Meta(max_length=50)]


def check_order(low_name: str, low: N, high_name: str, high: N) -> None:
    """Raise `InvalidParams`, at the path of the lower limit, when it is above the upper one."""
    if low > high:
        raise InvalidParams(f"{low_name} ({low}) is above {high_name} ({high})", f".{low_name}")


def check_projects(num_projects: int, context: BuildContext, path: str = ".numProjects") -> None:
    """Raise `InvalidParams`, at the path, unless there are that many projects."""
    try:
        context.projects.check(num_projects)
    except ValueError as error:
        raise InvalidParams(str(error), path) from error
