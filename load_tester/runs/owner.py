"""Which process has a run alive, so that others can tell whether it still does.

Each process that runs attacks holds a lock on a file of its own; the system gives the lock up with the process, however
it ends. A run is stored with its owner's token.
"""

import fcntl
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from load_tester.runs.store import StoreUnavailable

PREFIX: Final = "load-tester.owner-"


def lock_directory(database: Path | None) -> Path:
    """Where the lock files are: beside the SQLite file, or for another database in this user's temporary directory."""
    return database.parent if database is not None else Path(tempfile.gettempdir()) / f"load-tester-{os.getuid()}"


class Owner:
    """This process as the owner of its runs; `token` tells it from all others, on any machine.

    Raises:
        StoreUnavailable: the lock file cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        number = secrets.token_hex(8)
        self.token = f"{number}@{socket.gethostname()}"
        self._path = directory / f"{PREFIX}{number}"
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            self._file = self._path.open("xb")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise StoreUnavailable(f"cannot write in {directory}: {error.strerror}") from error

    def close(self) -> None:
        """Own nothing any more."""
        self._path.unlink(missing_ok=True)
        self._file.close()


@contextmanager
def orphaned(directory: Path, token: str) -> Iterator[bool]:
    """Whether the owner with that token has ended; inside of the block no other process is told that it has.

    Of an owner on another machine nobody here knows: it counts as alive. A run of an older version has an empty token,
    and no owner.
    """
    number, _, host = token.partition("@")
    if token and host != socket.gethostname():
        yield False
        return
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / f"{PREFIX}{number}"
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
            path.unlink(missing_ok=True)
