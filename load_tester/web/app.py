"""The daemon's HTTP API as a Starlette application."""

from starlette.applications import Starlette
from starlette.types import Lifespan

from load_tester.domain.command import DEFAULTS, CommandDefaults
from load_tester.runs.supervisor import Supervisor


def create_app(
    supervisor: Supervisor,
    defaults: CommandDefaults = DEFAULTS,
    *,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """The API in front of a supervisor.

    `defaults` fill in what commands leave open. Without `lifespan` the application enters the supervisor when it
    starts and leaves it when it ends; a `lifespan` of the caller's own has to do so itself.
    """
    raise NotImplementedError
