"""Finds the test types of this installation: the bundled ones, and those that installed packages register.

A package registers a test type with an entry point in the group `load_tester.test_types` whose object is a `TestType`.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from load_tester.domain.test_type import TestType
from test_types import TEST_TYPES

GROUP: Final = "load_tester.test_types"


class BrokenPlugin(Exception):
    """An installed package whose test type cannot be used; the message names the package and what is wrong."""


def discover() -> tuple[TestType[Any], ...]:
    """The bundled test types, then those of installed packages in order of their entry points' names.

    Raises:
        BrokenPlugin: an entry point cannot be loaded, is no test type, or its name is taken.
    """
    owners = dict.fromkeys((test_type.name for test_type in TEST_TYPES), "load-tester itself")
    found = list(TEST_TYPES)
    for entry_point in sorted(entry_points(group=GROUP), key=lambda entry_point: entry_point.name):
        test_type, owner = _load(entry_point), _owner(entry_point)
        if test_type.name in owners:
            raise BrokenPlugin(
                f"two test types are named {test_type.name!r}: one of {owners[test_type.name]} and one of {owner}"
            )
        owners[test_type.name] = owner
        found.append(test_type)
    return tuple(found)


def _load(entry_point: EntryPoint) -> TestType[Any]:
    origin = f"the test type {entry_point.name!r} of {_owner(entry_point)} ({entry_point.value})"
    try:
        loaded = entry_point.load()
    except Exception as error:  # whatever foreign code raises while it is imported
        raise BrokenPlugin(f"{origin} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(loaded, TestType):
        raise BrokenPlugin(f"{origin} is no TestType but a {type(loaded).__name__}")
    return loaded


def _owner(entry_point: EntryPoint) -> str:
    return (
        f"the package {entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist else "an unknown package"
    )
