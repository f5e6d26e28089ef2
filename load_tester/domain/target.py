"""The target of an attack: a URL taken apart and checked."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_EXPECTED = "expected http://host:port or https://host:port, with or without a path"


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
        InvalidTarget: another scheme, no host, a bad port, or parts that cannot be attacked: a user, a query, a
            fragment, the zone of a link-local address.
    """
    named = repr(re.sub(r"//[^/]*@", "//…@", url))  # messages end up in logs and records; passwords must not
    if any(character.isspace() or not character.isprintable() for character in url):
        raise InvalidTarget(f"{named} holds white space or control characters; {_EXPECTED}")  # urlsplit drops some
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidTarget(f"{named} is not a URL ({error}); {_EXPECTED}") from error
    if parts.scheme not in {"http", "https"}:
        raise InvalidTarget(f"{named} has no http or https scheme; {_EXPECTED}")
    host = parts.hostname
    if not host:
        raise InvalidTarget(f"{named} has no host; {_EXPECTED}")
    if parts.username is not None or parts.password is not None:
        raise InvalidTarget(f"{named} holds a user name or password; {_EXPECTED}")
    if parts.query or parts.fragment:
        raise InvalidTarget(f"{named} has a query or a fragment; {_EXPECTED}")
    if port == 0:
        raise InvalidTarget(f"{named} has port 0; expected 1 to 65535")
    host = _ascii(host, named)
    if not (host + parts.path).isascii():
        raise InvalidTarget(f"{named} holds characters that must be percent-encoded")
    tls = parts.scheme == "https"
    shown = f"[{host}]" if ":" in host else host
    default = 443 if tls else 80
    authority = shown if port in (None, default) else f"{shown}:{port}"
    return Target(tls, host, port or default, parts.path.rstrip("/"), authority)


def _ascii(host: str, named: str) -> str:
    """The host as it is resolved and sent: international names in their ASCII form."""
    if "%" in host:
        raise InvalidTarget(f"{named} has a host with a zone or with percent-encoding; {_EXPECTED}")
    try:
        return host if _is_address(host) else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidTarget(f"{named} has a host that is not a valid name ({error}); {_EXPECTED}") from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
