"""Requests as exact bytes, and the requests that cannot be written."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.request import Headers, Request
from load_tester.engine.encoder import MAX_CACHED_HEADS, MalformedRequest, request_encoder

LINE = b"%b HTTP/1.1\r\nHost: test:8080\r\n"


@pytest.mark.parametrize(
    ("request_", "wire"),
    [
        (Request("GET", "/"), LINE % b"GET /" + b"\r\n"),
        (Request("GET", "/a%20b?c=d&e"), LINE % b"GET /a%20b?c=d&e" + b"\r\n"),
        (Request("HEAD", "/x"), LINE % b"HEAD /x" + b"\r\n"),
        (Request("OPTIONS", "*"), LINE % b"OPTIONS *" + b"\r\n"),
        (Request("POST", "/x", (), b"abc"), LINE % b"POST /x" + b"Content-Length: 3\r\n\r\nabc"),
        (Request("POST", "/x"), LINE % b"POST /x" + b"Content-Length: 0\r\n\r\n"),
        (Request("PUT", "/x"), LINE % b"PUT /x" + b"Content-Length: 0\r\n\r\n"),
        (Request("PATCH", "/x"), LINE % b"PATCH /x" + b"Content-Length: 0\r\n\r\n"),
        (Request("DELETE", "/x"), LINE % b"DELETE /x" + b"\r\n"),
        (Request("DELETE", "/x", (), b"no"), LINE % b"DELETE /x" + b"Content-Length: 2\r\n\r\nno"),
        (Request("GET", "/x", (), b"%d%b\0"), LINE % b"GET /x" + b"Content-Length: 5\r\n\r\n%d%b\0"),
        (Request("GET", "/", (("X-A", "1"), ("x-a", "%s"))), LINE % b"GET /" + b"X-A: 1\r\nx-a: %s\r\n\r\n"),
        (
            Request("GET", "/", (("X-Name", "Ren\u00e9"), ("X-No", ""))),
            LINE % b"GET /" + b"X-Name: Ren\xe9\r\nX-No: \r\n\r\n",
        ),
        (Request("GET", "/", (("hOST", "other"),)), b"GET / HTTP/1.1\r\nhOST: other\r\n\r\n"),
        (
            Request("POST", "/", (("content-length", "5"),), b"abc"),
            LINE % b"POST /" + b"content-length: 5\r\n\r\nabc",
        ),
        (
            Request("POST", "/", (("Transfer-Encoding", "chunked"),), b"3\r\nabc\r\n0\r\n\r\n"),
            LINE % b"POST /" + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
    ],
)
def test_a_request_is_these_bytes(request_: Request, wire: bytes) -> None:
    """Every time, also from the cache, and whatever was encoded in between."""
    encode = request_encoder("test:8080", "")
    assert encode(request_) == wire
    assert encode(Request("GET", "/other")) != wire
    assert encode(request_) == wire
    assert encode(Request(*request_)) == wire


@pytest.mark.parametrize(
    ("prefix", "path", "target"),
    [("/base", "/x", b"/base/x"), ("/base", "/", b"/base/"), ("", "/x", b"/x"), ("/a/b", "//x", b"/a/b//x")],
)
def test_paths_are_below_the_prefix_of_the_target(prefix: str, path: str, target: bytes) -> None:
    """They are put behind it as they are."""
    assert request_encoder("h", prefix)(Request("GET", path)).startswith(b"GET %b HTTP/1.1\r\n" % target)


def test_a_request_about_the_server_is_not_below_the_prefix() -> None:
    """`OPTIONS *` has no path."""
    assert request_encoder("h", "/base")(Request("OPTIONS", "*")).startswith(b"OPTIONS * HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("", "/"), "the method '' is not an HTTP token"),
        (Request("GET /", "/"), "the method 'GET /' is not an HTTP token"),
        (Request("GET\r\n", "/"), "is not an HTTP token"),
        (Request("GET", ""), "the path '' does not start with a slash"),
        (Request("GET", "x"), "the path 'x' does not start with a slash"),
        (Request("GET", "http://other/"), "does not start with a slash"),
        (Request("GET", "/a b"), "the path '/base/a b' holds characters that must be percent-encoded"),
        (Request("GET", "/a\r\nX: y"), "percent-encoded"),
        (Request("GET", "/\x7f"), "percent-encoded"),
        (Request("GET", "/caf\u00e9"), "percent-encoded"),
        (Request("GET", "/", (("", "x"),)), "the header '' with the value 'x' is not well-formed"),
        (Request("GET", "/", (("X Y", "x"),)), "the header 'X Y' with the value 'x' is not well-formed"),
        (Request("GET", "/", (("X:", "x"),)), "is not well-formed"),
        (Request("GET", "/", (("X", "a\r\nY: b"),)), "is not well-formed"),
        (Request("GET", "/", (("X", "a\nb"),)), "is not well-formed"),
        (Request("GET", "/", (("X", "a\0b"),)), "is not well-formed"),
        (Request("GET", "/", (("X", "\u20ac 5"),)), "a header holds characters outside of Latin-1"),
    ],
)
def test_what_cannot_be_written_is_refused(request_: Request, message: str) -> None:
    """Every time it is tried; the message says what is wrong."""
    encode = request_encoder("h", "/base")
    for _ in range(2):
        with pytest.raises(MalformedRequest) as refusal:
            encode(request_)
        assert message in str(refusal.value)


def test_more_heads_than_are_remembered_are_written_as_well() -> None:
    """The memory is bounded, and what was forgotten is made again."""
    encode = request_encoder("h", "")
    for _ in range(2):
        for n in range(MAX_CACHED_HEADS + 2):
            assert encode(Request("GET", f"/{n}")) == b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n
            assert encode(Request("GET", "/", ((f"X-{n}", f"{n}"),))) == (
                b"GET / HTTP/1.1\r\nHost: h\r\nX-%d: %d\r\n\r\n" % (n, n)
            )


def test_signs_of_formats_are_letters_like_any_other() -> None:
    """A percent sign in the host, in a name or in a value is sent as it is."""
    encode = request_encoder("a%s:1", "")
    wire = b"GET / HTTP/1.1\r\nHost: a%s:1\r\nX%s: %d%%\r\n\r\n"
    assert encode(Request("GET", "/", (("X%s", "%d%%"),))) == wire


def test_only_the_header_that_is_wrong_is_named() -> None:
    """What else is sent, credentials for instance, is not in the message."""
    encode = request_encoder("h", "")
    with pytest.raises(MalformedRequest) as refusal:
        encode(Request("GET", "/", (("Authorization", "secret"), ("X", "5 \u20ac"), ("Y", "z"))))
    assert str(refusal.value) == "a header holds characters outside of Latin-1: 'X: 5 \u20ac'"


TOKENS = st.text("abcXYZ019-_!~", min_size=1, max_size=8)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


class Reader:
    """Reads a request with an independent parser."""

    def __init__(self, wire: bytes) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.is_whole = False
        httptools.HttpRequestParser(self).feed_data(wire)

    def on_url(self, url: bytes) -> None:
        """Keep it."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep it."""
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        """Keep it."""
        self.body += body

    def on_message_complete(self) -> None:
        """It is whole."""
        self.is_whole = True


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), TOKENS, st.lists(st.tuples(TOKENS, VALUES)), st.binary())
def test_what_is_written_can_be_read_again(method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> None:
    """An independent parser finds one whole request with the same path, headers and body."""
    pairs: Headers = tuple((f"X-{name}", value) for name, value in headers)
    wire = request_encoder("h", "/base")(Request(method, f"/{path}", pairs, body))
    read = Reader(wire)
    assert read.is_whole
    assert read.url == f"/base/{path}".encode()
    assert [(name.decode(), value.decode()) for name, value in read.headers if name.startswith(b"X-")] == list(pairs)
    assert read.body == body
