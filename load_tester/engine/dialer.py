"""Opens connections to the target: name resolution, TCP, TLS; every failure becomes an error kind and a message."""

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from typing import Final

from load_tester.domain.attack import Tls
from load_tester.domain.duration import SECOND
from load_tester.domain.metrics import ErrorKind
from load_tester.domain.target import Target
from load_tester.engine.clock import monotonic_ns
from load_tester.engine.connection import HttpConnection

ADDRESSES_KEPT_NS: Final = 10 * SECOND
"""How long the addresses of a name are used before it is resolved again."""
FAILURE_KEPT_NS: Final = SECOND
"""How long a name that could not be resolved is taken to stay so."""
FOREVER_NS: Final = 2**63

MIN_HANDSHAKE_S: Final = 0.001
NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})
"""What OpenSSL calls it, depending on its version, when the other side answers in plain text."""

SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Address = tuple[socket.AddressFamily, SocketAddress]


def tls_context(tls: Tls) -> ssl.SSLContext:
    """The TLS settings of an attack.

    Raises:
        ssl.SSLError: `ca_pem` holds no certificate.
    """
    context = ssl.create_default_context(cadata=tls.ca_pem)
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Resolver:
    """The addresses of one host, remembered for a while; an address that did not answer moves to the end.

    A host that is an IP address is not looked up: that would occupy a thread, and fail when descriptors run out.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._addresses = _literal(host, port)
        self._failure: socket.gaierror | None = None
        self._known_until = FOREVER_NS if self._addresses else 0
        self._lookup: asyncio.Task[None] | None = None

    async def addresses(self) -> list[Address]:
        """The addresses, best first; look-ups at the same time share one.

        Raises:
            socket.gaierror: the name cannot be resolved.
        """
        if monotonic_ns() >= self._known_until:
            if self._lookup is None:
                self._lookup = asyncio.ensure_future(self._look_up())
            await asyncio.shield(self._lookup)
        if self._failure is not None:
            raise self._failure
        return list(self._addresses)

    def demote(self, address: Address) -> None:
        """Try this address last from now on."""
        if address in self._addresses:
            self._addresses.remove(address)
            self._addresses.append(address)

    async def _look_up(self) -> None:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            self._failure = error
            self._known_until = monotonic_ns() + FAILURE_KEPT_NS
        else:
            self._addresses = [(family, address) for family, _, _, _, address in found]
            self._failure = None
            self._known_until = monotonic_ns() + ADDRESSES_KEPT_NS
        finally:
            self._lookup = None


class TcpDialer:
    """Opens TCP or TLS connections for one owner; see `attacker.Dialer`.

    Args:
        target: where to connect.
        tls: the settings for a TLS target, otherwise `None`.
        timeout_ns: for one connection, from the first attempt to the end of the TLS handshake.
        make_connection: makes the protocol of a new connection.
        on_failed: told why a connection could not be opened.
    """

    def __init__(
        self,
        target: Target,
        tls: ssl.SSLContext | None,
        timeout_ns: int,
        make_connection: Callable[[], HttpConnection],
        on_failed: Callable[[ErrorKind, str], None],
    ) -> None:
        self._target = target
        self._tls = tls
        self._timeout_s = timeout_ns / SECOND
        self._make_connection = make_connection
        self._on_failed = on_failed
        self._resolver = Resolver(target.host, target.port)
        self._loop = asyncio.get_running_loop()
        self._dials: dict[asyncio.Task[None], HttpConnection] = {}

    def dial(self) -> None:
        """Start to open a connection."""
        connection = self._make_connection()
        task = self._loop.create_task(self._dial(connection))
        self._dials[task] = connection
        task.add_done_callback(self._dials.pop)

    def close(self) -> None:
        """Give up the connections that are being opened."""
        for task, connection in self._dials.items():
            # A connection that is open belongs to its owner already, though its task has still to hear of it. One that
            # is not may open before its task hears of this.
            if not connection.is_open:
                connection.abandon()
                task.cancel()

    async def _dial(self, connection: HttpConnection) -> None:
        deadline_s = self._loop.time() + self._timeout_s
        try:
            async with asyncio.timeout_at(deadline_s):
                sock = await self._connect()
            # From here on the timeout must not cancel this task: the connection may be open by then.
            await self._hand_over(connection, sock, max(MIN_HANDSHAKE_S, deadline_s - self._loop.time()))
        except TimeoutError:
            self._on_failed(ErrorKind.CONNECT, f"connecting to {self._target.authority} took longer than the timeout")
        except (OSError, ValueError) as error:  # ssl.CertificateError is a ValueError too
            self._on_failed(*explained(error, self._target))

    async def _connect(self) -> socket.socket:
        """A socket that is connected to the first address that accepts."""
        errors: list[OSError] = []
        for family, address in await self._resolver.addresses():
            try:
                return await self._connect_to(family, address)
            except OSError as error:
                errors.append(error)
        # A refusal says more than that this machine has no route to another address of the same target.
        raise next((error for error in errors if isinstance(error, ConnectionRefusedError)), errors[-1])

    async def _connect_to(self, family: socket.AddressFamily, address: SocketAddress) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)  # the method takes it by position only
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                sock.connect(address)  # on loopback it is connected at once
            except BlockingIOError:
                await self._connected(sock)
        except BaseException:  # also when the time is over: the next attempt shall begin with another address
            sock.close()
            self._resolver.demote((family, address))
            raise
        return sock

    async def _connected(self, sock: socket.socket) -> None:
        """Wait until a connection is made. uvloop's `sock_connect` would look the address up again, in a thread."""
        writable = asyncio.Event()
        self._loop.add_writer(sock, writable.set)
        try:
            await writable.wait()
        finally:
            self._loop.remove_writer(sock)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))

    async def _hand_over(self, connection: HttpConnection, sock: socket.socket, handshake_s: float) -> None:
        """Make the socket a transport of the connection, which tells its owner when it is open."""
        if self._tls is None:
            connection.use_socket(sock)
            await self._loop.create_connection(lambda: connection, sock=sock)
            return
        try:
            await self._loop.create_connection(
                lambda: connection,
                sock=sock,
                ssl=self._tls,
                server_hostname=self._target.host,
                ssl_handshake_timeout=handshake_s,
            )
        except ConnectionAbortedError as error:
            if error.errno is not None:
                raise
            raise TimeoutError from error  # uvloop's own word for a handshake that takes too long


def _literal(host: str, port: int) -> list[Address]:
    """The address that a host is, if it is one; a `Target` has none with a zone."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return []
    if ip.version == 4:
        return [(socket.AF_INET, (host, port))]
    return [(socket.AF_INET6, (host, port, 0, 0))]


def explained(error: OSError | ValueError, target: Target) -> tuple[ErrorKind, str]:
    """The kind of a failure to connect, and a message that names the target."""
    where = target.authority
    if isinstance(error, socket.gaierror):
        return ErrorKind.RESOLVE, f"the name {target.host!r} cannot be resolved: {error.strerror}"
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = " (--ca and --insecure say how it is verified)"
        return ErrorKind.TLS, f"the certificate of {where} is not trusted: {error.verify_message}{hint}"
    if isinstance(error, ssl.SSLError):
        hint = " (it does not seem to speak TLS: is it an http:// target?)" if error.reason in NO_TLS else ""
        return ErrorKind.TLS, f"the TLS handshake with {where} failed: {error.reason or error}{hint}"
    if isinstance(error, ConnectionRefusedError):
        return ErrorKind.REFUSED, f"{where} refused the connection"
    if isinstance(error, ConnectionError) and target.tls:
        return ErrorKind.TLS, f"{where} closed the connection during the TLS handshake"
    code = error.errno if isinstance(error, OSError) else None
    reason = os.strerror(code) if code else str(error)
    hint = {
        errno.EADDRNOTAVAIL: " (this machine has no free local port: allow fewer connections, or keep them alive)",
        errno.EMFILE: " (too many open files: raise `ulimit -n`, or allow fewer connections)",
    }.get(code or 0, "")
    return ErrorKind.CONNECT, f"no connection to {where}: {reason}{hint}"
