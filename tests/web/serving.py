"""A daemon that serves its API over real HTTP, with an engine that attacks nothing."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx
import uvicorn

from load_tester.domain.command import CommandDefaults
from load_tester.domain.test_type import Registry
from load_tester.runs.store import RunStore, sqlite_url
from load_tester.runs.supervisor import Site, Supervisor
from load_tester.testing import PLAIN, FakeEngine
from load_tester.web.app import create_app

COMMAND = {"name": "n", "testType": "plain", "attackDuration": "10s", "numMessages": 100}


class Daemon(NamedTuple):
    """A daemon on a free port, without attack workers."""

    client: httpx.AsyncClient
    engine: FakeEngine
    store: RunStore
    port: int

    async def json(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """The JSON of a reply, whose status is checked."""
        reply = await self.client.request(method, path, **more)
        assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json"), reply.text
        return reply.json()

    async def command(self, **members: Any) -> str:
        """The id of a new run."""
        run_id: str = (await self.json("POST", "/command", json=COMMAND | members))["runId"]
        return run_id


@asynccontextmanager
async def daemon(
    directory: Path, engine: FakeEngine | None = None, target_url: str = "http://127.0.0.1:1"
) -> AsyncIterator[Daemon]:
    """Serve the API with uvicorn while the block runs."""
    engine = engine or FakeEngine()
    with (
        closing(RunStore(sqlite_url(directory))) as store,
        socket.create_server(("127.0.0.1", 0), backlog=200) as listener,
    ):
        supervisor = Supervisor(engine, store, Registry([PLAIN]), Site(target_url))
        app = create_app(supervisor, CommandDefaults(max_connections=77))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", ws="none"))
        port = listener.getsockname()[1]

        async def serve() -> None:
            # Also for a test that fails: a server that is cancelled leaves its socket in the loop, which then hangs.
            with anyio.CancelScope(shield=True):
                await server.serve([listener])

        limits = httpx.Limits(max_connections=100)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            try:
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, limits=limits) as client:
                    yield Daemon(client, engine, store, port)
            finally:
                server.should_exit = True
