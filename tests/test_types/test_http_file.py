"""Test type `http` with a file of vegeta's targets."""

from typing import Any

import pytest

from load_tester.domain.request import MAX_TARGETS, Request
from load_tester.domain.test_type import InvalidParams
from tests.test_types.http_attack import NOW_NS, built, requests, response

TARGETS = b"""\
GET http://target:8080/base/a b?c=d
X-Own: 1
X-Own: 2

POST /b
Content-Length: 5
content-type: text/plain
@body.txt

PUT http://target:8080/base/c
Accept: own
"""
FILES = {"targets.txt": TARGETS, "body.txt": b"hello", "default.bin": b"\xff"}
URL = "http://target:8080/base/"


def file_requests(params: dict[str, Any], hits: int = 3, target_url: str = URL, **files: bytes) -> list[Request]:
    """The requests of a targets file; without another one, of the one above."""
    named = {"targetsFile": {"file": "targets.txt"}, **params}
    return requests(
        named, hits, files=FILES | {name.replace("_", "."): file for name, file in files.items()}, target_url=target_url
    )


def test_targets_are_sent_in_turn() -> None:
    """Hit n is target n mod targets, with its own headers, also those that come twice, and its own body."""
    made = file_requests({}, 6)
    assert made[:3] == [
        Request("GET", "/a%20b?c=d", (("X-Own", "1"), ("X-Own", "2")), b"", 0),
        Request("POST", "/b", (("content-type", "text/plain"),), b"hello", 1),
        Request("PUT", "/c", (("Accept", "own"),), b"", 2),
    ]
    assert all(again is request for again, request in zip(made[3:], made[:3], strict=True))


def test_what_is_said_for_all_is_added_to_targets_that_do_not_say_it() -> None:
    """Headers by name, credentials, and a body for those without one."""
    params = {
        "headers": {"accept": "common", "X-Own": "common"},
        "auth": {"basic": {"username": "u"}},
        "body": {"json": ["common"]},
        "expectedStatuses": [201],
        "checks": [{"contains": "ok"}],
    }
    auth, json_type = ("Authorization", "Basic dTo="), ("Content-Type", "application/json")
    assert file_requests(params) == [
        Request(
            "GET",
            "/a%20b?c=d",
            (("accept", "common"), auth, json_type, ("X-Own", "1"), ("X-Own", "2")),
            b'["common"]',
            0,
        ),
        Request(
            "POST", "/b", (("accept", "common"), ("X-Own", "common"), auth, ("content-type", "text/plain")), b"hello", 1
        ),
        Request("PUT", "/c", (("X-Own", "common"), auth, json_type, ("Accept", "own")), b'["common"]', 2),
    ]
    targeter = built({"targetsFile": {"file": "targets.txt"}, **params}, FILES, target_url=URL)
    assert targeter.expected == frozenset({201})
    assert targeter.observe is not None
    assert [targeter.observe(response(b"", target=place)) for place in range(3)] == [
        'the body does not contain "ok"'
    ] * 3
    assert file_requests({"body": {"file": "default.bin"}})[0].body == b"\xff"


def test_a_target_is_counted_by_method_and_path() -> None:
    """Without its query; a file with one of them has no targets to tell apart."""
    assert built({"targetsFile": {"file": "targets.txt"}}, FILES, target_url=URL).targets == (
        "GET /a%20b",
        "POST /b",
        "PUT /c",
    )
    one = built({"targetsFile": {"file": "t"}}, {"t": b"GET /a?1\nGET /a?2\n"})
    assert one.targets == ()
    assert {one.request(seq, NOW_NS).target for seq in range(2)} == {0}


def test_of_many_targets_the_most_frequent_are_counted_apart() -> None:
    """The rest is `other`."""
    lines = [b"GET /%d\n" % number for number in range(150)] + [b"GET /149\nGET /rare?%d\n" % n for n in range(5)]
    targeter = built({"targetsFile": {"file": "t"}}, {"t": b"".join(lines)})
    assert len(targeter.targets) == MAX_TARGETS
    assert {"GET /149", "GET /rare", "GET /0", "other"} <= set(targeter.targets)
    counted = [targeter.targets[targeter.request(seq, NOW_NS).target] for seq in range(len(lines) + 5)]
    assert counted[0] == "GET /0"
    assert (counted[149], counted[148], counted.count("GET /rare")) == ("GET /149", "other", 5)


def test_the_json_format_is_read_as_well() -> None:
    """One object a line."""
    content = b'{"method": "POST", "url": "http://target:8080/base/x", "header": {"A": ["b"]}, "body": "Rk9P"}\n'
    params = {"targetsFile": {"file": "t.json", "format": "json"}}
    assert file_requests(params, 1, t_json=content) == [Request("POST", "/x", (("A", "b"),), b"FOO")]


@pytest.mark.parametrize(
    ("hosts", "url", "path", "headers"),
    [
        ("match", "http://TARGET:8080/base/x?y", "/x?y", ()),
        ("match", "/x", "/x", ()),
        ("match", "//x/y", "//x/y", ()),
        ("header", "http://elsewhere.test/x", "/x", (("Host", "elsewhere.test"),)),
        ("header", "https://elsewhere.test:8443", "/", (("Host", "elsewhere.test:8443"),)),
        ("header", "/x", "/x", ()),
        ("ignore", "https://elsewhere.test?a=b", "/?a=b", ()),
    ],
)
def test_a_url_becomes_a_path(hosts: str, url: str, path: str, headers: tuple[tuple[str, str], ...]) -> None:
    """Below the attack's target; its host is what `hosts` says."""
    params = {"targetsFile": {"file": "t.txt", "hosts": hosts}}
    assert file_requests(params, 1, t_txt=f"GET {url}\n".encode()) == [Request("GET", path, headers)]


@pytest.mark.parametrize("host", [b"GET http://a.test/\nHost: b.test\n", b"GET http://a.test/\nhost: b.test\n"])
def test_a_host_of_the_target_itself_stays(host: bytes) -> None:
    """As in vegeta, the header is what is sent."""
    (request,) = file_requests({"targetsFile": {"file": "t.txt", "hosts": "header"}}, 1, t_txt=host)
    assert [value for _, value in request.headers] == ["b.test"]


@pytest.mark.parametrize(
    ("target_url", "url"),
    [
        (URL, "http://other:8080/base/x"),
        (URL, "http://target/base/x"),
        (URL, "https://target:8080/base/x"),
        (URL, "http://target:8080/x"),
        (URL, "http://target:8080/base"),
        (URL, "http://target:8080/baseline/x"),
        ("", "http://target:8080/base/x"),
    ],
)
def test_a_url_that_leads_elsewhere_is_refused(target_url: str, url: str) -> None:
    """Hits go to the attack's target, whatever a file says; nobody is to think otherwise."""
    with pytest.raises(InvalidParams, match=r"targets\.txt, line 2: .* name paths only") as refusal:
        file_requests({}, target_url=target_url, targets_txt=f"\nGET {url}\n".encode())
    assert refusal.value.path == ".targetsFile.file"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "targets.txt, there are no targets"),
        (b"GET /\nA\n", "targets.txt, line 2 is no header"),
        (b"GET /\n@nowhere\n", "targets.txt, line 2: there is no file 'nowhere'"),
        (b"GET /#a\n", "targets.txt, line 1: '/#a' has a fragment"),
        (b"GET x\n", "targets.txt, line 1: 'x' is neither a URL like"),
        (b"GET ftp://target/\n", "is neither a URL like"),
        (b"GET http:///x\n", "is neither a URL like"),
        (b"GET http://u:secret@target:8080/base/\n", "the URL of target has credentials; give them as the header"),
        (b"GET http://target:x/\n", "targets.txt, line 1: Port could not be cast"),
        (b"CONNECT /\n", "targets.txt, line 1: CONNECT opens a tunnel"),
        (b"GET /\nAb C: d\n", "targets.txt, line 2 is no header"),
        (b"GET /\nA\xc2\xa0B: c\n", "targets.txt, line 1: 'A\\xa0B' is no name of a header"),
        (b"GET /\nA: b\0c\n", "targets.txt, line 1: a header cannot have '\\x00'"),
        (b"POST /\nContent-Length: 4\n@body.txt\n", "targets.txt, line 1: Content-Length follows from the body"),
        (b"\xff", "targets.txt, line 1 is not UTF-8"),
    ],
)
def test_a_file_with_what_cannot_be_sent_is_refused(content: bytes, words: str) -> None:
    """The message names the file and the line; credentials are not in it."""
    with pytest.raises(InvalidParams) as refusal:
        file_requests({}, targets_txt=content)
    assert refusal.value.path == ".targetsFile.file"
    assert words in refusal.value.message
    assert "secret" not in refusal.value.message


def test_a_file_that_is_not_there_is_refused() -> None:
    """So is a default body that is not."""
    for params, path in (
        ({"targetsFile": {"file": "no"}}, ".targetsFile.file"),
        ({"body": {"file": "no"}}, ".body.file"),
    ):
        with pytest.raises(InvalidParams, match="there is no file 'no'") as refusal:
            file_requests(params)
        assert refusal.value.path == path
