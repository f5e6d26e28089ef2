"""How an attack is seen from outside of the engine: start, updates, stop, end."""

from collections.abc import Callable
from typing import Protocol

from load_tester.domain.attack import Order, Outcome, Update


class AttackRefused(Exception):
    """An attack that could not be started; the message says why, in one sentence."""


class Attack(Protocol):
    """One attack that was started."""

    @property
    def started_ns(self) -> int:
        """The instant at which hit 0 is due, in Unix nanoseconds."""

    @property
    def workers(self) -> int:
        """How many attack workers take part."""

    async def stop(self, grace_ns: int) -> int:
        """Send no further hit: none is sent after this returns. Returns how many hits are in flight.

        Those get `grace_ns` to finish and are then aborted; `wait` returns when that is done. Stopping again can only
        shorten the grace. Stopping an attack that has ended changes nothing. Both return what is in flight.
        """

    async def wait(self) -> Outcome:
        """Wait for the end of the attack; every update has been delivered when this returns. May be called often."""


class Engine(Protocol):
    """Runs attacks."""

    async def start(self, order: Order, on_update: Callable[[Update], None]) -> Attack:
        """Start an attack; `on_update` is called from the event loop and must be quick.

        Raises:
            AttackRefused: the workers could not be started, or the payload generator refused to build.
        """

    async def close(self) -> None:
        """Stop what runs and end all workers."""
