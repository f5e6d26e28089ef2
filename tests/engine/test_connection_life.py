"""The life of a connection on a real socket: idle, busy, reset, flooded, and closed exactly once."""

import asyncio
import socket
import tracemalloc

import pytest

from load_tester.domain.metrics import ErrorKind
from load_tester.domain.request import Response
from load_tester.engine.connection import MAX_BODY_BYTES, MAX_HEADER_BYTES, HttpConnection
from load_tester.engine.observing import MAX_KEPT_BODY_BYTES, ObservingConnection
from load_tester.engine.transport import NO_HIT
from tests.engine.wire import GET, Owner, Wire, wire

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\n"
MIB = 1024 * 1024


def head_of(size: int) -> bytes:
    """The headers of a response without a body, of exactly this many bytes."""
    frame = OK + b"Content-Length: 0\r\nX-Long: %b\r\n\r\n"
    return frame % (b"x" * (size - len(frame) + 2))


def only_event(line: Wire) -> tuple[object, ...]:
    """The one thing that happened to hits."""
    (event,) = [event for event in line.owner.events if event != ("disconnected",)]
    return event


async def test_a_request_is_on_the_wire_when_write_returns() -> None:
    """The instant taken before `write` is the instant of sending: the loop need not run for it."""
    async with wire() as line:
        line.connection.write(GET)
        assert line.peer.recv(1000) == GET
        line.connection.write(GET)
        line.connection.write(GET)
        assert line.peer.recv(1000) == 2 * GET


async def test_a_quiet_idle_connection_is_alive() -> None:
    """Looking at it takes nothing away from it: a response that comes later is whole."""
    async with wire() as line:
        assert line.connection.is_alive()
        line.hit(1)
        assert line.connection.is_alive()
        await line.answer(OK + b"Content-Length: 2\r\n\r\nok")
        assert line.owner.events == [("done", 1, 200)]


@pytest.mark.parametrize("how", ["closed", "half-closed", "reset", "noisy"])
async def test_a_connection_that_the_target_left_is_not_alive(how: str) -> None:
    """It is seen at once, before the loop has told the connection, and the loop then closes it without harm."""
    async with wire() as line:
        match how:
            case "closed":
                line.peer.close()
            case "half-closed":
                line.peer.shutdown(socket.SHUT_WR)
            case "reset":
                line.reset()
            case "noisy":
                line.peer.send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        assert not line.connection.is_alive()
        assert await line.owner.next() == ("disconnected",)
        assert line.connection.closing


@pytest.mark.parametrize("how", ["closed", "noisy"])
async def test_an_idle_connection_is_out_of_use_as_soon_as_the_loop_knows(how: str) -> None:
    """No hit is sent on it between the target's farewell and the end of the connection."""
    async with wire() as line:
        if how == "closed":
            line.peer.close()
        else:
            line.peer.send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        while not line.connection.closing:  # noqa: ASYNC110  # there is no event for this: that is what is tested
            await asyncio.sleep(0)
        assert line.owner.events == []


@pytest.mark.parametrize("so_far", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", OK, OK + b"Content-Length: 5\r\n\r\nab"])
async def test_a_reset_fails_the_hit_in_flight(so_far: bytes) -> None:
    """Before, between or within the parts of a response."""
    async with wire() as line:
        line.hit(3)
        if so_far:
            await line.answer(so_far)
        line.reset()
        await line.owner.next()
        assert only_event(line)[:3] == ("failed", 3, ErrorKind.RESET)
        assert line.connection.closing


async def test_a_hit_on_a_connection_that_was_just_reset_fails_once() -> None:
    """The write is what meets the reset; the hit ends all the same."""
    async with wire() as line:
        line.reset()
        line.connection.seq = 4
        line.connection.write(GET)
        await line.owner.next()
        assert only_event(line)[:3] == ("failed", 4, ErrorKind.RESET)


async def test_a_response_that_comes_too_late_harms_nobody() -> None:
    """After its hit was given up, as at its timeout, nothing but the end of the connection is told."""
    async with wire() as line:
        line.hit(5)
        line.connection.seq = NO_HIT
        line.connection.close()
        line.peer.send(OK + b"Content-Length: 0\r\n\r\n")
        assert await line.owner.next() == ("disconnected",)
        assert line.owner.events == [("disconnected",)]


async def test_a_response_before_the_request_was_read_ends_the_connection_if_it_says_close() -> None:
    """The rest of the request, which nobody will read, does not keep the connection open."""
    async with wire() as line:
        line.connection.seq = 6
        line.connection.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (32 * MIB) + bytes(32 * MIB))
        await line.answer(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        assert await line.owner.next() == ("done", 6, 413)
        assert await line.owner.next() == ("disconnected",)


async def test_an_end_before_the_request_was_read_fails_the_hit_at_once() -> None:
    """A target that closes its side can answer no more, whether or not it still reads."""
    async with wire() as line:
        line.connection.seq = 6
        line.connection.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (32 * MIB) + bytes(32 * MIB))
        line.peer.shutdown(socket.SHUT_WR)
        assert (await line.owner.next())[:3] == ("failed", 6, ErrorKind.CLOSED)
        assert await line.owner.next() == ("disconnected",)


@pytest.mark.parametrize("piece", [200_000, 60_000, 1_000])
@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"])
async def test_headers_up_to_the_limit_are_taken(piece: int, interim: bytes) -> None:
    """64 KiB, in as many pieces as they come."""
    data = interim + head_of(MAX_HEADER_BYTES - len(interim))
    async with wire() as line:
        line.hit(1)
        await line.answer(*(data[at : at + piece] for at in range(0, len(data), piece)))
        assert line.owner.events == [("done", 1, 200)]
        line.hit(2)
        await line.answer(head_of(MAX_HEADER_BYTES))
        assert line.owner.events == [("done", 1, 200), ("done", 2, 200)]


@pytest.mark.parametrize("piece", [200_000, 60_000, 1_000])
@pytest.mark.parametrize("size", [MAX_HEADER_BYTES + 1, 100_000])
async def test_headers_over_the_limit_fail_the_hit(size: int, piece: int) -> None:
    """One byte more than 64 KiB is too much, however it comes."""
    data = head_of(size)
    async with wire() as line:
        line.hit(1)
        await line.answer(*(data[at : at + piece] for at in range(0, len(data), piece) if not line.connection.closing))
        await line.owner.next()
        assert only_event(line)[:3] == ("failed", 1, ErrorKind.OVERSIZE)
        assert line.connection.closing


async def test_interim_responses_without_end_fail_the_hit() -> None:
    """They count as headers, so a hit cannot be kept waiting by them for ever."""
    async with wire() as line:
        line.hit(1)
        while not line.connection.closing:
            await line.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)
        assert only_event(line)[:3] == ("failed", 1, ErrorKind.OVERSIZE)


@pytest.mark.parametrize("size", [MAX_HEADER_BYTES, 3 * MAX_HEADER_BYTES, 4 * MIB])
@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"])
async def test_a_large_body_is_no_large_header(size: int, last: bytes) -> None:
    """Responses of more than 64 KiB are whole, counted, and their connection is used again if it may be."""
    async with wire() as line:
        line.hit(1)
        await line.answer(OK + last + b"Content-Length: %d\r\n\r\n" % size + bytes(size))
        assert line.owner.events == [("done", 1, 200)]
        assert line.connection.body_bytes == size
        assert line.connection.closing is bool(last)


@pytest.mark.parametrize("framing", ["length", "chunked", "end"])
@pytest.mark.parametrize("is_observed", [False, True])
async def test_a_huge_body_is_drained_in_flat_memory(framing: str, is_observed: bool) -> None:
    """64 MiB are counted to the byte while no more than a few chunks (and what is observed of it) are held."""
    seen: list[Response] = []
    header = {
        "length": b"Content-Length: %d\r\n" % (64 * MIB),
        "chunked": b"Transfer-Encoding: chunked\r\n",
        "end": b"",
    }
    block = bytes(MIB)
    if framing == "chunked":
        block = b"%x\r\n%b\r\n" % (MIB, block)

    def make(owner: Owner) -> HttpConnection:
        return ObservingConnection(owner, seen.append) if is_observed else HttpConnection(owner)

    async with wire(make) as line:
        line.hit(1)
        tracemalloc.start()
        try:
            await line.answer(OK + header[framing] + b"\r\n")
            for _ in range(64):
                await line.answer(block)
            if framing == "chunked":
                await line.answer(b"0\r\n\r\n")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        line.peer.close()
        assert await line.owner.next() == ("done", 1, 200)
        assert line.connection.body_bytes == 64 * MIB
        assert peak < 5 * MIB
        assert [len(response.body) for response in seen] == ([MAX_KEPT_BODY_BYTES] if is_observed else [])


async def test_a_body_without_end_fails_the_hit() -> None:
    """The limit holds although the bytes counted are taken away all the time, as the recorder does."""
    async with wire() as line:
        line.hit(1)
        await line.answer(OK + b"\r\n")
        block, received = bytes(16 * MIB), 0
        while not line.connection.closing:
            # Straight to the connection: a gigabyte through a socket would make the test slow, not better.
            line.connection.data_received(block)
            received += line.connection.body_bytes
            line.connection.body_bytes = 0
        assert only_event(line)[:3] == ("failed", 1, ErrorKind.OVERSIZE)
        assert received == MAX_BODY_BYTES  # with the headers, it is over the limit


async def test_many_hits_on_one_connection_do_not_add_up_to_a_limit() -> None:
    """The limits are those of one response."""
    async with wire() as line:
        for seq in range(5):
            line.hit(seq)
            await line.answer(head_of(MAX_HEADER_BYTES - 10)[:100], head_of(MAX_HEADER_BYTES - 10)[100:])
        assert line.owner.events == [("done", seq, 200) for seq in range(5)]
        assert line.connection._part_bytes == 0


async def test_an_observer_gets_lower_case_names_and_the_headers_in_order() -> None:
    """Repeated headers stay apart, and bytes beyond ASCII are Latin-1."""
    seen: list[Response] = []
    async with wire(lambda owner: ObservingConnection(owner, seen.append)) as line:
        line.hit(9)
        await line.answer(OK + b"Set-Cookie: a=1\r\nSET-COOKIE: b=2\r\nX-Name: Ren\xe9\r\nContent-Length: 0\r\n\r\n")
    cookies = (("set-cookie", "a=1"), ("set-cookie", "b=2"))
    assert seen == [Response(9, 200, (*cookies, ("x-name", "Ren\u00e9"), ("content-length", "0")), b"")]
