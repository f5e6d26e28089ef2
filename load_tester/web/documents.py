"""Routes that describe the API: to programs, and to people."""

from functools import cached_property
from typing import Any, Final

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from load_tester.domain.test_type import Registry
from load_tester.web.endpoint import Endpoint, Reply
from load_tester.web.openapi import document
from load_tester.web.page import page
from load_tester.web.reply import JsonReply

SUBJECT: Final = "Documents"
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""The page brings its own style and needs nothing else: nothing of another host, and no script."""


class Documents:
    """The documents on an API: each is made when it is asked for first, and kept."""

    def __init__(self, endpoints: tuple[Endpoint, ...], registry: Registry) -> None:
        self._endpoints = endpoints
        self._registry = registry

    @cached_property
    def openapi(self) -> bytes:
        """The OpenAPI document."""
        return msgspec.json.encode(document(self._endpoints, self._registry))

    @cached_property
    def page(self) -> str:
        """The page for people, in HTML."""
        return page(self._endpoints, self._registry)


async def openapi(request: Request) -> JsonReply:
    """The OpenAPI document."""
    documents: Documents = request.app.state.documents
    return JsonReply(await anyio.to_thread.run_sync(lambda: documents.openapi))


async def docs(request: Request) -> Response:
    """The page for people."""
    documents: Documents = request.app.state.documents
    content = await anyio.to_thread.run_sync(lambda: documents.page)
    return HTMLResponse(content, headers={"Content-Security-Policy": POLICY})


ENDPOINTS: Final = (
    Endpoint(
        methods=("GET",),
        path="/docs",
        handler=docs,
        subject=SUBJECT,
        summary="Read about all this",
        description="The API, and the test types with all of their parameters, as one page. It needs no other host.",
        replies=(Reply(200, "The page.", media_type="text/html"),),
    ),
    Endpoint(
        methods=("GET",),
        path="/openapi.json",
        handler=openapi,
        subject=SUBJECT,
        summary="Get the OpenAPI document",
        description="The API as OpenAPI 3.1 has it, for programs.",
        replies=(Reply(200, "The document.", (dict[str, Any],)),),
    ),
)
