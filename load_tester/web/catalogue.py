"""Routes that show the test types of this installation."""

from typing import Final

from starlette.requests import Request

from load_tester.domain.reference import TestTypeInfo, info
from load_tester.runs.supervisor import Supervisor
from load_tester.web.endpoint import Endpoint, Reply, not_found
from load_tester.web.reply import JsonReply

SUBJECT: Final = "Test types"


async def test_types(request: Request) -> JsonReply:
    """All of them, bundled ones first."""
    supervisor: Supervisor = request.app.state.supervisor
    return JsonReply([info(test_type) for test_type in supervisor.registry])


async def test_type(request: Request) -> JsonReply:
    """One of them. Raises `UnknownTestType`."""
    supervisor: Supervisor = request.app.state.supervisor
    return JsonReply(info(supervisor.registry[request.path_params["name"]]))


ENDPOINTS: Final = (
    Endpoint(
        methods=("GET",),
        path="/test-types",
        handler=test_types,
        subject=SUBJECT,
        summary="List test types",
        description="What attacks can send: bundled test types, then those of installed packages.",
        replies=(Reply(200, "The test types.", (list[TestTypeInfo],)),),
    ),
    Endpoint(
        methods=("GET",),
        path="/test-types/{name}",
        handler=test_type,
        subject=SUBJECT,
        summary="See a test type",
        description="What one of them sends, and the JSON Schema of its parameters.",
        segments=(("name", "The name of a test type."),),
        replies=(Reply(200, "The test type.", (TestTypeInfo,)), not_found("There is no such test type.")),
    ),
)
