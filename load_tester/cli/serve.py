"""`load-tester serve`: the daemon."""

import signal
import socket
import sys
from contextlib import closing
from typing import Final

import click
import uvicorn
import uvloop

from load_tester.cli.interruption import SIGNALS
from load_tester.cli.listening import authority, listening_socket
from load_tester.cli.parameter import PortType
from load_tester.cli.settings import PROJECTS_FILE, Settings, attack_options, example, option, registry
from load_tester.domain.test_type import Registry
from load_tester.engine.crew import Crew
from load_tester.engine.interface import AttackRefused
from load_tester.runs.store import RunStore
from load_tester.runs.supervisor import Site, Supervisor
from load_tester.web.app import create_app

WORKER_ARGV: Final = (sys.executable, "-P", "-m", "load_tester.cli.worker")
"""With `-P`, workers import nothing from the directory in which somebody happens to call the command."""
NO_TARGET: Final = "nothing over HTTP: that needs --target-url (brokers of Kafka are parameters)"
LEAVE_S: Final = 3
"""So long clients may take to get their replies when the daemon ends."""


_EXAMPLE: Final = example(
    "load-tester serve --target-url http://127.0.0.1:9999",
    'curl http://127.0.0.1:8000/command -d \'{"testType": "session",',
    '  "numMessages": 100, "per": "1s", "attackDuration": "10s"}\'',
    "curl http://127.0.0.1:8000/status",
)


@click.command(epilog=_EXAMPLE)
@option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option("-p", "--port", type=PortType(), default=8000, show_default=True, help="Port to listen on; 0 for a free one.")
@attack_options(files=None)
def serve(*, settings: Settings, host: str, port: int) -> None:
    """Run the daemon: it takes attacks as JSON commands over HTTP, one at a time, and keeps every result.

    Ctrl-C or SIGTERM stops the attack that runs, finishes its record and ends the daemon.
    """
    test_types, site = registry(), settings.site()
    with closing(listening_socket(host, port)) as listener, closing(settings.storage.open()) as store:
        _announce(f"http://{authority(host, listener.getsockname()[1])}", settings, site, store, test_types)
        uvloop.run(_serve(listener, settings, Supervisor(crew := Crew(WORKER_ARGV), store, test_types, site), crew))


def _announce(url: str, settings: Settings, site: Site, store: RunStore, test_types: Registry) -> None:
    if site.projects is not None:
        projects = f"{len(site.projects)} of {settings.config}/{PROJECTS_FILE}"
    elif settings.config is not None:
        projects = f"made up, because there is no {settings.config}/{PROJECTS_FILE}"
    else:
        projects = "made up"
    click.echo(f"Listening on {url}")
    click.echo(f"  attacks     {site.target_url or NO_TARGET}")
    click.echo(f"  results in  {store.name}")
    click.echo(f"  test types  {', '.join(test_type.name for test_type in test_types)}")
    click.echo(f"  projects    {projects}")
    click.echo(f"  read about  {url}/docs")
    sys.stdout.flush()


async def _serve(listener: socket.socket, settings: Settings, supervisor: Supervisor, crew: Crew) -> None:
    app = create_app(supervisor, settings.defaults)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",  # the supervisor is entered here, so that it is left however the server ends
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=LEAVE_S,
        )
    )
    # While it serves, uvicorn handles these signals itself, and raises them again when it has shut down.
    before = {number: signal.signal(number, server.handle_exit) for number in SIGNALS}
    try:
        await crew.open()
        async with supervisor:
            await server.serve(sockets=[listener])
    except AttackRefused as refusal:
        raise click.ClickException(str(refusal)) from None
    finally:
        await crew.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    click.echo("Ended")
