"""How a response ends, for the few that the parser alone cannot tell: without a length, or behind a 1xx."""

import contextlib

import httptools


class Framing:
    """Looks at the start of a response once more, for what the hot path does not ask: how its body ends.

    `complete` is whether the headers of the final response are whole, `framed` whether they say where its body ends.
    """

    def __init__(self, start: bytes) -> None:
        self.complete = False
        self.framed = False
        self._status = 0
        self._parser = httptools.HttpResponseParser(self)
        with contextlib.suppress(httptools.HttpParserError):
            self._parser.feed_data(start)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        # A final transfer coding other than chunked ends with the connection as well (RFC 9112 §6.3, item 4).
        lower = name.lower()
        chunked = lower == b"transfer-encoding" and value.lower().rstrip().endswith(b"chunked")
        self.framed = self.framed or chunked or lower == b"content-length"

    def on_headers_complete(self) -> None:
        """See whether they are those of the final response."""
        self._status = self._parser.get_status_code()
        self.complete = self._status >= 200
        if not self.complete:
            self.framed = False
