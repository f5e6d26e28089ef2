"""Hooks for schemathesis: whatever attack it comes up with is sent as a tiny one, and some runs it asks for exist.

Loaded by the program itself, which `SCHEMATHESIS_HOOKS` tells to (`test_contract.py`).
"""

from typing import Any, Final

import msgspec
import schemathesis

from load_tester.domain.command import Command, InvalidCommand, decode_command
from load_tester.domain.test_type import Registry
from test_types import TEST_TYPES

BOUNDS: Final = {
    "attackDuration": "20ms",
    "numMessages": 10,
    "per": "1s",
    "workers": 1,
    "maxConnections": 2,
    "timeout": "1s",
}
REGISTRY: Final = Registry(TEST_TYPES)
_LOWER: Final = {key.lower() for key in BOUNDS}


def bounded(body: Any) -> Any:
    """The body of a command, with its size and length in bounds if the daemon would accept it."""
    try:
        written = body if isinstance(body, bytes) else msgspec.json.encode(body)
        command = decode_command(written, REGISTRY)
    except (InvalidCommand, TypeError, ValueError):
        return body
    if not isinstance(command, Command):
        return body
    kept = {key: value for key, value in msgspec.json.decode(written).items() if key.lower() not in _LOWER}
    return kept | BOUNDS


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: "schemathesis.Case[Any]", _kwargs: dict[str, Any]) -> None:
    """Bound attacks."""
    if case.path == "/command":
        case.body = bounded(case.body)
