"""The target of an attack: a URL taken apart and checked."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


class InvalidTarget(ValueError):
    """A URL that cannot be attacked; the message says what is wrong and what was expected."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and what to put before the path of every request.

    `host` is a name or an address without brackets; `prefix` has no trailing slash and may be empty; `authority` is
    the value of the `Host` header: without the port when that is the scheme's own.
    """

    tls: bool
    host: str
    port: int
    prefix: str
    authority: str


def parse_target(url: str) -> Target:
    """Take apart `http://host[:port][/prefix]` or `https://…`.

    Raises:
        InvalidTarget: another scheme, no host, a bad port, or parts that cannot be attacked: user, query, fragment.
    """
    expected = "expected http://host:port or https://host:port, with or without a path"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidTarget(f"{url!r} is not a URL ({error}); {expected}") from error
    if parts.scheme not in {"http", "https"}:
        raise InvalidTarget(f"{url!r} has no http or https scheme; {expected}")
    host = parts.hostname
    if not host:
        raise InvalidTarget(f"{url!r} has no host; {expected}")
    if parts.username is not None or parts.password is not None:
        raise InvalidTarget(f"{url!r} holds a user name or password; {expected}")
    if parts.query or parts.fragment:
        raise InvalidTarget(f"{url!r} has a query or a fragment; {expected}")
    if port == 0:
        raise InvalidTarget(f"{url!r} has port 0; expected 1 to 65535")
    try:
        host = host if _is_address(host) else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidTarget(f"{url!r} has a host that is not a valid name ({error}); {expected}") from error
    if any(character <= " " or character > "~" for character in host + parts.path):
        raise InvalidTarget(f"{url!r} holds characters that must be percent-encoded")
    tls = parts.scheme == "https"
    shown = f"[{host}]" if ":" in host else host
    default = 443 if tls else 80
    authority = shown if port in (None, default) else f"{shown}:{port}"
    return Target(tls, host, port or default, parts.path.rstrip("/"), authority)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
