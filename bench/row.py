"""One line of the table: what was promised, and what was measured."""

from dataclasses import dataclass


class NotRun(Exception):
    """A measurement that cannot be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement beside its requirement. `ok` is `None` when it was not made; `measured` then says why.

    `peers` is what other programs did in the same run, and what else the figure has to be read with.
    """

    what: str
    measured: str
    required: str
    ok: bool | None
    peers: str = ""


def not_run(what: str, reason: str) -> Row:
    """The row of a measurement that was not made."""
    return Row(what, f"not run: {reason}", "", None)
