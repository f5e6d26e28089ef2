"""A PostgreSQL server of the tests' own: in a temporary directory, on a Unix socket, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 60.0


def server_program() -> Path | None:
    """The server, where Debian's packages or PATH have one; `None` where there is none."""
    found = shutil.which("postgres")
    installed = [Path(found).resolve()] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return installed[-1] if installed else None


@contextlib.contextmanager
def running(program: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a new server's first database. It is stopped at once and removed in the end."""
    # The server refuses to run as root, and the path of its socket must be short.
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        initdb = [f"{program.parent}/initdb", "-D", f"{folder}/data", "-U", "tests", "--auth=trust", "--no-sync"]
        subprocess.run(initdb, user=user, cwd=folder, check=True, capture_output=True)
        # Nothing here has to survive a power failure.
        argv = [str(program), "-D", f"{folder}/data", "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"]
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(argv, user=user, cwd=folder, stdout=log, stderr=log) as server,
        ):
            try:
                until = time.monotonic() + PATIENCE_S
                ready = [f"{program.parent}/pg_isready", "-q", "-h", str(folder)]
                while subprocess.run(ready, check=False).returncode:
                    assert server.poll() is None, (folder / "log").read_text()
                    assert time.monotonic() < until, "the server does not answer"
                    time.sleep(0.05)
                yield f"postgresql+psycopg://tests@/postgres?host={folder}"
            finally:
                server.terminate()
                try:
                    server.wait(PATIENCE_S)
                finally:
                    server.kill()
    finally:
        shutil.rmtree(folder)
