"""What tests of test type `http` share: a worker's part of an attack, without an engine."""

from random import Random
from typing import Any, Final

from load_tester.domain.files import CarriedFiles
from load_tester.domain.pacer import ALL_HITS, Share
from load_tester.domain.request import Request, Response, Targeter
from load_tester.domain.test_type import BuildContext
from test_types.http import HTTP

NOW_NS: Final = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z

FILES: Final = {
    "users.csv": b"id,name,path\n7,Ann Lee,/a?x=1\n8,Bob/Cy,/b\n9,D\xc3\xa9,/c\n",
    "users.jsonl": b'{"id": 7, "tags": ["a", "b"]}\n{"id": 8, "tags": []}\n',
    "body.bin": b"\x00\xff${seq}",
}


def built(
    params: dict[str, Any],
    files: dict[str, bytes] | None = None,
    share: Share = ALL_HITS,
    seed: int = 1,
    target_url: str = "http://127.0.0.1:9999",
) -> Targeter:
    """The targeter of one worker."""
    context = BuildContext(
        Random(seed), share=share, files=CarriedFiles(FILES if files is None else files), target_url=target_url
    )
    return HTTP.build(HTTP.decode(params), context)


def requests(params: dict[str, Any], hits: int = 1, **more: Any) -> list[Request]:
    """The first requests, one each millisecond."""
    targeter = built(params, **more)
    return [targeter.request(seq, NOW_NS + seq * 1_000_000) for seq in range(hits)]


def response(body: bytes, *headers: tuple[str, str], target: int = 0) -> Response:
    """A response to a hit of a target."""
    return Response(0, 200, headers, body, target)
