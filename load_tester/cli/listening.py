"""The daemon's socket, bound before anything is promised about it."""

import os
import socket
from typing import Final

from load_tester.cli.settings import BadSetting

BACKLOG: Final = 2048


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on the first address of `host`; port 0 for any that is free.

    Raises:
        BadSetting: the address cannot be resolved or used.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise BadSetting(cannot_listen(host, port, error)) from None


def cannot_listen(host: str, port: int, error: Exception) -> str:
    """What to tell the user."""
    reason = str(error)
    if isinstance(error, socket.gaierror):
        reason = error.strerror or reason
    elif isinstance(error, OSError) and error.errno:
        reason = os.strerror(error.errno)  # asyncio and socket put more into the error's own text
    return f"cannot listen on {authority(host, port)}: {reason[:1].lower()}{reason[1:]}; choose with --host and --port"


def authority(host: str, port: int) -> str:
    """Host and port as they stand in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
