"""Pages of other sites cannot use the daemon through its user's browser."""

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from load_tester.web.guard import SameOrigin

pytestmark = pytest.mark.anyio

HERE = {"host": "127.0.0.1:8000"}


async def _everything(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("done")(scope, receive, send)


async def answered(method: str, path: str, headers: dict[str, str], address: str = "127.0.0.1") -> int:
    """The status of a request to a daemon that listens at that address."""
    transport = httpx.ASGITransport(SameOrigin(_everything))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{address}:8000") as client:
        return (await client.request(method, path, headers=headers)).status_code


@pytest.mark.parametrize(("method", "path"), [("POST", "/command"), ("GET", "/stop/"), ("DELETE", "/runs/x")])
@pytest.mark.parametrize(
    "headers",
    [
        {**HERE, "origin": "http://evil.example"},
        {**HERE, "origin": "null"},
        {**HERE, "origin": "http://127.0.0.1:9999"},
        {**HERE, "sec-fetch-site": "cross-site"},
        {**HERE, "sec-fetch-site": "same-site"},
        {"host": "rebound.example:8000", "origin": "http://rebound.example:8000", "sec-fetch-site": "same-origin"},
    ],
)
async def test_another_site_cannot_change_anything(method: str, path: str, headers: dict[str, str]) -> None:
    """Neither start nor stop an attack, nor delete a run; however its requests are told from the user's own."""
    assert await answered(method, path, headers) == 403


@pytest.mark.parametrize(("method", "path"), [("POST", "/command"), ("GET", "/stop"), ("DELETE", "/runs/x")])
@pytest.mark.parametrize(
    "headers",
    [
        HERE,
        {"host": "localhost:8000"},
        {"host": "loadbox:8000"},
        {"host": "localhost:8000", "origin": "http://localhost:8000"},
        {"host": "[::1]:8000", "origin": "http://[::1]:8000"},
        {**HERE, "origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"},
        {**HERE, "sec-fetch-site": "none"},
    ],
)
async def test_programs_and_its_own_pages_can_change_all(method: str, path: str, headers: dict[str, str]) -> None:
    """Curl and load-starter say nothing of where they come from; the daemon's pages are of its own origin."""
    assert await answered(method, path, headers) == 200


async def test_reading_is_not_refused() -> None:
    """A browser does not show what it reads to pages of other sites, and links to runs must work."""
    assert await answered("GET", "/runs/x", {**HERE, "sec-fetch-site": "cross-site"}) == 200


async def test_a_daemon_that_others_can_reach_may_have_any_name() -> None:
    """What it is called there, only its user knows."""
    headers = {"host": "loadtest.internal:8000", "origin": "http://loadtest.internal:8000"}
    assert await answered("POST", "/command", headers, address="10.0.0.5") == 200
