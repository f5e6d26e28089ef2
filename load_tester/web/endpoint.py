"""One route of the API with everything there is to say of it: what serves it, and what its documents are made from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from load_tester.web.guard import is_changing
from load_tester.web.query import QueryParameter
from load_tester.web.reply import MAX_BODY_BYTES, Problem

Handler = Callable[[Request], Awaitable[Response]]

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that an endpoint may give.

    Attributes:
        status: its status.
        meaning: when it is given, in a sentence.
        kinds: the types of its JSON document, one of which it is; none for no body, or one that is not JSON.
        media_type: of its body; empty for none.
    """

    status: int
    meaning: str
    kinds: tuple[Any, ...] = ()
    media_type: str = JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One route; it is served with and without a slash at the end, and `HEAD` wherever `GET` is.

    Attributes:
        methods: what it can be asked with, all of which mean the same.
        path: with names in braces for its variable parts.
        handler: answers.
        subject: what the documents list it under.
        summary: a few words.
        description: in Markdown, sentences behind the summary.
        replies: all that it gives, but those of every endpoint.
        query: the parameters behind the question mark.
        segments: what the variable parts of the path mean, by name.
        body: the type of the JSON document that is sent to it; `None` for none.
        examples: of such documents.
    """

    methods: tuple[str, ...]
    path: str
    handler: Handler
    subject: str
    summary: str
    description: str
    replies: tuple[Reply, ...]
    query: tuple[QueryParameter, ...] = ()
    segments: tuple[tuple[str, str], ...] = ()
    body: Any = None
    examples: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """What programs can call it; with the method before it, no two endpoints are called the same."""
        return self.handler.__name__

    @property
    def all_replies(self) -> tuple[Reply, ...]:
        """All replies by status, those of every endpoint included."""
        others = [MISTAKE]
        if self.body is not None:
            others.append(TOO_LARGE)
        if any(is_changing(method, self.path) for method in self.methods):
            others.append(FORBIDDEN)
        return tuple(sorted((*self.replies, *others), key=lambda reply: reply.status))


FORBIDDEN: Final = Reply(403, "A page of another site has sent this.", (Problem,))
TOO_LARGE: Final = Reply(413, f"The body is over {MAX_BODY_BYTES >> 20} MiB.", (Problem,))
MISTAKE: Final = Reply(500, "A mistake of ours; the daemon's log has more.", (Problem,))
UNAVAILABLE: Final = Reply(503, "The store is out of order at the moment.", (Problem,))


def bad_request(meaning: str) -> Reply:
    """The reply to a request that is wrong."""
    return Reply(400, meaning, (Problem,))


def not_found(meaning: str) -> Reply:
    """The reply to a request for what is not there."""
    return Reply(404, meaning, (Problem,))
