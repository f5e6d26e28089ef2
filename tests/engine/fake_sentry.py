"""A fake Sentry on a loopback socket, as a Relay sees it: project configs by key, and projects that can be updated.

Facts are those of the fake Sentry that the load testers before this one came with: a key's trailing digits are the id
of its project, and a config follows from that.
"""

import asyncio
import json
import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httptools
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CONFIGS = "/api/0/relays/projectconfigs/?version=3"
PROJECT = re.compile(r"/api/0/projects/([^/]+)/([^/]+)/")


@dataclass
class FakeSentry:
    """What came in. A key is pending at every other request for it, beginning with the first.

    `polls` are the keys of each request for configs, `updates` path and number of each update. A request whose
    signature `public_key` does not verify is answered with 401.
    """

    public_key: Ed25519PublicKey
    url: str = ""
    polls: list[list[str]] = field(default_factory=list)
    updates: list[tuple[str, int]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    refused: int = 0

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Status and content of the answer to a request."""
        if (method, path) == ("POST", CONFIGS):
            if not self._is_signed(headers.get("x-sentry-relay-signature", ""), body):
                self.refused += 1
                return 401, {"detail": "bad signature"}
            keys = json.loads(body)["publicKeys"]
            self.polls.append(keys)
            self.asked.update(keys)
            pending = [key for key in keys if self.asked[key] % 2]
            self.pending += len(pending)
            return 200, {"configs": {key: _config(key) for key in keys if key not in pending}, "pending": pending}
        if method == "PUT" and PROJECT.fullmatch(path):
            self.updates.append((path, int(json.loads(body)["safeFields"][0].removeprefix("x-"))))
            return 200, {"slug": path.split("/")[-2]}
        return 404, {"detail": f"nothing at {method} {path}"}

    def _is_signed(self, value: str, body: bytes) -> bool:
        signature, _, header = value.partition(".")
        try:
            self.public_key.verify(_decoded(signature), _decoded(header) + b"\0" + body)
        except InvalidSignature:
            return False
        return True


def _decoded(text: str) -> bytes:
    """What base64url without padding says."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _config(key: str) -> dict[str, Any]:
    number = int(re.sub(r"^\D*", "", key))
    return {
        "projectId": number,
        "slug": f"project-{number}",
        "publicKeys": [{"publicKey": key, "isEnabled": True}],
        "config": {"allowedDomains": ["*"], "piiConfig": {}},
    }


class _Served(asyncio.Protocol):
    def __init__(self, sentry: FakeSentry) -> None:
        self._sentry = sentry
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._path, self._body = b"", b""
        self._headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        status, content = self._sentry.answer(method, self._path.decode(), self._headers, self._body)
        body = json.dumps(content).encode()
        self._transport.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


@asynccontextmanager
async def fake_sentry(public_key: str) -> AsyncIterator[FakeSentry]:
    """A fake Sentry that knows this public key (base64url without padding), on a free port of 127.0.0.1."""
    sentry = FakeSentry(Ed25519PublicKey.from_public_bytes(_decoded(public_key)))
    server = await asyncio.get_running_loop().create_server(lambda: _Served(sentry), "127.0.0.1", 0, backlog=1024)
    sentry.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield sentry
    finally:
        server.close()
        await server.wait_closed()
