"""Routes that show and delete runs."""

from typing import Final

import anyio.to_thread
import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from load_tester.domain.report import text_report
from load_tester.domain.run import Run, TimelineSecond
from load_tester.runs.supervisor import Supervisor
from load_tester.web.reply import JsonReply, whole_number

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 1000
MAX_OFFSET: Final = 2**63 - 1


class RunDetails(Run, frozen=True, rename="camel", kw_only=True):
    """A run with its seconds."""

    timeline: tuple[TimelineSecond, ...] = ()


async def runs(request: Request) -> JsonReply:
    """`GET /runs`: newest first, `limit` of them from number `offset`."""
    supervisor: Supervisor = request.app.state.supervisor
    limit = whole_number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    offset = whole_number(request, "offset", 0, 0, MAX_OFFSET)
    page = await supervisor.runs(limit, offset)
    return JsonReply(await anyio.to_thread.run_sync(msgspec.json.encode, page))


async def run(request: Request) -> JsonReply:
    """`GET /runs/{id}`: everything that is known of one run."""
    supervisor: Supervisor = request.app.state.supervisor
    run_id = request.path_params["id"]
    # In this order, so that the record of a run that has ended never comes with the seconds of a moment before.
    found = await supervisor.run(run_id)
    timeline = await supervisor.timeline(run_id)
    # An hour has thousands of seconds with dozens of figures each: encoding them must not keep the loop.
    return JsonReply(await anyio.to_thread.run_sync(_details, found, timeline))


async def report(request: Request) -> Response:
    """`GET /runs/{id}/report`: the run's figures, as `format=text` to be read or `format=json`."""
    supervisor: Supervisor = request.app.state.supervisor
    form = request.query_params.get("format", "text")
    if form not in {"text", "json"}:
        raise HTTPException(400, f"format must be text or json, not {form!r}")
    found = await supervisor.run(request.path_params["id"])
    return PlainTextResponse(text_report(found)) if form == "text" else JsonReply(found)


async def delete(request: Request) -> Response:
    """`DELETE /runs/{id}`: forget a run that has ended."""
    supervisor: Supervisor = request.app.state.supervisor
    await supervisor.delete(request.path_params["id"])
    return Response(status_code=204)


def _details(found: Run, timeline: tuple[TimelineSecond, ...]) -> bytes:
    return msgspec.json.encode(RunDetails(**msgspec.structs.asdict(found), timeline=timeline))
