"""How connections are opened, and how every failure to open one is told exactly once, with its kind and a reason."""

import asyncio
import contextlib
import errno
import functools
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
import trustme

from load_tester.domain.attack import Tls
from load_tester.domain.duration import SECOND
from load_tester.domain.metrics import ErrorKind
from load_tester.domain.target import parse_target
from load_tester.engine.connection import HttpConnection
from load_tester.engine.dialer import Address, Resolver, TcpDialer, explained, tls_context
from tests.engine.wire import GET, Owner

pytestmark = pytest.mark.anyio

PATIENCE_NS = 10 * SECOND
HAS_IPV6 = False
with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
    HAS_IPV6 = True


class Caller(Owner):
    """Owns a dialer and what it opens; `failures` are those it was told of."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None, timeout_ns: int = PATIENCE_NS) -> None:
        super().__init__()
        self.failures: asyncio.Queue[tuple[ErrorKind, str]] = asyncio.Queue()
        target = parse_target(url)
        tls = tls or (tls_context(Tls()) if target.tls else None)
        self.dialer = TcpDialer(target, tls, timeout_ns, lambda: HttpConnection(self), self._failed)

    def _failed(self, kind: ErrorKind, message: str) -> None:
        self.failures.put_nowait((kind, message))

    async def failure(self) -> tuple[ErrorKind, str]:
        """Dial once; it must fail, and say so once."""
        self.dialer.dial()
        async with asyncio.timeout(10):
            failure = await self.failures.get()
        await self.settle()
        assert self.failures.empty()
        assert self.opened.empty()
        return failure

    async def connection(self) -> HttpConnection:
        """Dial once; it must succeed, and say so once."""
        self.dialer.dial()
        async with asyncio.timeout(10):
            connection = await self.opened.get()
        await self.settle()
        assert self.failures.empty()
        assert self.opened.empty()
        return connection

    async def settle(self) -> None:
        """Let the dials end that have told their outcome."""
        while self.dialer._dials:  # noqa: ASYNC110  # it is the dialer's own business when
            await asyncio.sleep(0)


@functools.cache
def authority() -> trustme.CA:
    """A certificate authority nobody trusts unless told to."""
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


def pem() -> str:
    """What to trust to trust it."""
    return authority().cert_pem.bytes().decode()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request, until the client goes."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    writer.close()


@contextlib.asynccontextmanager
async def tls_target(*names: str, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A TLS server on `host` with a certificate for those names; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*names).configure_cert(context)
    server = await asyncio.start_server(answer, host, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def closed_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on."""
    with socket.create_server((host, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def one_hit(caller: Caller, connection: HttpConnection) -> None:
    """Send a request and take its response, then close."""
    connection.seq = 1
    connection.write(GET)
    assert await caller.next() == ("done", 1, 200)
    connection.close()
    assert await caller.next() == ("disconnected",)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", pytest.param("[::1]", marks=pytest.mark.skipif(not HAS_IPV6, reason="no IPv6"))]
)
async def test_a_connection_is_opened_and_used(host: str) -> None:
    """By address, by name, and over IPv6."""
    server = await asyncio.start_server(answer, host.strip("[]"), 0)
    async with server:
        caller = Caller(f"http://{host}:{server.sockets[0].getsockname()[1]}")
        await one_hit(caller, await caller.connection())


async def test_a_refused_connection_is_told_once() -> None:
    """With the target's name, and again at the next dial."""
    port = closed_port()
    caller = Caller(f"http://127.0.0.1:{port}")
    for _ in range(3):
        assert await caller.failure() == (ErrorKind.REFUSED, f"127.0.0.1:{port} refused the connection")


async def test_a_name_that_does_not_exist_is_a_resolve_failure() -> None:
    """The message names the name."""
    kind, message = await Caller("http://no-such-host.invalid").failure()
    assert kind is ErrorKind.RESOLVE
    assert message.startswith("the name 'no-such-host.invalid' cannot be resolved: ")


async def test_a_hundred_dials_at_once_have_a_hundred_outcomes() -> None:
    """They share one look-up, and each tells its end once."""
    caller = Caller(f"http://localhost:{closed_port()}")
    for _ in range(100):
        caller.dialer.dial()
    await caller.settle()
    assert caller.failures.qsize() == 100


class Addresses(Resolver):
    """A resolver that knows its addresses already."""

    def __init__(self, *addresses: Address) -> None:
        super().__init__("127.0.0.1", 0)
        self._addresses = list(addresses)


async def test_the_next_address_is_tried_when_one_refuses_and_first_from_then_on() -> None:
    """The address that refused moves to the end, so that only the first connection pays for it."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    bad = (socket.AF_INET, ("127.0.0.1", closed_port()))
    good = (socket.AF_INET, ("127.0.0.1", server.sockets[0].getsockname()[1]))
    async with server:
        caller = Caller("http://two.invalid")
        caller.dialer._resolver = Addresses(bad, good)
        await one_hit(caller, await caller.connection())
        assert await caller.dialer._resolver.addresses() == [good, bad]
        await one_hit(caller, await caller.connection())


async def test_a_refusal_is_told_rather_than_the_lack_of_a_route() -> None:
    """Whatever the order: a machine without a way to one address need not hear of it when another one refuses."""
    no_route = (socket.AF_INET, ("255.255.255.255", 9))
    refusing = (socket.AF_INET, ("127.0.0.1", closed_port()))
    for order in ((no_route, refusing), (refusing, no_route)):
        caller = Caller("http://two.invalid")
        caller.dialer._resolver = Addresses(*order)
        assert (await caller.failure())[0] is ErrorKind.REFUSED


async def test_an_address_that_does_not_answer_moves_to_the_end() -> None:
    """The connection that waited for it has failed at its timeout; the next one begins with the other address."""
    with socket.socket() as full:
        # Nobody accepts, and the queue is full: the kernel drops what knocks, as a firewall does.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        queued = [socket.socket() for _ in range(4)]
        for sock in queued:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        silent = (socket.AF_INET, full.getsockname())
        other = (socket.AF_INET, ("127.0.0.1", closed_port()))
        caller = Caller("http://two.invalid", timeout_ns=SECOND // 20)
        caller.dialer._resolver = Addresses(silent, other)
        kind, message = await caller.failure()
        assert (kind, message) == (ErrorKind.CONNECT, "connecting to two.invalid took longer than the timeout")
        assert await caller.dialer._resolver.addresses() == [other, silent]
        for sock in queued:
            sock.close()


async def test_an_address_needs_no_look_up() -> None:
    """An IP address is its own answer: there is no look-up to be waited for."""
    for host, expected in (
        ("127.0.0.1", (socket.AF_INET, ("127.0.0.1", 80))),
        ("::1", (socket.AF_INET6, ("::1", 80, 0, 0))),
    ):
        with pytest.raises(StopIteration) as done:
            Resolver(host, 80).addresses().send(None)  # a coroutine that ends without having waited
        assert done.value.value == [expected]


async def test_a_name_is_looked_up_once_for_all_who_wait() -> None:
    """And not again while its addresses are fresh."""
    resolver = Resolver("localhost", 80)
    first, second = await asyncio.gather(resolver.addresses(), resolver.addresses())
    assert first == second
    with pytest.raises(StopIteration):
        resolver.addresses().send(None)


async def test_a_trusted_target_is_spoken_to_over_tls() -> None:
    """With the authority's certificate in hand, by address and by name."""
    async with tls_target("localhost", "127.0.0.1") as port:
        for host in ("localhost", "127.0.0.1"):
            caller = Caller(f"https://{host}:{port}", tls_context(Tls(ca_pem=pem())))
            await one_hit(caller, await caller.connection())


async def test_an_untrusted_target_is_a_tls_failure() -> None:
    """The message says that it is the certificate, and why."""
    async with tls_target("127.0.0.1") as port:
        kind, message = await Caller(f"https://127.0.0.1:{port}").failure()
    assert kind is ErrorKind.TLS
    assert message == (
        f"the certificate of 127.0.0.1:{port} is not trusted: unable to get local issuer certificate"
        " (--ca and --insecure say how it is verified)"
    )


async def test_a_certificate_for_another_name_is_a_tls_failure() -> None:
    """The message says which name did not match."""
    async with tls_target("other.test") as port:
        kind, message = await Caller(f"https://localhost:{port}", tls_context(Tls(ca_pem=pem()))).failure()
    assert kind is ErrorKind.TLS
    assert "Hostname mismatch" in message
    assert "localhost" in message


async def test_verification_can_be_switched_off() -> None:
    """Any certificate for any name will do then."""
    async with tls_target("other.test") as port:
        caller = Caller(f"https://127.0.0.1:{port}", tls_context(Tls(verify=False)))
        await one_hit(caller, await caller.connection())


async def test_a_body_up_to_the_end_of_a_tls_connection_needs_a_farewell() -> None:
    """With TLS's own end of the stream it is whole; without, it may have been cut off by anybody, and is not."""
    for farewell, expected in ((True, ("done", 1, 200)), (False, ("failed", 1, ErrorKind.CLOSED))):

        async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter, farewell: bool = farewell) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it?")
            await writer.drain()
            if farewell:
                writer.close()
            else:
                with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as below:
                    below.shutdown(socket.SHUT_WR)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority().issue_cert("127.0.0.1").configure_cert(context)
        async with await asyncio.start_server(cut, "127.0.0.1", 0, ssl=context) as server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            caller = Caller(url, tls_context(Tls(ca_pem=pem())))
            caller.dialer.dial()
            connection = await caller.opened.get()
            connection.seq = 1
            assert (await caller.next())[:3] == expected
            assert await caller.next() == ("disconnected",)


async def test_tls_to_a_plain_port_is_a_tls_failure_with_a_hint() -> None:
    """A target that answers in plain text does not speak TLS."""

    async def complain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(complain, "127.0.0.1", 0) as server:
        kind, message = await Caller(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}").failure()
    assert kind is ErrorKind.TLS
    assert message.endswith("(it does not seem to speak TLS: is it an http:// target?)")


async def test_a_target_that_closes_during_the_handshake_is_a_tls_failure() -> None:
    """It is told as what it is."""

    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(leave, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        kind, message = await Caller(f"https://127.0.0.1:{port}").failure()
    assert (kind, message) == (ErrorKind.TLS, f"127.0.0.1:{port} closed the connection during the TLS handshake")


async def test_a_handshake_that_never_comes_ends_with_the_timeout() -> None:
    """The target accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        kind, message = await Caller(f"https://127.0.0.1:{port}", timeout_ns=SECOND // 20).failure()
    assert (kind, message) == (ErrorKind.CONNECT, f"connecting to 127.0.0.1:{port} took longer than the timeout")


async def closed_by_peer(listener: socket.socket) -> None:
    """The connection that waits to be accepted, if there is one, has been closed by whoever made it."""
    with contextlib.suppress(BlockingIOError):  # it had not come so far
        peer, _ = listener.accept()
        peer.setblocking(False)
        with peer, contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(10):
                while await asyncio.get_running_loop().sock_recv(peer, 1000):
                    pass


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_closing_gives_up_what_is_being_opened_without_a_word(scheme: str) -> None:
    """Wherever a dial is on its way, it ends, its socket is closed, and nothing is told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        for turns in range(6):
            caller = Caller(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
            caller.dialer.dial()
            for _ in range(turns):
                await asyncio.sleep(0)
            told = caller.opened.qsize()
            caller.dialer.close()
            await caller.settle()
            assert caller.failures.empty()
            assert caller.opened.qsize() == told
            if told:
                # It was open before: it lives on, and is its owner's to close.
                connection = await caller.opened.get()
                assert connection.is_alive()
                connection.close()
                assert await caller.next() == ("disconnected",)
            else:
                await closed_by_peer(listener)
            assert caller.events in ([], [("disconnected",)])


async def test_a_connection_that_is_open_when_the_dialer_closes_stays_open() -> None:
    """The hit that is sent at once on a new connection gets its response, although its dial was just given up."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        caller = Caller(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")

        class Eager(HttpConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                caller.dialer.close()

        caller.dialer._make_connection = lambda: Eager(caller)
        await one_hit(caller, await caller.connection())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EADDRNOTAVAIL, ""), "Cannot assign requested address (this machine has no free local port: "),
        (OSError(errno.ENETUNREACH, ""), "Network is unreachable"),
        (ConnectionResetError(errno.ECONNRESET, ""), "Connection reset by peer"),
        (ValueError("what else"), "what else"),
    ],
)
def test_other_failures_to_connect_say_what_the_system_says(error: OSError | ValueError, expected: str) -> None:
    """With what can be done about it where the fault is this machine's."""
    kind, message = explained(error, parse_target("http://h:81"))
    assert kind is ErrorKind.CONNECT
    assert message.startswith(f"no connection to h:81: {expected}")


OUT_OF_FILES = """
import asyncio, os, resource, sys
import uvloop
from load_tester.domain.target import parse_target
from load_tester.engine.connection import HttpConnection
from load_tester.engine.dialer import TcpDialer

async def main():
    failed = asyncio.get_running_loop().create_future()
    dialer = TcpDialer(parse_target("http://127.0.0.1:9"), None, 10**10, lambda: HttpConnection(Owner()),
                       lambda *failure: failed.set_result(failure))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    dialer.dial()
    print(*await failed)

class Owner:
    def connected(self, connection): raise AssertionError
    hit_done = hit_failed = disconnected = connected

asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
"""


def test_a_lack_of_file_descriptors_is_told_with_what_to_do() -> None:
    """The limit is that of a process of its own."""
    script = [sys.executable, "-W", "error", "-c", OUT_OF_FILES]
    done = subprocess.run(script, capture_output=True, text=True, timeout=30, check=False)
    expected = "connect no connection to 127.0.0.1:9: Too many open files (too many open files: raise `ulimit -n`"
    assert done.stdout.startswith(expected), done.stderr


def test_a_certificate_authority_that_is_none_is_refused() -> None:
    """Before the attack, as an error of whoever gave it."""
    with pytest.raises(ssl.SSLError):
        tls_context(Tls(ca_pem="not a certificate"))
