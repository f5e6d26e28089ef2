"""The files on this machine that parameters may name."""

from pathlib import Path
from typing import Final

from load_tester.domain.files import FileUnavailable

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_ALL_BYTES: Final = 32 * 1024 * 1024
"""Of one attack: each of its workers gets them all."""


class LocalFiles:
    """Reads the files below one directory, and keeps what was read in `contents`; see `domain.files.Files`.

    One for each command; it is used from one thread at a time. Names are relative to the directory, and nothing above
    it can be reached, by a link either: whoever may send commands must not be able to read this machine's secrets.
    """

    def __init__(self, directory: Path | None) -> None:
        self.contents: dict[str, bytes] = {}
        self._directory = directory

    def read(self, name: str) -> bytes:
        """See `Files.read`."""
        if name not in self.contents:
            content = self._content(name)
            if sum(map(len, self.contents.values())) + len(content) > MAX_ALL_BYTES:
                raise FileUnavailable(f"with {name!r} the files of one attack exceed {MAX_ALL_BYTES} bytes")
            self.contents[name] = content
        return self.contents[name]

    def _content(self, name: str) -> bytes:
        if self._directory is None:
            raise FileUnavailable(
                f"cannot read {name!r}: no directory with files was named when load-tester was started (--files DIR)"
            )
        root = self._directory.resolve()
        try:
            path = (root / name).resolve()
            if not path.is_relative_to(root):
                raise FileUnavailable(f"cannot read {name!r}: it is not below {root}")
            if not path.is_file():  # a named pipe would make its reader wait for a writer
                raise FileUnavailable(f"cannot read {name!r} in {root}: there is no such file")
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise FileUnavailable(f"cannot read {name!r} in {root}: {error.strerror}") from None
        except ValueError:
            raise FileUnavailable(f"cannot read {name!r}: that is no name of a file") from None
        if len(content) > MAX_FILE_BYTES:
            raise FileUnavailable(f"cannot read {name!r}: it is larger than {MAX_FILE_BYTES} bytes")
        return content
