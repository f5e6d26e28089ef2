"""The wire form of an attack: what `POST /command` takes, read once and completely into a `Command`."""

from typing import Any

import msgspec

from load_tester.domain.duration import SECOND
from load_tester.domain.project import ProjectProvider
from load_tester.domain.request import Request
from load_tester.domain.test_type import Registry


class InvalidCommand(ValueError):
    """A command that is not accepted: `message` says why, `path` where, like `$.params.startedRange`."""

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class CommandDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What commands mean that do not say otherwise: `timeout_ns` per hit, connections of the whole attack, workers.

    `workers` is `None` to let the engine choose.
    """

    timeout_ns: int = 30 * SECOND
    max_connections: int = 1000
    workers: int | None = None


class StopRequest(msgspec.Struct, frozen=True):
    """A command without a duration: a request to stop the attack that runs, as upstream has it."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was checked; fields are those of `Order`.

    `params` is complete, with every default of the test type filled in. `seed` is `None` when the command has none;
    `epoch_ns` is what payloads take for now at the start, `None` for the true time.
    """

    test_type: str
    duration_ns: int
    num_messages: int
    per_ns: int = SECOND
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    name: str = ""
    description: str = ""
    labels: tuple[tuple[str, ...], ...] = ()
    timeout_ns: int = 30 * SECOND
    max_connections: int = 1000
    workers: int | None = None
    seed: int | None = None
    epoch_ns: int | None = None

    def wire(self, seed: int) -> dict[str, Any]:
        """The command as `POST /command` takes it again for the same attack, complete; `seed` is the one in use."""
        raise NotImplementedError


def decode_command(
    body: bytes, registry: Registry, defaults: CommandDefaults = CommandDefaults()
) -> Command | StopRequest:
    """Read and check a command; keys match without regard to case, `null` means absent.

    Raises:
        InvalidCommand: it is not JSON, or a key, type, value, test type or parameter is wrong.
    """
    raise NotImplementedError


def first_request(command: Command, registry: Registry, projects: ProjectProvider, now_ns: int) -> Request:
    """Build the attack's targeter and make request 0: the proof that the command can be carried out.

    `now_ns` is Unix time, used unless the command fixes what counts as now.

    Raises:
        InvalidCommand: the builder or the generator refused the parameters, raised, or made something else.
    """
    raise NotImplementedError
