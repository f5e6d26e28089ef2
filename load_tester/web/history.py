"""Routes that show and delete runs."""

from typing import Annotated, Final

import anyio.to_thread
import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from load_tester.domain.report import text_report
from load_tester.domain.run import Run, TimelineSecond
from load_tester.runs.store import RunPage
from load_tester.runs.supervisor import Supervisor
from load_tester.web.endpoint import UNAVAILABLE, Endpoint, Reply, bad_request, not_found
from load_tester.web.query import Choice, WholeNumber
from load_tester.web.reply import JsonReply, Problem

SUBJECT: Final = "Runs"
LIMIT: Final = WholeNumber("limit", "At most so many.", 50, 1, 1000)
OFFSET: Final = WholeNumber("offset", "From this number, counted from 0.", 0, 0, 2**63 - 1)
FORMAT: Final = Choice("format", "To be read, or to be processed.", ("text", "json"))


class RunDetails(Run, frozen=True, rename="camel", kw_only=True):
    """A run with its seconds."""

    timeline: Annotated[
        tuple[TimelineSecond, ...],
        Meta(description="The figures of each second. While the run is alive, they are up to a second behind."),
    ] = ()


async def runs(request: Request) -> JsonReply:
    """Newest first, `limit` of them from number `offset`."""
    supervisor: Supervisor = request.app.state.supervisor
    page = await supervisor.runs(LIMIT.of(request), OFFSET.of(request))
    return JsonReply(await anyio.to_thread.run_sync(msgspec.json.encode, page))


async def run(request: Request) -> JsonReply:
    """Everything that is known of one run."""
    supervisor: Supervisor = request.app.state.supervisor
    run_id = request.path_params["id"]
    # In this order, so that the record of a run that has ended never comes with the seconds of a moment before.
    found = await supervisor.run(run_id)
    timeline = await supervisor.timeline(run_id)
    # An hour has thousands of seconds with dozens of figures each: encoding them must not keep the loop.
    return JsonReply(await anyio.to_thread.run_sync(_details, found, timeline))


async def report(request: Request) -> Response:
    """The run's figures, to be read or to be processed."""
    supervisor: Supervisor = request.app.state.supervisor
    form = FORMAT.of(request)
    found = await supervisor.run(request.path_params["id"])
    return PlainTextResponse(text_report(found)) if form == "text" else JsonReply(found)


async def forget(request: Request) -> Response:
    """Delete a run that has ended."""
    supervisor: Supervisor = request.app.state.supervisor
    await supervisor.delete(request.path_params["id"])
    return Response(status_code=204)


def _details(found: Run, timeline: tuple[TimelineSecond, ...]) -> bytes:
    return msgspec.json.encode(RunDetails(**msgspec.structs.asdict(found), timeline=timeline))


_ID: Final = (("id", "The id of a run, as `POST /command` and `GET /runs` have it."),)
_UNKNOWN: Final = not_found("There is no such run.")

ENDPOINTS: Final = (
    Endpoint(
        methods=("GET",),
        path="/runs",
        handler=runs,
        subject=SUBJECT,
        summary="List runs",
        description="Newest first, each without its timeline, and how many there are in all.",
        query=(LIMIT, OFFSET),
        replies=(
            Reply(200, "A page of the list.", (RunPage,)),
            bad_request("A parameter is out of its range."),
            UNAVAILABLE,
        ),
    ),
    Endpoint(
        methods=("GET",),
        path="/runs/{id}",
        handler=run,
        subject=SUBJECT,
        summary="See a run",
        description="Everything that is known of one run, live while it is alive.",
        segments=_ID,
        replies=(Reply(200, "The run with its timeline.", (RunDetails,)), _UNKNOWN, UNAVAILABLE),
    ),
    Endpoint(
        methods=("DELETE",),
        path="/runs/{id}",
        handler=forget,
        subject=SUBJECT,
        summary="Delete a run",
        description="Forgets a run and its seconds.",
        segments=_ID,
        replies=(
            Reply(204, "It is gone.", media_type=""),
            _UNKNOWN,
            Reply(409, "The run is alive; stop it first.", (Problem,)),
            UNAVAILABLE,
        ),
    ),
    Endpoint(
        methods=("GET",),
        path="/runs/{id}/report",
        handler=report,
        subject=SUBJECT,
        summary="Read the report of a run",
        description="To be read as text, or to be processed as the JSON of the run without its timeline.",
        segments=_ID,
        query=(FORMAT,),
        replies=(
            Reply(200, "The report as text.", media_type="text/plain"),
            Reply(200, "The run, with `format=json`.", (Run,)),
            bad_request("The format is neither."),
            _UNKNOWN,
            UNAVAILABLE,
        ),
    ),
)
