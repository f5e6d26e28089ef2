"""The programs that tests share where they need none of their own: a target and a daemon."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import programs
from tests.e2e.programs import Daemon, Sink

ENTRY_POINTS = """\
[load_tester.test_types]
breaking = awkward:BREAKING
numbered = awkward:NUMBERED
refusing = awkward:REFUSING
"""


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the package with the test types of `awkward` is installed."""
    directory = tmp_path_factory.mktemp("installed")
    shutil.copy(Path(__file__).with_name("awkward.py"), directory)
    metadata = directory / "awkward-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: awkward\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    return {"PYTHONPATH": str(directory)}


@pytest.fixture(scope="session")
def _shared_sink() -> Iterator[Sink]:
    with programs.sink("--record", "20000") as target:
        yield target


@pytest.fixture(scope="session")
def _shared_daemon(
    _shared_sink: Sink, plugin: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    with programs.daemon(_shared_sink.url, tmp_path_factory.mktemp("data"), env=plugin) as control:
        yield control


@pytest.fixture
def daemon(_shared_daemon: Daemon) -> Iterator[Daemon]:
    """A daemon that does nothing at present and attacks `sink`; what a test leaves running is stopped."""
    yield _shared_daemon
    _shared_daemon.stop("0s")
    _shared_daemon.idle()


@pytest.fixture
def sink(_shared_sink: Sink) -> Sink:
    """The target of `daemon`: it records the last 20 000 requests, and has counted nothing yet."""
    _shared_sink.reset()
    return _shared_sink


@pytest.fixture
def closed_port() -> Iterator[str]:
    """The URL of a port at which nobody listens; it is bound, so that nobody else can take it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
