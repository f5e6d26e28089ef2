"""The sink's HTTP/1.1, byte by byte on real sockets."""

import asyncio
import re

import pytest

from load_tester.sink.behaviour import Behaviour
from load_tester.sink.connection import MAX_HEAD_BYTES, MAX_HELD
from load_tester.sink.delay import parse_delay
from load_tester.sink.server import Sink
from tests.sink.wire import ask, dial, get, post, read

pytestmark = pytest.mark.anyio


async def conversation(sink: Sink, data: bytes) -> bytes:
    """All that the sink says to that before it closes the connection."""
    reader, writer = await dial(sink)
    writer.write(data)
    said = await reader.read()
    writer.close()
    return said


def statuses(said: bytes) -> list[bytes]:
    """The status codes of the responses in a stream."""
    return re.findall(rb"HTTP/1\.1 (\d{3}) ", said)


async def test_every_path_is_answered_with_a_small_body() -> None:
    """Whatever is asked for, the answer is 200, dated and framed."""
    async with Sink() as sink:
        answer = await ask(sink, get("/api/1/envelope/?x=1"))
    assert answer.status == 200
    assert answer.body == b"ok\n"
    assert answer.headers["date"].endswith("GMT")


async def test_a_connection_is_kept_and_requests_may_come_in_one_piece() -> None:
    """Pipelined requests of all kinds are answered in order on one connection."""
    async with Sink() as sink:
        said = await conversation(
            sink, get("/a") + post(b"12345", "/b") + get("/c", method="HEAD") + get("/d", "Connection: close")
        )
        stats = sink.stats()
    assert statuses(said) == [b"200"] * 4
    assert said.count(b"ok\n") == 3
    assert (stats.requests, stats.bytes, stats.connections) == (4, 5, 1)
    assert stats.paths == {"/a": 1, "/b": 1, "/c": 1, "/d": 1}


@pytest.mark.parametrize("behaviour", [Behaviour(), Behaviour(error_ratio=1e-12)], ids=["fast path", "other path"])
async def test_requests_may_come_byte_by_byte(behaviour: Behaviour) -> None:
    """No way of cutting a request into parts changes what it means."""
    async with Sink(behaviour) as sink:
        reader, writer = await dial(sink)
        for byte in post(b"12345", "/some/path?query"):
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await read(reader)).status == 200
        writer.close()
        stats = sink.stats()
    assert stats.paths == {"/some/path": 1}
    assert stats.bytes == 5


async def test_a_chunked_body_is_counted_without_its_framing() -> None:
    """The bytes are those of the body."""
    async with Sink() as sink:
        head = get("/", "Transfer-Encoding: chunked", method="POST")
        answer = await ask(sink, head + b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n")
        assert answer.status == 200
        assert sink.stats().bytes == 7


async def test_a_client_that_waits_to_be_asked_for_the_body_is_asked() -> None:
    """`Expect: 100-continue` is answered before the body, and the request after it."""
    async with Sink() as sink:
        reader, writer = await dial(sink)
        writer.write(get("/", "Content-Length: 3", "Expect: 100-continue", method="POST"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await read(reader)).status == 200
        writer.close()
        assert sink.stats().bytes == 3


async def test_head_is_answered_without_a_body() -> None:
    """The length is that of a GET, the body is left out."""
    async with Sink() as sink:
        said = await conversation(sink, get("/", "Connection: close", method="HEAD"))
    assert b"Content-Length: 3\r\n" in said
    assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "connection"),
    [
        (get("/", "Connection: close"), b"close"),
        (get("/", version="1.0"), b"close"),
        (b"GET / HTTP/1.0\r\n\r\n", b"close"),
    ],
)
async def test_a_connection_is_closed_when_the_client_wants_it(request_: bytes, connection: bytes) -> None:
    """`Connection: close` and HTTP/1.0 end the connection, announced, and what follows is not answered."""
    async with Sink() as sink:
        said = await conversation(sink, request_ + get("/more"))
        assert sink.stats().requests == 1
    assert statuses(said) == [b"200"]
    assert b"Connection: " + connection + b"\r\n" in said


async def test_http_1_0_may_keep_its_connection() -> None:
    """The old way of asking for it is understood and confirmed."""
    async with Sink() as sink:
        said = await conversation(sink, get("/", "Connection: keep-alive", version="1.0") + get("/", version="1.0"))
    assert statuses(said) == [b"200", b"200"]
    assert b"Connection: keep-alive\r\n" in said


async def test_an_upgrade_is_not_taken() -> None:
    """A request that offers another protocol is an ordinary request, and so is the next one."""
    async with Sink() as sink:
        offer = get("/a", "Connection: Upgrade", "Upgrade: h2c")
        said = await conversation(sink, offer + get("/b") + get("/c", "Connection: close"))
        assert sink.stats().paths == {"/a": 1, "/b": 1, "/c": 1}
    assert statuses(said) == [b"200"] * 3


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"CONNECT sink:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_not_a_request_is_refused(request_: bytes) -> None:
    """It is answered with 400 and the connection is closed; it counts as a bad request only."""
    async with Sink() as sink:
        said = await conversation(sink, request_ + get("/more"))
        stats = sink.stats()
    assert statuses(said) == [b"400"]
    assert b"Connection: close\r\n" in said
    assert (stats.requests, stats.bad_requests) == (0, 1)


async def test_a_bad_request_is_answered_after_the_good_ones_before_it() -> None:
    """What arrived whole is not taken back."""
    async with Sink() as sink:
        said = await conversation(sink, get("/good") + b"\x16\x03\x01nonsense\r\n\r\n")
        assert sink.stats().statuses == {"200": 1}
    assert statuses(said) == [b"200", b"400"]


async def test_an_endless_head_is_refused() -> None:
    """The memory for a request that never begins its body is bounded."""
    async with Sink() as sink:
        said = await conversation(
            sink, b"GET / HTTP/1.1\r\nHost: sink\r\n" + b"x: yyyyyyyy\r\n" * (MAX_HEAD_BYTES // 10)
        )
    assert statuses(said) == [b"431"]


async def test_a_large_response_to_a_client_that_does_not_read_is_held_back() -> None:
    """A client may send before it reads; it gets all of it once it does."""
    async with Sink(Behaviour(body_bytes=1_000_000)) as sink:
        reader, writer = await dial(sink)
        writer.write(get() * 20)
        answers = [await read(reader) for _ in range(20)]
        writer.close()
    assert {len(answer.body) for answer in answers} == {1_000_000}


async def test_responses_come_in_order_though_later_ones_are_due_earlier() -> None:
    """Random delays never swap the responses of one connection."""
    behaviour = Behaviour(latency=parse_delay("uniform:0s:5ms"), error_ratio=0.5, seed=1)
    async with Sink(behaviour) as sink:
        reader, writer = await dial(sink)
        writer.write(b"".join(get(f"/{n}", method="HEAD" if n % 2 else "GET") for n in range(50)))
        answers = [await read(reader, head_only=bool(n % 2)) for n in range(50)]
        writer.close()
        stats = sink.stats()
    assert {answer.status for answer in answers} == {200, 503}
    assert stats.responses == stats.requests == 50
    assert stats.held == 0


async def test_more_requests_than_can_be_held_are_answered_all_the_same() -> None:
    """A connection with too many held responses is read no further, until they have gone."""
    count = 3 * MAX_HELD
    async with Sink(Behaviour(stall_for_ns=100_000_000)) as sink:
        reader, writer = await dial(sink)
        for _ in range(count // 100):
            writer.write(get("/a") * 100)
            await writer.drain()
        answers = [await read(reader) for _ in range(count)]
        writer.close()
        assert sink.stats().responses == count
    assert len(answers) == count


async def test_a_client_that_has_closed_its_side_still_gets_what_is_held() -> None:
    """Half a connection is enough for the responses."""
    async with Sink(Behaviour(latency=parse_delay("20ms"))) as sink:
        reader, writer = await dial(sink)
        writer.write(get("/a") + get("/b"))
        writer.write_eof()
        said = await reader.read()
        writer.close()
    assert statuses(said) == [b"200", b"200"]


async def test_stopping_ends_connections_whose_responses_are_held() -> None:
    """Nothing is left behind when a test stops its sink."""
    async with Sink(Behaviour(latency=parse_delay("1h"))) as sink:
        reader, writer = await dial(sink)
        writer.write(get())
        await sink.until(1)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        raise AssertionError(await read(reader))
    writer.close()


async def test_bodies_can_be_chunked() -> None:
    """A large body comes in chunks when it is asked for, but never to HTTP/1.0, which does not know them."""
    async with Sink(Behaviour(chunked=True, body_bytes=40_000)) as sink:
        answer = await ask(sink, get())
        old = await ask(sink, get(version="1.0"))
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.body == old.body == b"x" * 40_000
    assert old.headers["content-length"] == "40000"
