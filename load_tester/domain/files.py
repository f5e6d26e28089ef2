"""Files that parameters name: read once where the daemon runs, and carried with the attack to its workers."""

from collections.abc import Mapping
from typing import Final, Protocol


class FileUnavailable(LookupError):
    """A file that cannot be read; the message names it and says why."""


class Files(Protocol):
    """Where a test type's builder finds the files that its parameters name."""

    def read(self, name: str) -> bytes:
        """The content of the file.

        Raises:
            FileUnavailable: there is none, or it may not be read.
        """


class CarriedFiles:
    """Files that are there already: those of an attack in its workers, or a test's."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    def read(self, name: str) -> bytes:
        """See `Files.read`."""
        try:
            return self._contents[name]
        except KeyError:
            raise FileUnavailable(f"there is no file {name!r}") from None


NO_FILES: Final[Files] = CarriedFiles({})
"""Where there are none."""
