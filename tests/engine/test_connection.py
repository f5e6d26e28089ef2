"""What an HTTP/1.1 connection makes of exact bytes on a real socket: a response, or the kind of the failure."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from load_tester.domain.metrics import ErrorKind
from load_tester.domain.request import Response
from load_tester.engine.connection import HttpConnection
from load_tester.engine.observing import ObservingConnection
from tests.engine.wire import GET, HEAD, Owner, Wire, wire

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\n"
CLOSE = OK + b"Connection: close\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Row(NamedTuple):
    """A whole response: what comes, and what is made of it. `eof` is whether the target then closes."""

    name: str
    data: bytes
    status: int
    body: bytes
    reusable: bool
    request: bytes = GET
    eof: bool = False


class Bad(NamedTuple):
    """What is no response: what comes, a part of the failure's message, the bytes of the body, the failure's kind."""

    name: str
    data: bytes
    message: str
    body_bytes: int = 0
    kind: ErrorKind = ErrorKind.MALFORMED
    request: bytes = GET
    eof: bool = False


WHOLE = [
    Row("length", OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", True),
    Row("length 0", OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    Row("an empty header", OK + b"X-Empty:\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", True),
    Row("no reason", b"HTTP/1.1 503\r\nContent-Length: 2\r\n\r\nno", 503, b"no", True),
    Row("a redirect is not followed", b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, b"", True),
    Row("close with a length", CLOSE + b"Content-Length: 2\r\n\r\nok", 200, b"ok", False),
    Row("1.0 with a length", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", False),
    Row(
        "1.0 kept alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", True
    ),
    Row("1.0 up to the end", b"HTTP/1.0 200 OK\r\n\r\nall of it", 200, b"all of it", False, eof=True),
    Row("1.1 up to the end", OK + b"\r\nall of it", 200, b"all of it", False, eof=True),
    Row("an empty body up to the end", CLOSE + b"\r\n", 200, b"", False, eof=True),
    Row("another coding up to the end", OK + b"Transfer-Encoding: gzip\r\n\r\nxyz", 200, b"xyz", False, eof=True),
    Row("chunked", CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", 200, b"hello world", True),
    Row("chunked, empty", CHUNKED + b"0\r\n\r\n", 200, b"", True),
    Row("chunk extensions", CHUNKED + b'5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n', 200, b"hello", True),
    Row("trailers", CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n", 200, b"hello", True),
    Row("chunked and close", CLOSE + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, b"a", False),
    Row("two codings", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n", 200, b"z", True),
    Row("204", NO_CONTENT, 204, b"", True),
    Row("204 with a length", b"HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n", 204, b"", True),
    Row("304", b"HTTP/1.1 304 N\r\n\r\n", 304, b"", True),
    Row("304 with a length", b"HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n", 304, b"", True),
    Row("100 before it", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", 200, b"ok", True),
    Row(
        "103 and 100 before it",
        b"HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\nHTTP/1.1 100 C\r\n\r\n" + NO_CONTENT,
        204,
        b"",
        True,
    ),
    Row("103 before one up to the end", b"HTTP/1.1 103 E\r\n\r\n" + OK + b"\r\nabc", 200, b"abc", False, eof=True),
    Row("HEAD with a length", OK + b"Content-Length: 5\r\n\r\n", 200, b"", True, HEAD),
    Row("HEAD with chunks announced", CHUNKED, 200, b"", True, HEAD),
    Row("HEAD without a length", OK + b"Server: x\r\n\r\n", 200, b"", True, HEAD),
    Row("HEAD and close", CLOSE + b"\r\n", 200, b"", False, HEAD),
    Row("HEAD from 1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 200, b"", False, HEAD),
    Row("HEAD after 100", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\n", 200, b"", True, HEAD),
    Row("HEAD with 304", b"HTTP/1.1 304 N\r\n\r\n", 304, b"", True, HEAD),
]

SURPLUS = [
    Row("two responses", (OK + b"Content-Length: 2\r\n\r\nok") * 2, 200, b"ok", False),
    Row("one byte of another", OK + b"Content-Length: 2\r\n\r\nokH", 200, b"ok", False),
    Row(
        "part of another", OK + b"Content-Length: 2\r\n\r\nok" + OK + b"Content-Length: 9\r\n\r\nno", 200, b"ok", False
    ),
    Row("garbage", OK + b"Content-Length: 2\r\n\r\nok, and more", 200, b"ok", False),
    Row("garbage after close", CLOSE + b"Content-Length: 2\r\n\r\nok!", 200, b"ok", False),
    Row("a body after HEAD", OK + b"Content-Length: 2\r\n\r\nok", 200, b"", False, HEAD),
    Row("chunks after HEAD", CHUNKED + b"0\r\n\r\n", 200, b"", False, HEAD),
    Row("a body without a length after HEAD", OK + b"\r\nok", 200, b"", False, HEAD),
    Row("two after HEAD", NO_CONTENT * 2, 204, b"", False, HEAD),
]

MALFORMED = [
    Bad("garbage", b"hello, who is there?\r\n", "Expected HTTP/"),
    Bad("ssh", b"SSH-2.0-OpenSSH_9.2\r\n", "Expected HTTP/"),
    Bad("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x0a", "Expected HTTP/"),
    Bad("another protocol", b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "101"),
    Bad("101 without a protocol", b"HTTP/1.1 101 S\r\n\r\n", "101"),
    Bad("101 to a HEAD", b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "101", request=HEAD),
    Bad("status 000", b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", "status is 0"),
    Bad("status 99", b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", "status is 99"),
    Bad("status twenty", b"HTTP/1.1 2O0 OK\r\n", "status code"),
    Bad("two lengths", OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", "Content-Length"),
    Bad("the same length twice", OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", "Duplicate"),
    Bad("a list of lengths", OK + b"Content-Length: 2, 2\r\n\r\nok", "Content-Length"),
    Bad("a length below 0", OK + b"Content-Length: -1\r\n\r\n", "Content-Length"),
    Bad("a length beyond 2^64", OK + b"Content-Length: 99999999999999999999\r\n\r\n", "overflow"),
    Bad(
        "length, then chunks",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding",
    ),
    Bad(
        "chunks, then length",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding",
    ),
    Bad("a chunk without a size", CHUNKED + b"2\r\nok\r\nxx\r\n", "chunk size", 2),
    Bad("a chunk that is too long", CHUNKED + b"2\r\nokay\r\n", "", 2),
    Bad("line feeds only", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "CR"),
    Bad("a folded header", OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", "whitespace"),
    Bad("a space before the colon", OK + b"Content-Length : 2\r\n\r\nok", "header field"),
]


def cut_off(name: str, data: bytes, body_bytes: int = 0, request: bytes = GET) -> Bad:
    """A response that ends too soon."""
    return Bad(name, data, "closed the connection before", body_bytes, ErrorKind.CLOSED, request, eof=True)


CUT_OFF = [
    cut_off("nothing", b""),
    cut_off("a part of the status line", b"HTTP/1"),
    cut_off("a part of the headers", OK + b"Content-Le"),
    cut_off("a part of the body", OK + b"Content-Length: 5\r\n\r\nhel", 3),
    cut_off("no last chunk", CHUNKED + b"5\r\nhello\r\n", 5),
    cut_off("a part of a chunk", CHUNKED + b"5\r\nhel", 3),
    cut_off("a part of the trailers", CHUNKED + b"1\r\na\r\n0\r\nX-Tra", 1),
    cut_off("only a 1xx", b"HTTP/1.1 100 Continue\r\n\r\n"),
    cut_off("a part of the headers of a HEAD", OK + b"Content", request=HEAD),
]


def names(rows: list[Row] | list[Bad]) -> list[str]:
    """Names for a table of tests."""
    return [row.name for row in rows]


@asynccontextmanager
async def observed() -> AsyncIterator[tuple[Wire, list[Response]]]:
    """A connection that keeps its responses, and the responses that were observed, each before the hit was done."""
    seen: list[Response] = []

    def make(owner: Owner) -> HttpConnection:
        def observe(response: Response) -> None:
            assert ("done", response.seq, response.status) not in owner.events
            seen.append(response)

        return ObservingConnection(owner, observe)

    async with wire(make) as line:
        yield line, seen


async def end(line: Wire, *, eof: bool) -> None:
    """Close the target's side if the row says so; otherwise nothing more comes."""
    if eof:
        line.peer.close()
        await line.owner.next()


async def check_whole(line: Wire, row: Row) -> None:
    """The row's response was taken as it must be, and the connection serves the next hit exactly if it may."""
    await end(line, eof=row.eof)
    assert line.owner.events[0] == ("done", 7, row.status)
    assert line.connection.body_bytes == len(row.body)
    assert line.connection.closing is not row.reusable
    if row.reusable:
        assert line.connection.is_alive()
        line.hit(8)
        await line.answer(OK + b"Content-Length: 3\r\n\r\nyes")
        assert line.owner.events == [("done", 7, row.status), ("done", 8, 200)]
        assert line.connection.body_bytes == len(row.body) + 3


async def check_bad(line: Wire, row: Bad) -> None:
    """The row's hit failed once, with the right kind, and the connection is of no more use."""
    await end(line, eof=row.eof)
    ((what, seq, kind, message),) = [event for event in line.owner.events if event != ("disconnected",)]
    assert (what, seq, kind) == ("failed", 7, row.kind)
    assert row.message in str(message)
    assert line.connection.closing
    assert line.connection.body_bytes == row.body_bytes


@pytest.mark.parametrize("row", WHOLE + SURPLUS, ids=names(WHOLE + SURPLUS))
async def test_a_response_in_one_piece_is_taken_whole(row: Row) -> None:
    """Status, counted bytes and whether the connection can be used again are right."""
    async with wire() as line:
        line.hit(7, row.request)
        await line.answer(row.data)
        await check_whole(line, row)


@pytest.mark.parametrize("row", WHOLE, ids=names(WHOLE))
async def test_a_response_may_be_split_anywhere(row: Row) -> None:
    """In two packets, whatever the boundary, and in as many packets as bytes, it means the same."""
    for cut in range(1, len(row.data)):
        async with wire() as line:
            line.hit(7, row.request)
            await line.answer(row.data[:cut], row.data[cut:])
            await check_whole(line, row)
    async with wire() as line:
        line.hit(7, row.request)
        await line.answer(*(bytes([byte]) for byte in row.data))
        await check_whole(line, row)


@pytest.mark.parametrize("row", WHOLE + SURPLUS, ids=names(WHOLE + SURPLUS))
async def test_an_observer_sees_exactly_the_response(row: Row) -> None:
    """It gets the body, without what came before or behind it, in one piece or in many."""
    for pieces in ((row.data,), tuple(bytes([byte]) for byte in row.data)):
        if row in SURPLUS and len(pieces) > 1:
            continue  # the surplus then comes to an idle connection
        async with observed() as (line, seen):
            line.hit(7, row.request)
            await line.answer(*pieces)
            await check_whole(line, row)
            assert seen[0][:2] == (7, row.status)
            assert seen[0].body == row.body
            assert not {"x-early", "x-sum", "x-more"} & {name for name, _ in seen[0].headers}
            assert [response.seq for response in seen] == ([7, 8] if row.reusable else [7])


@pytest.mark.parametrize("row", MALFORMED + CUT_OFF, ids=names(MALFORMED + CUT_OFF))
async def test_what_is_no_response_fails_the_hit_once(row: Bad) -> None:
    """The hit fails with its kind and a message that says why."""
    async with wire() as line:
        line.hit(7, row.request)
        if row.data:
            await line.answer(row.data)
        await check_bad(line, row)


@pytest.mark.parametrize("row", MALFORMED + CUT_OFF, ids=names(MALFORMED + CUT_OFF))
async def test_what_is_no_response_is_none_in_pieces_either(row: Bad) -> None:
    """Wherever the packets are cut, the hit fails once and with the same kind."""
    for cut in range(1, len(row.data)):
        async with wire() as line:
            line.hit(7, row.request)
            await line.answer(row.data[:cut], row.data[cut:])
            await check_bad(line, row)
