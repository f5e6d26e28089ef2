"""Routes that check, start, stop and watch attacks."""

from typing import Annotated, Any, Final, Literal

import anyio
import msgspec
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request

from load_tester.domain.command import CommandDefaults, InvalidCommand, StopRequest, WireCommand, decode_command
from load_tester.domain.duration import HOUR
from load_tester.domain.run import Run
from load_tester.domain.strict_json import InvalidJson, read_items
from load_tester.runs.supervisor import DEFAULT_GRACE_NS, Supervisor
from load_tester.web.endpoint import UNAVAILABLE, Endpoint, Reply, bad_request
from load_tester.web.query import Span
from load_tester.web.reply import JsonReply, Problem, body_of, error_reply

MAX_COMMANDS: Final = 1000
"""So many commands can be checked at once."""
CHECK_S: Final = 30
"""So long that may take: whoever asked must not be waited for for hours by test types that hang."""
SUBJECT: Final = "Attacks"
GRACE: Final = Span("grace", "How long hits in flight may take to end.", DEFAULT_GRACE_NS, HOUR)


class Ok(msgspec.Struct, frozen=True, kw_only=True):
    """All is as it should be."""

    status: Annotated[Literal["ok"], Meta(description="That it is.")] = "ok"


class Started(Ok, frozen=True, rename="camel", kw_only=True):
    """An attack was started."""

    run_id: Annotated[str, Meta(description="The id of its run.")]


class Stopped(Ok, frozen=True, rename="camel", kw_only=True):
    """What a stop did."""

    stopped: Annotated[
        str | None, Meta(description="The id of the run that was alive; the same until its last hit has ended.")
    ]
    in_flight: Annotated[int, Meta(description="How many of its hits were in flight.")]


class Status(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """What the daemon does."""

    status: Annotated[Literal["idle", "running"], Meta(description="Whether a run is alive.")]
    run: Annotated[Run | None, Meta(description="The run that is alive, with its figures so far.")] = None
    store_error: Annotated[
        str | None,
        Meta(description="Why results cannot be written at the moment. They are kept in memory, and tried again."),
    ] = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found out about one of several commands: that it is `ok`, or what is wrong, as `POST /command` says."""

    status: Annotated[Literal["ok"] | None, Meta(description="That nothing is wrong.")] = None
    error: Annotated[str | None, Meta(description="What is wrong.")] = None
    path: Annotated[str | None, Meta(description="What it is about, in this command.")] = None


async def command(request: Request) -> JsonReply:
    """Replace the attack that runs, or stop it when the command has no duration."""
    supervisor: Supervisor = request.app.state.supervisor
    defaults: CommandDefaults = request.app.state.defaults
    decoded = decode_command(await body_of(request), supervisor.registry, defaults)
    if isinstance(decoded, StopRequest):
        return await _stop(supervisor, DEFAULT_GRACE_NS)
    run = await supervisor.start(decoded)
    return JsonReply(Started(run_id=run.id))


async def validate(request: Request) -> JsonReply:
    """Say of a command, or of each of several, what `POST /command` would say; start nothing."""
    supervisor: Supervisor = request.app.state.supervisor
    defaults: CommandDefaults = request.app.state.defaults
    body = await body_of(request)
    commands = _several(body)
    check_s: float = request.app.state.check_s
    with anyio.move_on_after(check_s):
        if commands is not None:
            return JsonReply([await _verdict(one, supervisor, defaults) for one in commands])
        verdict = await _verdict(body, supervisor, defaults)
        return JsonReply(Ok()) if verdict.error is None else error_reply(400, verdict.error, verdict.path)
    raise HTTPException(503, f"this takes more than {check_s:g} s; check fewer commands at once")


async def stop(request: Request) -> JsonReply:
    """Stop the attack that runs."""
    return await _stop(request.app.state.supervisor, GRACE.of(request))


async def ping(_: Request) -> JsonReply:
    """The daemon answers."""
    return JsonReply(Ok())


async def status(request: Request) -> JsonReply:
    """Idle, or the attack that runs with its figures so far."""
    supervisor: Supervisor = request.app.state.supervisor
    run = supervisor.current()
    return JsonReply(Status(status="idle" if run is None else "running", run=run, store_error=supervisor.store_error))


async def _stop(supervisor: Supervisor, grace_ns: int) -> JsonReply:
    stopped = await supervisor.stop(grace_ns)
    return JsonReply(Stopped(stopped=stopped.run_id, in_flight=stopped.in_flight))


def _several(body: bytes) -> list[bytes] | None:
    """The commands of a list, each as it is written, so that it is read like one that comes alone; `None` for one.

    Raises:
        InvalidCommand: it is a list, but not of JSON, or too long.
    """
    try:
        commands = read_items(body)
    except InvalidJson as error:
        raise InvalidCommand(error.message, error.path) from None
    if commands is not None and len(commands) > MAX_COMMANDS:
        raise InvalidCommand(f"{len(commands)} commands are too many at once; the limit is {MAX_COMMANDS}")
    return commands


async def _verdict(body: bytes, supervisor: Supervisor, defaults: CommandDefaults) -> Verdict:
    try:
        decoded = decode_command(body, supervisor.registry, defaults)
        if not isinstance(decoded, StopRequest):
            await supervisor.check(decoded)
    except InvalidCommand as error:
        return Verdict(error=error.message, path=error.path)
    return Verdict(status="ok")


_EXAMPLE: Final[dict[str, Any]] = {
    "testType": "session",
    "attackDuration": "10s",
    "numMessages": 100,
    "per": "1s",
    "params": {"numUsers": 50, "startedRange": "1h"},
}

ENDPOINTS: Final = (
    Endpoint(
        methods=("POST",),
        path="/command",
        handler=command,
        subject=SUBJECT,
        summary="Start an attack",
        description="""\
It replaces the attack that runs: that one sends nothing more, and its hits in flight get a second to end. A command
that is refused changes nothing.

Before anything is changed, a first request is made as proof: parameters that the test type cannot work with are refused
as well. A command without a duration is a stop request; what else it says must be right, or nothing is stopped.
""",
        body=WireCommand,
        examples=(_EXAMPLE,),
        replies=(
            Reply(200, "The attack has started, or was stopped.", (Started, Stopped)),
            bad_request("The command is refused; nothing was changed."),
            Reply(503, "The attack workers could not be started; the run's record says why.", UNAVAILABLE.kinds),
        ),
    ),
    Endpoint(
        methods=("POST",),
        path="/validate",
        handler=validate,
        subject=SUBJECT,
        summary="Check commands",
        description=f"""\
Says of a command what `POST /command` would say, and starts nothing. A list of up to {MAX_COMMANDS} commands is
answered with a list of as many verdicts, in the same order.
""",
        body=WireCommand | Annotated[list[WireCommand], Meta(max_length=MAX_COMMANDS)],
        examples=(_EXAMPLE, [_EXAMPLE, {"testType": "sesion", "attackDuration": "10s"}]),
        replies=(
            Reply(200, "The command would be accepted; or the verdicts on a list of commands.", (Ok, list[Verdict])),
            bad_request("The command would be refused, or the list cannot be read."),
            Reply(503, f"Checking takes more than {CHECK_S} s.", (Problem,)),
        ),
    ),
    Endpoint(
        methods=("GET", "POST"),
        path="/stop",
        handler=stop,
        subject=SUBJECT,
        summary="Stop the attack",
        description="""\
When the reply arrives, no further hit is sent. Hits in flight may take as long as `grace` to end; then they are counted
as `aborted`. The reply does not wait for that. It may be repeated: as long as hits are in flight the reply names the
same run, then `null`.
""",
        query=(GRACE,),
        replies=(Reply(200, "Nothing is sent any more.", (Stopped,)), bad_request("The grace is not one.")),
    ),
    Endpoint(
        methods=("GET",),
        path="/status",
        handler=status,
        subject=SUBJECT,
        summary="See what runs",
        description="Idle, or the run that is alive with its figures so far.",
        replies=(Reply(200, "What the daemon does.", (Status,)),),
    ),
    Endpoint(
        methods=("GET", "POST"),
        path="/ping",
        handler=ping,
        subject=SUBJECT,
        summary="See whether it answers",
        description="For scripts that wait until the daemon is there.",
        replies=(Reply(200, "It does.", (Ok,)),),
    ),
)
