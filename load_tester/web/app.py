"""The daemon's HTTP API as a Starlette application: its routes as one list, and what errors look like."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan

from load_tester.domain.command import DEFAULTS, CommandDefaults, InvalidCommand
from load_tester.domain.test_type import UnknownTestType
from load_tester.engine.interface import AttackRefused
from load_tester.runs.store import RunAlive, StoreUnavailable, UnknownRun
from load_tester.runs.supervisor import Supervisor
from load_tester.web import catalogue, control, documents, history
from load_tester.web.documents import Documents
from load_tester.web.endpoint import Handler
from load_tester.web.guard import SameOrigin
from load_tester.web.reply import error_reply

_log = logging.getLogger(__name__)


ENDPOINTS: Final = (*control.ENDPOINTS, *history.ENDPOINTS, *catalogue.ENDPOINTS, *documents.ENDPOINTS)
"""The whole API. Its OpenAPI document and its page are made from these; `docs/api.md` describes each, which a test
checks."""


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

    @asynccontextmanager
    async def supervised(_: Starlette) -> AsyncIterator[None]:
        async with supervisor:
            yield

    app = Starlette(
        routes=_routes(),
        middleware=[Middleware(SameOrigin)],
        lifespan=supervised if lifespan is None else lifespan,
        exception_handlers={
            InvalidCommand: _invalid_command,
            HTTPException: _http_exception,
            UnknownRun: _replied(404),
            UnknownTestType: _replied(404),
            RunAlive: _replied(409),
            AttackRefused: _replied(503),
            StoreUnavailable: _replied(503),
            Exception: _internal_error,
        },
    )
    app.router.redirect_slashes = False  # both forms are routes
    app.state.supervisor = supervisor
    app.state.defaults = defaults
    app.state.documents = Documents(ENDPOINTS, supervisor.registry)
    return app


def _routes() -> list[Route]:
    """One route per path, so that a wrong method is told all that are right."""
    by_path: dict[str, dict[str, Handler]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {}).update(dict.fromkeys(endpoint.methods, endpoint.handler))
    return [
        Route(form, _dispatched(handlers), methods=list(handlers))
        for path, handlers in by_path.items()
        for form in (path, f"{path}/")
    ]


def _dispatched(handlers: dict[str, Handler]) -> Handler:
    async def dispatch(request: Request) -> Response:
        # Starlette lets HEAD in wherever GET is.
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return dispatch


async def _invalid_command(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidCommand), "registered for it"
    _log.info("a command was refused: %s (%s)", error.message, error.path)
    return error_reply(400, error.message, error.path)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for it"
    message, headers = error.detail, dict(error.headers or {})
    if error.status_code == 404:
        message = f"there is nothing at {request.url.path}"
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))  # it comes from a set, in any order
        message = f"{request.method} is not possible here; possible: {headers['Allow']}"
    reply = error_reply(error.status_code, message)
    reply.headers.update(headers)
    return reply


def _replied(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def reply(_: Request, error: Exception) -> Response:
        return error_reply(status, str(error))

    return reply


async def _internal_error(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_reply(500, f"internal error: {type(error).__name__}; the log of the daemon has more")
