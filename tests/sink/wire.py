"""Talk to a sink in raw bytes."""

import asyncio
import json
from typing import Any, NamedTuple

from load_tester.sink.server import Sink


class Answer(NamedTuple):
    """A response, taken apart; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


async def dial(sink: Sink) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the sink."""
    return await asyncio.open_connection("127.0.0.1", sink.port)


async def read(reader: asyncio.StreamReader, *, head_only: bool = False) -> Answer:
    """The next response, framed by its length or in chunks. Raises `IncompleteReadError` when there is none."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    body = b""
    if not head_only and headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        assert await reader.readline() == b"\r\n"
    elif not head_only:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(lines[0].split()[1]), headers, body)


async def ask(sink: Sink, request: bytes) -> Answer:
    """The response to one request on a connection of its own, which the sink then closes."""
    reader, writer = await dial(sink)
    writer.write(request)
    answer = await read(reader)
    writer.close()
    return answer


async def own(sink: Sink, request_line: bytes) -> Any:
    """What the sink says of itself, over HTTP."""
    answer = await ask(sink, request_line + b" HTTP/1.1\r\nHost: sink\r\n\r\n")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.body)


def get(path: str = "/", *lines: str, version: str = "1.1", method: str = "GET") -> bytes:
    """A request without a body, with further header lines."""
    return "\r\n".join((f"{method} {path} HTTP/{version}", "Host: sink", *lines, "", "")).encode()


def post(body: bytes, path: str = "/") -> bytes:
    """A request with a body."""
    return get(path, f"Content-Length: {len(body)}", method="POST") + body
