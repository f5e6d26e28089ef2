"""Routes that start, stop and watch the attack."""

from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from load_tester.domain.command import CommandDefaults, StopRequest, decode_command
from load_tester.domain.duration import HOUR, InvalidDuration, format_ns, parse_ns
from load_tester.runs.supervisor import DEFAULT_GRACE_NS, Stopped, Supervisor
from load_tester.web.reply import JsonReply, body_of

MAX_GRACE_NS: Final = HOUR


async def command(request: Request) -> JsonReply:
    """`POST /command`: replace the attack that runs, or stop it when the command has no duration."""
    supervisor: Supervisor = request.app.state.supervisor
    defaults: CommandDefaults = request.app.state.defaults
    decoded = decode_command(await body_of(request), supervisor.registry, defaults)
    if isinstance(decoded, StopRequest):
        return _stopped(await supervisor.stop())
    run = await supervisor.start(decoded)
    return JsonReply({"status": "ok", "runId": run.id})


async def stop(request: Request) -> JsonReply:
    """`GET|POST /stop`: stop the attack that runs; `grace` is a duration for the hits in flight."""
    supervisor: Supervisor = request.app.state.supervisor
    return _stopped(await supervisor.stop(_grace_ns(request.query_params.get("grace"))))


async def ping(_: Request) -> JsonReply:
    """`GET|POST /ping`: the daemon answers."""
    return JsonReply({"status": "ok"})


async def status(request: Request) -> JsonReply:
    """`GET /status`: idle, or the attack that runs with its figures so far."""
    supervisor: Supervisor = request.app.state.supervisor
    run = supervisor.current()
    reply: dict[str, Any] = {"status": "idle"} if run is None else {"status": "running", "run": run}
    if supervisor.store_error is not None:
        reply["storeError"] = supervisor.store_error
    return JsonReply(reply)


def _stopped(stopped: Stopped) -> JsonReply:
    return JsonReply({"status": "ok", "stopped": stopped.run_id, "inFlight": stopped.in_flight})


def _grace_ns(text: str | None) -> int:
    if text is None:
        return DEFAULT_GRACE_NS
    try:
        grace_ns = parse_ns(text)
    except InvalidDuration as error:
        raise HTTPException(400, f"grace: {error}") from None
    if not 0 <= grace_ns <= MAX_GRACE_NS:
        raise HTTPException(400, f"grace must be between 0s and {format_ns(MAX_GRACE_NS)}, not {text}")
    return grace_ns
